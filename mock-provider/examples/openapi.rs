//! Prints the description of the control API.

#![expect(clippy::print_stdout, reason = "it prints")]

fn main() {
    println!("{:#}", mock_provider::openapi::document());
}
