//! Sign-in and sign-out.

use client_core::{CookieChange, SignInError};
use serde_json::json;
use wiremock::matchers::{method, path};
use wiremock::{Mock, ResponseTemplate};

use crate::{Rig, tokens};

#[tokio::test]
async fn a_sign_in_whose_id_token_has_another_nonce_is_refused() {
    let rig = Rig::new().await;
    let (url, pending) = rig.auth.begin_sign_in();
    let state = url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let id_token = rig.id_token(&json!({"nonce": "other"}));
    rig.answers("authorization_code", 1, tokens(&json!({ "id_token": id_token }))).await;
    let callback = format!("http://127.0.0.1:9/cb?state={state}&code=c").parse().unwrap();
    let refused = rig.auth.finish_sign_in(pending, &callback, None).await.unwrap_err();
    assert!(matches!(refused, SignInError::IdToken(_)), "{refused}");
}

#[tokio::test]
async fn a_wrong_state_exchanges_nothing() {
    let rig = Rig::new().await;
    let (_, pending) = rig.auth.begin_sign_in();
    let callback = "http://127.0.0.1:9/cb?state=x&code=c".parse().unwrap();
    assert!(rig.auth.finish_sign_in(pending, &callback, None).await.is_err());
    assert!(rig.server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn signing_out_revokes_and_works_without_the_provider() {
    for status in [200, 400, 503] {
        let rig = Rig::new().await;
        let cookie = rig.signed_in().await;
        let revoke = Mock::given(method("POST")).and(path("/revoke"));
        revoke.respond_with(ResponseTemplate::new(status)).expect(1).mount(&rig.server).await;
        assert_eq!(rig.auth.sign_out(Some(cookie.clone())).await, CookieChange::Clear);
        let replayed = rig.auth.read(Some(cookie)).await;
        assert!(replayed.session.is_none(), "a replayed cookie is worth nothing");
    }
}

#[tokio::test]
async fn a_read_in_flight_does_not_undo_a_sign_out() {
    let rig = Rig::new().await;
    let cookie = rig.expired().await;
    rig.answers("refresh_token", 1, tokens(&json!({})).set_delay(std::time::Duration::from_millis(200))).await;
    let (read, ()) = tokio::join!(rig.auth.read(Some(cookie.clone())), async {
        while rig.refreshes().await.is_empty() {
            tokio::task::yield_now().await;
        }
        rig.auth.sign_out(Some(cookie.clone())).await;
    });
    assert!(read.session.is_none());
    assert_eq!(read.cookie, CookieChange::Keep, "no Set-Cookie at all");
}
