//! What the fake Google reads: the body of a token request.

use std::sync::LazyLock;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use mock_provider::{Provider, RealmHandle, Timestamp};

/// A provider of which only the decisions are used; its socket is never talked to.
static REALM: LazyLock<Option<(tokio::runtime::Runtime, Provider, RealmHandle)>> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let provider = Provider::builder().frozen_at(Timestamp::from_millis(1_893_456_000_000));
    let provider = runtime.block_on(provider.start()).ok()?;
    let realm = provider.default_realm();
    Some((runtime, provider, realm))
});

/// The body of a POST to the token endpoint.
///
/// # Panics
/// When nonsense buys a token, or the refusal is no JSON object.
pub fn token_request(bytes: &[u8]) {
    let Some((_, _, realm)) = REALM.as_ref() else { return };
    let form = "application/x-www-form-urlencoded";
    let request = Request::post("/token").header(header::CONTENT_TYPE, form).body(Bytes::copy_from_slice(bytes));
    let Ok(request) = request else { return };
    let answer = realm.call(request);
    assert_ne!(answer.status(), StatusCode::OK, "nonsense has bought a token");
    let body: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_slice(answer.body());
    assert!(body.is_ok_and(|body| body.contains_key("error")), "a refusal without an error");
}
