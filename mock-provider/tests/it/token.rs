//! The refresh grant, the errors of the token endpoint, and the endpoints that look tokens up.

use std::time::Duration;

use http::StatusCode;
use mock_provider::policy::{LiveLimit, PolicyPatch, Reuse, Rotation};
use mock_provider::profile::ProfileName;
use serde_json::{Value, json};

use crate::{Tokens, World, error_of, oauth};

const DEAD: &str = "Token has been expired or revoked.";

fn patch(json: Value) -> PolicyPatch {
    serde_json::from_value(json).unwrap()
}

#[tokio::test]
async fn google_does_not_rotate_and_leaves_the_nonce_out() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    let body: Value = world.refresh(tokens.refresh()).await.json().await.unwrap();
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["access_token", "expires_in", "scope", "token_type", "id_token"]);
    assert_ne!(body["access_token"], tokens.access.as_str());
    assert_eq!(world.refresh(tokens.refresh()).await.status(), 200);
}

#[tokio::test]
async fn rotation_with_reuse_detection_kills_the_family_and_its_access_tokens() {
    let world = World::with(|builder| builder.profile(ProfileName::ROTATING.profile())).await;
    let first = world.sign_in().await;
    let second = Tokens::of(world.refresh(first.refresh()).await).await;
    assert_eq!(error_of(world.refresh(first.refresh()).await).await, oauth(400, "invalid_grant", DEAD));
    assert_eq!(error_of(world.refresh(second.refresh()).await).await, oauth(400, "invalid_grant", DEAD));
    assert_eq!(get(&world, "/resource", &second.access).await, StatusCode::UNAUTHORIZED);
    assert_eq!(world.realm.counters().reuse_detected, 1);
}

#[tokio::test]
async fn the_grace_profile_repeats_the_successor() {
    let world = World::with(|builder| builder.profile(ProfileName::GRACE.profile())).await;
    let first = world.sign_in().await;
    let second = Tokens::of(world.refresh(first.refresh()).await).await;
    let retry = Tokens::of(world.refresh(first.refresh()).await).await;
    assert_eq!(retry.refresh, second.refresh);
    world.realm.advance(Duration::from_secs(30));
    assert_eq!(world.refresh(first.refresh()).await.status(), 400);
}

#[tokio::test]
async fn the_policy_can_change_while_the_realm_runs() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    world.realm.change_policy(&patch(json!({"rotation": "always", "reuse": "ignore", "access_ttl": "5s"})));
    assert_eq!(world.realm.policy().rotation, Rotation::Always);
    assert_eq!(world.realm.policy().reuse, Reuse::Ignore);
    let body: Value = world.refresh(tokens.refresh()).await.json().await.unwrap();
    assert_eq!(body["expires_in"], 5);
    assert!(body["refresh_token"].is_string());
}

#[tokio::test]
async fn a_refresh_token_with_an_end_says_so_last() {
    let world = World::new().await;
    world.realm.change_policy(&patch(json!({"refresh_ttl": "7d"})));
    let code = world.code(&[("access_type", "offline")]).await;
    let body: Value = world.redeem(&code, &[]).await.json().await.unwrap();
    let last = body.as_object().unwrap().iter().next_back().unwrap();
    assert_eq!((last.0.as_str(), last.1), ("refresh_token_expires_in", &json!(604_800)));
}

#[tokio::test]
async fn a_public_client_needs_no_secret() {
    let world = World::new().await;
    world.realm.put_client(serde_json::from_value(json!({"id": "7-app"})).unwrap());
    let code = world.code(&[("client_id", "7-app"), ("access_type", "offline")]).await;
    let redirect = ("redirect_uri", crate::REDIRECT);
    let form = [("grant_type", "authorization_code"), ("code", &code), ("client_id", "7-app"), redirect];
    assert_eq!(world.token(&form).await.status(), 200);
}

#[tokio::test]
async fn one_more_live_token_evicts_the_oldest_in_silence() {
    let world = World::new().await;
    world.realm.change_policy(&PolicyPatch { live_limit: Some(LiveLimit::AtMost(2)), ..PolicyPatch::default() });
    let tokens = [world.sign_in().await, world.sign_in().await, world.sign_in().await];
    assert_eq!(error_of(world.refresh(tokens[0].refresh()).await).await, oauth(400, "invalid_grant", DEAD));
    assert_eq!(world.refresh(tokens[1].refresh()).await.status(), 200);
    assert_eq!(world.refresh(tokens[2].refresh()).await.status(), 200);
}

