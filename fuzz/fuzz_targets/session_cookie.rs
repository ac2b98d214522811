#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| byte_parsers::session_cookie(bytes));
