//! What the reference client reads: answers of the token endpoint, and cookies.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use client_core::token_answer::judge;
use client_core::{HttpResponse, Jwt, SealedCookie, SealingSecret, SealingSecrets, UnixMillis};

const NAME: &str = "authjs.session-token";

static COOKIE: LazyLock<Option<SealedCookie<Jwt>>> = LazyLock::new(|| {
    let secret = SealingSecret::new("a secret of the fuzzer, long enough");
    SealingSecrets::new(vec![secret]).ok().map(|secrets| SealedCookie::new(NAME, &secrets))
});

/// The first byte chooses the status, the rest is the body of an answer of the token endpoint.
///
/// # Panics
/// When an answer is taken whose access token cannot be sent (RFC 6749 appendix A.12).
pub fn token_answer(bytes: &[u8]) {
    const STATUSES: [u16; 8] = [200, 201, 302, 400, 401, 403, 429, 503];
    let Some((first, body)) = bytes.split_first() else { return };
    let status = STATUSES[usize::from(*first) % STATUSES.len()];
    let answer = judge(&HttpResponse { status, retry_after: None, body: body.to_vec() });
    if let Ok(answer) = answer {
        let token = answer.access_token.expose();
        assert!((200..300).contains(&status), "a token came with status {status}");
        assert!(!token.is_empty() && token.bytes().all(|byte| (0x20..=0x7e).contains(&byte)));
    }
}

/// The cookies that a browser sends, one a line: `name=value`.
///
/// # Panics
/// When something opens that was never sealed.
pub fn session_cookie(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let pair = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let cookies: BTreeMap<String, String> = text.lines().filter_map(pair).collect();
    let Some(cookie) = COOKIE.as_ref() else { return };
    assert!(cookie.read(&cookies, UnixMillis(1_893_456_000_000)).is_err(), "a cookie opens that was never sealed");
    let cleared = cookie.clear(&cookies);
    assert!(cleared.len() <= cookies.len() + 1, "more cookies are cleared than there are");
}
