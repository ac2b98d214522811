//! The authorization endpoint and the code grant.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mock_provider::{Consent, User};
use serde_json::Value;

use crate::{REDIRECT, Tokens, World, error_of, location, oauth, query_of};

#[tokio::test]
async fn the_callback_has_googles_parameters_in_googles_order() {
    let world = World::new().await;
    let callback = location(&world.authorize(&[]).await);
    let names: Vec<String> = callback.query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(names, ["state", "iss", "code", "scope", "authuser", "prompt"]);
    let query = query_of(&callback);
    assert_eq!(query["iss"], world.realm.issuer());
    assert_eq!(query["prompt"], "consent");
    assert!(query["code"].starts_with("4/0A"), "{}", query["code"]);
}

#[tokio::test]
async fn a_refresh_token_comes_only_with_offline_access_and_shown_consent() {
    let world = World::new().await;
    let online = world.code(&[]).await;
    assert!(Tokens::of(world.redeem(&online, &[]).await).await.refresh.is_none());
    let silent = world.code(&[("access_type", "offline")]).await;
    assert!(Tokens::of(world.redeem(&silent, &[]).await).await.refresh.is_none(), "consent was not shown again");
    assert!(world.sign_in().await.refresh.is_some());
}

#[tokio::test]
async fn success_has_googles_member_order_layout_and_headers() {
    let world = World::new().await;
    let code = world.code(&[("access_type", "offline")]).await;
    let response = world.redeem(&code, &[]).await;
    assert_eq!(response.headers()["cache-control"], "no-cache, no-store, max-age=0, must-revalidate");
    assert_eq!(response.headers()["content-type"], "application/json; charset=utf-8");
    assert_eq!(response.headers().get_all("vary").iter().count(), 3);
    let text = response.text().await.unwrap();
    assert!(text.starts_with("{\n  \"access_token\": \"ya29.a0") && text.ends_with("\"\n}"), "{text}");
    let body: Value = serde_json::from_str(&text).unwrap();
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["access_token", "expires_in", "refresh_token", "scope", "token_type", "id_token"]);
    assert_eq!(body["expires_in"], 3599);
}

#[tokio::test]
async fn the_id_token_says_who_and_keeps_the_nonce() {
    let world = World::new().await;
    let code = world.code(&[("nonce", "n-1")]).await;
    let id = Tokens::of(world.redeem(&code, &[]).await).await.id;
    let claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(id.split('.').nth(1).unwrap()).unwrap()).unwrap();
    assert_eq!(claims["iss"], world.realm.issuer());
    assert_eq!(claims["aud"], world.client.id);
    assert_eq!(claims["nonce"], "n-1");
    assert_eq!(claims["email"], "ada@example.com");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
}

#[tokio::test]
async fn pkce_is_checked_both_ways() {
    // The pair of RFC 7636 appendix B.
    let (verifier, challenge) =
        ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    let world = World::new().await;
    let s256 = [("code_challenge", challenge), ("code_challenge_method", "S256")];
    let plain = [("code_challenge", verifier)];
    for (request, given, expected) in [
        (&s256[..], Some(verifier), None),
        (&plain[..], Some(verifier), None),
        (&s256[..], Some("wrong"), Some("Invalid code verifier.")),
        (&s256[..], None, Some("Missing code verifier.")),
        (&[][..], Some(verifier), Some("code_verifier or verifier is not needed.")),
    ] {
        let code = world.code(request).await;
        let extra: Vec<_> = given.map(|verifier| ("code_verifier", verifier)).into_iter().collect();
        let response = world.redeem(&code, &extra).await;
        match expected {
            None => assert_eq!(response.status(), 200),
            Some(text) => assert_eq!(error_of(response).await, oauth(400, "invalid_grant", text)),
        }
    }
}

#[tokio::test]
async fn a_code_is_good_once_and_for_its_own_redirect_uri() {
    let world = World::new().await;
    let code = world.code(&[]).await;
    assert_eq!(world.redeem(&code, &[]).await.status(), 200);
    assert_eq!(error_of(world.redeem(&code, &[]).await).await, oauth(400, "invalid_grant", "Bad Request"));
    assert_eq!(error_of(world.redeem("4%2F0A", &[]).await).await, oauth(400, "invalid_grant", "Malformed auth code."));
    let code = world.code(&[("redirect_uri", "http://127.0.0.1:9/other")]).await;
    assert_eq!(error_of(world.redeem(&code, &[]).await).await, oauth(400, "redirect_uri_mismatch", "Bad Request"));
}

#[tokio::test]
async fn a_denial_reaches_the_redirect_uri_with_the_state() {
    let world = World::new().await;
    world.realm.set_consent(Consent::Deny);
    let callback = location(&world.authorize(&[]).await);
    assert!(callback.as_str().starts_with(REDIRECT));
    let query = query_of(&callback);
    assert_eq!((query["error"].as_str(), query["state"].as_str()), ("access_denied", "st"));
}

#[tokio::test]
async fn a_bad_client_or_redirect_uri_never_reaches_the_redirect_uri() {
    let world = World::new().await;
    for (parameter, status, error) in [
        (("client_id", "nobody"), 401, "invalid_client"),
        (("redirect_uri", "https://evil.example/"), 400, "redirect_uri_mismatch"),
        (("scope", ""), 400, "invalid_request"),
    ] {
        let page = location(&world.authorize(&[parameter]).await);
        assert_eq!(page.path(), "/signin/oauth/error");
        let packed = STANDARD.decode(&query_of(&page)["authError"]).unwrap();
        assert!(String::from_utf8_lossy(&packed).contains(error), "{error}");
        let shown = world.http.get(page).send().await.unwrap();
        assert_eq!(shown.status(), status);
        assert!(shown.text().await.unwrap().contains(error));
    }
}

#[tokio::test]
async fn prompt_none_succeeds_only_where_nothing_has_to_be_asked() {
    let world = World::new().await;
    let asked = || world.authorize(&[("prompt", "none")]);
    assert_eq!(query_of(&location(&asked().await))["error"], "interaction_required");
    world.sign_in().await;
    assert_eq!(query_of(&location(&asked().await))["prompt"], "none");
}

#[tokio::test]
async fn a_hint_that_leads_nowhere_signs_nobody_in() {
    let world = World::new().await;
    let page = location(&world.authorize(&[("login_hint", "nobody@example.com")]).await);
    assert_eq!(page.path(), "/signin/oauth/error");
}

#[tokio::test]
async fn the_hinted_user_signs_in_else_the_chosen_one() {
    let world = World::new().await;
    world.realm.put_user(User::named("u-eve", "eve"));
    world.realm.sign_in_as("u-eve").unwrap();
    let user = async |code: String| {
        world.redeem(&code, &[]).await;
        world.realm.journal(0).pop().unwrap().user.unwrap()
    };
    assert_eq!(user(world.code(&[]).await).await, "u-eve");
    assert_eq!(user(world.code(&[("login_hint", "ada@example.com")]).await).await, "100000000000000000001");
    assert!(world.realm.sign_in_as("nobody").is_err());
}
