//! The refresh grant from the session's point of view.

use std::time::Duration;

use client_core::{SessionError, SessionRead};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::{Rig, START, jwk_set, tokens};

fn error(read: &SessionRead) -> Option<SessionError> {
    read.session.as_ref().expect("a session").error
}

fn access(read: &SessionRead) -> Option<&str> {
    read.access_token.as_ref().map(|token| token.expose())
}

#[tokio::test]
async fn a_refresh_is_a_form_post_with_everything_in_the_body() {
    let rig = Rig::new().await;
    let cookie = rig.expired().await;
    rig.answers("refresh_token", 1, tokens(&json!({}))).await;
    let (read, next) = rig.read(&cookie).await;
    assert_eq!((error(&read), access(&read)), (None, Some("at2")));
    assert_eq!(next.jwt.refresh_token.unwrap().expose(), "rt1", "the old refresh token lives on");
    assert_eq!(
        rig.refreshes().await,
        ["grant_type=refresh_token&refresh_token=rt1&client_id=client&client_secret=secret"]
    );
    let request = rig.server.received_requests().await.unwrap().pop().unwrap();
    assert_eq!(request.url.query(), None);
    assert_eq!(request.headers["content-type"], "application/x-www-form-urlencoded");
}

#[tokio::test]
async fn ten_readers_cost_one_refresh_and_get_the_same_token() {
    let rig = Rig::new().await;
    let cookie = rig.expired().await;
    rig.answers("refresh_token", 1, tokens(&json!({"refresh_token": "rt2"}))).await;
    let reads = futures_util::future::join_all((0..10).map(|_| rig.read(&cookie))).await;
    assert!(reads.iter().all(|(read, _)| access(read) == Some("at2")));
    assert_eq!(rig.refreshes().await.len(), 1);
}

#[tokio::test]
async fn a_stale_cookie_gets_the_successor_and_follows_the_chain() {
    let rig = Rig::new().await;
    let stale = rig.expired().await;
    rig.answers("refresh_token", 1, tokens(&json!({"refresh_token": "rt2", "expires_in": 5}))).await;
    rig.read(&stale).await;
    let (read, next) = rig.read(&stale).await;
    assert_eq!(access(&read), Some("at2"));
    assert_eq!(next.jwt.refresh_token.unwrap().expose(), "rt2");
    rig.clock.set(START.plus(Duration::from_secs(3600 + 6)));
    rig.answers("refresh_token", 1, tokens(&json!({"access_token": "at3"}))).await;
    let (read, next) = rig.read(&stale).await;
    assert_eq!(access(&read), Some("at3"));
    assert_eq!(next.jwt.refresh_token.unwrap().expose(), "rt2");
    let presented = rig.refreshes().await;
    assert!(presented[1].contains("refresh_token=rt2"), "{presented:?}");
}

#[tokio::test]
async fn a_dead_grant_is_reported_at_once_and_presented_never_again() {
    let rig = Rig::new().await;
    let cookie = rig.expired().await;
    rig.answers("refresh_token", 9, ResponseTemplate::new(400).set_body_json(json!({"error": "invalid_grant"}))).await;
    let (read, next) = rig.read(&cookie).await;
    assert_eq!((error(&read), access(&read)), (Some(SessionError::RefreshTokenError), None));
    rig.read(&next).await;
    rig.read(&cookie).await;
    assert_eq!(rig.refreshes().await.len(), 1, "neither by the new cookie nor by a stale one");
}

#[tokio::test]
async fn a_passing_fault_is_shown_waited_out_and_cleared() {
    let rig = Rig::new().await;
    let cookie = rig.expired().await;
    rig.answers("refresh_token", 1, ResponseTemplate::new(429).insert_header("retry-after", "120")).await;
    rig.answers("refresh_token", 1, tokens(&json!({}))).await;
    let (read, cookie) = rig.read(&cookie).await;
    assert_eq!(error(&read), Some(SessionError::RefreshTokenError));
    rig.clock.set(START.plus(Duration::from_secs(3600 + 119)));
    let (read, cookie) = rig.read(&cookie).await;
    assert_eq!((error(&read), rig.refreshes().await.len()), (Some(SessionError::RefreshTokenError), 1));
    rig.clock.set(START.plus(Duration::from_secs(3600 + 120)));
    let (read, _) = rig.read(&cookie).await;
    assert_eq!((error(&read), access(&read)), (None, Some("at2")));
}