#[tokio::test]
async fn idle_tokens_die_by_the_realms_clock_alone() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    world.realm.advance(Duration::from_secs(182 * 86_400));
    assert_eq!(world.refresh(tokens.refresh()).await.status(), 200);
    world.realm.advance(Duration::from_secs(183 * 86_400));
    assert_eq!(error_of(world.refresh(tokens.refresh()).await).await, oauth(400, "invalid_grant", DEAD));
    world.realm.go_back(Duration::from_secs(86_400));
    assert_eq!(world.refresh(tokens.refresh()).await.status(), 200, "the clock judges, not the past");
}

#[tokio::test]
async fn the_client_is_known_before_the_token_is_looked_at() {
    let world = World::new().await;
    let secret = world.client.secret.as_ref().unwrap().expose().to_owned();
    let (id, garbage) = (world.client.id.as_str(), ("refresh_token", "1//garbage"));
    let grant = ("grant_type", "refresh_token");
    for (form, expected) in [
        (vec![("a", "b")], oauth(400, "unsupported_grant_type", "Invalid grant_type: ")),
        (vec![("grant_type", "password")], oauth(400, "unsupported_grant_type", "Invalid grant_type: password")),
        (vec![grant], oauth(400, "invalid_request", "Could not determine client ID from request.")),
        (
            vec![grant, ("client_id", id), ("client_secret", "x")],
            oauth(400, "invalid_request", "Missing required parameter: refresh_token"),
        ),
        (vec![grant, garbage], oauth(400, "invalid_request", "Could not determine client ID from request.")),
        (vec![grant, garbage, ("client_id", "x")], oauth(400, "invalid_request", "client_secret is missing.")),
        (
            vec![grant, garbage, ("client_id", "x"), ("client_secret", "x")],
            oauth(401, "invalid_client", "The OAuth client was not found."),
        ),
        (vec![grant, garbage, ("client_id", id)], oauth(400, "invalid_request", "client_secret is missing.")),
        (
            vec![grant, garbage, ("client_id", id), ("client_secret", "x")],
            oauth(401, "invalid_client", "The provided client secret is invalid."),
        ),
        (
            vec![grant, garbage, ("client_id", id), ("client_secret", &secret)],
            oauth(400, "invalid_grant", "Bad Request"),
        ),
    ] {
        assert_eq!(error_of(world.token(&form).await).await, expected, "{form:?}");
    }
}

#[tokio::test]
async fn another_clients_refresh_token_is_unauthorized_client() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    let other = serde_json::from_value(json!({"id": "7-other", "secret": "s"})).unwrap();
    world.realm.put_client(other);
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens.refresh()),
        ("client_id", "7-other"),
        ("client_secret", "s"),
    ];
    assert_eq!(error_of(world.token(&form).await).await, oauth(401, "unauthorized_client", "Unauthorized"));
}

#[tokio::test]
async fn basic_credentials_json_bodies_and_query_parameters_are_taken() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    let secret = world.client.secret.as_ref().unwrap().expose();
    let url = format!("{}/token", world.realm.issuer());
    let form = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())];
    let basic = world.http.post(&url).basic_auth(&world.client.id, Some(secret)).form(&form).send().await.unwrap();
    assert_eq!(basic.status(), 200);
    let body = json!({"grant_type": "refresh_token", "refresh_token": tokens.refresh(), "client_id": world.client.id, "client_secret": secret});
    assert_eq!(world.http.post(&url).json(&body).send().await.unwrap().status(), 200);
    let query = world.http.post(&url).query(&body).header("content-length", "0").send().await.unwrap();
    assert_eq!(query.status(), 200);
    let entry = world.realm.journal(0).pop().unwrap();
    assert_eq!(entry.secrets_in_url, ["refresh_token", "client_secret"]);
}

#[tokio::test]
async fn a_refresh_may_narrow_the_scope_and_never_widen_it() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    let ask = |scope| {
        let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", tokens.refresh()), ("scope", scope)];
        form.extend(world.credentials());
        form
    };
    let narrowed: Value = world.token(&ask("email")).await.json().await.unwrap();
    assert_eq!(narrowed["scope"], "https://www.googleapis.com/auth/userinfo.email");
    assert!(narrowed.get("id_token").is_none());
    assert_eq!(error_of(world.token(&ask("email drive")).await).await, oauth(400, "invalid_scope", "Bad Request"));
}

#[tokio::test]
async fn get_on_the_token_endpoint_is_404() {
    let world = World::new().await;
    let response = world.http.get(format!("{}/token", world.realm.issuer())).send().await.unwrap();
    assert_eq!(response.status(), 404);
    assert_eq!(response.headers()["content-type"], "text/html");
}