#[tokio::test]
async fn an_id_token_on_refresh_has_to_fit() {
    for (change, fits) in [
        (json!({}), true),
        (json!({"aud": ["other", "client"], "azp": "client"}), true),
        (json!({"aud": ["other", "client"]}), false),
        (json!({"azp": "other"}), false),
        (json!({"sub": "u-eve"}), false),
        (json!({"iss": "https://evil.example"}), false),
        (json!({"aud": "other"}), false),
        (json!({"exp": 1}), false),
    ] {
        let rig = Rig::new().await;
        let cookie = rig.expired().await;
        let answer = tokens(&json!({"id_token": rig.id_token(&change), "refresh_token": "rt2"}));
        rig.answers("refresh_token", 1, answer).await;
        let (read, next) = rig.read(&cookie).await;
        assert_eq!(error(&read).is_none(), fits, "{change}");
        assert_eq!(read.session.unwrap().user.sub, "u-ada");
        assert_eq!(next.jwt.refresh_token.unwrap().expose(), "rt2", "the old one may be spent");
    }
}

/// The token with another character at the start of its signature.
fn tampered(honest: &str) -> String {
    let (input, signature) = honest.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{input}.{other}{}", &signature[1..])
}

#[tokio::test]
async fn a_forged_id_token_is_refused() {
    let rig = Rig::new().await;
    let cookie = rig.expired().await;
    let honest = rig.id_token(&json!({}));
    let none = format!("eyJhbGciOiJub25lIn0.{}.", honest.split('.').nth(1).unwrap());
    for forged in [tampered(&honest), none, "not.a.jwt".to_owned()] {
        rig.answers("refresh_token", 1, tokens(&json!({"id_token": forged}))).await;
        let (read, _) = rig.read(&cookie).await;
        assert_eq!(error(&read), Some(SessionError::RefreshTokenError), "{forged}");
    }
}

/// A key of somebody else's.
const FOREIGN: &str = "sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri23bOdgWp4Dy1WlUzewbgBHod5pcM9H95GQRV3JDXboIRROSBigeC5yjU1hGzHHyXss8UDprecbAYxknTcQkhslANGRUZmdTOQ5qTRsLAt6BTYuyvVRdhS8exSZEy_c4gs_7svlJJQ4H9_NxsiIoLwAEk7-Q3UXERGYw_75IDrGA84-lA_-Ct4eTlXHBIY2EaV7t7LjJaynVJCpkv4LKjTTAumiGUIuQhrNhZLuF_RJLqHpM2kgWFLU7-VTdL1VbC2tejvcI2BlMkEpk1BzBZI0KQB0GaDWFLN-aEAw3vRw";

/// Reads after the keys of seven hours ago are old, and again an hour later, when the provider is right again.
async fn read_twice(published: &Value) -> [Option<SessionError>; 2] {
    let rig = Rig::new().await;
    let mut cookie = rig.signed_in().await;
    rig.publishes_once(published).await;
    let mut errors = [None; 2];
    for (hours, seen) in [7, 8].into_iter().zip(&mut errors) {
        rig.clock.set(START.plus(Duration::from_secs(hours * 3_600)));
        rig.answers("refresh_token", 1, tokens(&json!({"id_token": rig.id_token(&json!({}))}))).await;
        let (read, next) = rig.read(&cookie).await;
        (*seen, cookie) = (error(&read), next);
    }
    errors
}

#[tokio::test]
async fn a_wrong_key_under_the_right_id_is_not_kept() {
    let foreign = json!({"kty": "RSA", "kid": "k1", "n": FOREIGN, "e": "AQAB"});
    let wrong = json!({"keys": [foreign]});
    assert_eq!(read_twice(&wrong).await, [Some(SessionError::RefreshTokenError), None]);

    let mut both = jwk_set();
    both["keys"].as_array_mut().unwrap().insert(0, foreign);
    assert_eq!(read_twice(&both).await, [None, None], "any key of that id may have signed");
}

#[tokio::test]
async fn keys_that_are_of_no_use_do_not_replace_good_ones() {
    let symmetric = json!({"keys": [{"kty": "oct", "kid": "k1", "k": "c2VjcmV0", "alg": "HS256"}]});
    assert_eq!(read_twice(&symmetric).await, [None, None]);
}