#[tokio::test]
async fn revocation_takes_the_whole_grant_and_is_400_the_second_time() {
    let world = World::new().await;
    let (first, second) = (world.sign_in().await, world.sign_in().await);
    let revoke =
        |token: String| world.http.post(format!("{}/revoke", world.realm.issuer())).form(&[("token", token)]).send();
    let done = revoke(first.access.clone()).await.unwrap();
    assert_eq!((done.status(), done.text().await.unwrap().as_str()), (StatusCode::OK, "{}"));
    assert_eq!(error_of(world.refresh(second.refresh()).await).await, oauth(400, "invalid_grant", DEAD));
    assert_eq!(get(&world, "/resource", &second.access).await, StatusCode::UNAUTHORIZED);
    let again = revoke(first.access.clone()).await.unwrap();
    assert_eq!(error_of(again).await, oauth(400, "invalid_token", "Token expired or revoked"));
    let code = world.code(&[("access_type", "offline")]).await;
    assert!(Tokens::of(world.redeem(&code, &[]).await).await.refresh.is_some(), "consent is shown again");
}

#[tokio::test]
async fn access_tokens_have_the_length_that_was_asked_for() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    assert_eq!(tokens.access.len(), 203);
    for length in [64, 16_384, 203] {
        world.realm.change_quirks(&serde_json::from_value(json!({"access_token_length": length})).unwrap());
        let fresh = Tokens::of(world.refresh(tokens.refresh()).await).await;
        assert_eq!(fresh.access.len(), length);
        assert_eq!(get(&world, "/resource", &fresh.access).await, StatusCode::OK, "{length}");
    }
}

async fn get(world: &World, path: &str, bearer: &str) -> StatusCode {
    let url = format!("{}{path}", world.realm.issuer());
    world.http.get(url).bearer_auth(bearer).send().await.unwrap().status()
}

#[tokio::test]
async fn bearers_are_checked_against_the_realms_clock() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    for path in ["/resource", "/v1/userinfo", "/oauth2/v2/userinfo"] {
        assert_eq!(get(&world, path, &tokens.access).await, StatusCode::OK, "{path}");
        assert_eq!(get(&world, path, "bogus").await, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(get(&world, path, tokens.refresh()).await, StatusCode::UNAUTHORIZED, "{path}");
    }
    world.realm.advance(Duration::from_secs(3598));
    assert_eq!(get(&world, "/resource", &tokens.access).await, StatusCode::OK);
    world.realm.advance(Duration::from_secs(1));
    assert_eq!(get(&world, "/resource", &tokens.access).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn userinfo_and_tokeninfo_have_googles_shapes() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    let base = world.realm.issuer();
    let userinfo = world.http.get(format!("{base}/v1/userinfo")).bearer_auth("x").send().await.unwrap();
    assert_eq!(error_of(userinfo).await, oauth(401, "invalid_request", "Invalid Credentials"));
    let info =
        |name: &'static str, value: String| world.http.get(format!("{base}/tokeninfo")).query(&[(name, value)]).send();
    let access: Value = info("access_token", tokens.access.clone()).await.unwrap().json().await.unwrap();
    assert_eq!(access["expires_in"], "3599");
    assert_eq!(access["access_type"], "offline");
    let old = world.http.get(format!("{base}/oauth2/v1/tokeninfo")).query(&[("access_token", &tokens.access)]);
    let old: Value = old.send().await.unwrap().json().await.unwrap();
    assert_eq!((&old["expires_in"], &old["verified_email"]), (&json!(3599), &json!(true)));
    let id: Value = info("id_token", tokens.id.clone()).await.unwrap().json().await.unwrap();
    assert_eq!(id["email_verified"], "true");
    let bad = info("id_token", format!("{}x", tokens.id)).await.unwrap();
    assert_eq!(error_of(bad).await, oauth(400, "invalid_token", "Invalid Value"));
}

#[tokio::test]
async fn discovery_is_laid_out_as_googles_and_keys_rotate() {
    let world = World::new().await;
    let get = |path: &str| world.http.get(format!("{}{path}", world.realm.issuer())).send();
    let text = get("/.well-known/openid-configuration").await.unwrap().text().await.unwrap();
    assert!(text.starts_with("{\n \"issuer\": \"http://127.0.0.1:") && text.ends_with("}\n"), "{text}");
    world.realm.rotate_keys();
    let keys: Value = get("/oauth2/v3/certs").await.unwrap().json().await.unwrap();
    let kids: Vec<&str> = keys["keys"].as_array().unwrap().iter().filter_map(|key| key["kid"].as_str()).collect();
    assert_eq!(kids.len(), 2);
    let header = world.sign_in().await.id.split('.').next().unwrap().to_owned();
    let header = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, header).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    assert_eq!(header["kid"], kids[0], "the newest key signs and is listed first");
}
