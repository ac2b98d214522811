//! Google's life rules, each reached by moving the clock or by one call.

use std::time::Duration;

use mock_provider::{Secret, User};
use serde_json::{Value, json};

use crate::{Tokens, World, error_of, oauth};

const DAY: Duration = Duration::from_secs(86_400);
const DEAD: &str = "Token has been expired or revoked.";
const MAIL: &str = "https://mail.google.com/";
const CLOUD: &str = "https://www.googleapis.com/auth/cloud-platform";

fn happen(world: &World, event: Value) -> Option<Secret> {
    world.realm.happen(serde_json::from_value(event).unwrap()).unwrap()
}

async fn refused(world: &World, tokens: &Tokens) -> (u16, String, String) {
    error_of(world.refresh(tokens.refresh()).await).await
}

fn dead() -> (u16, String, String) {
    oauth(400, "invalid_grant", DEAD)
}

async fn with_scope(world: &World, scope: &str) -> Value {
    let code = world.code(&[("access_type", "offline"), ("prompt", "consent"), ("scope", scope)]).await;
    world.redeem(&code, &[]).await.json().await.unwrap()
}

async fn refresh(world: &World, body: &Value) -> reqwest::Response {
    world.refresh(body["refresh_token"].as_str().unwrap()).await
}

#[tokio::test]
async fn in_testing_a_refresh_token_lives_seven_days_and_says_so() {
    let world = World::new().await;
    world.realm.change_policy(&serde_json::from_value(json!({"publishing": "testing"})).unwrap());
    let body = with_scope(&world, "openid https://www.googleapis.com/auth/drive").await;
    assert_eq!(body["refresh_token_expires_in"], 604_799);
    assert_eq!(body.as_object().unwrap().keys().next_back().unwrap(), "refresh_token_expires_in");
    world.realm.advance(DAY * 6);
    let later: Value = refresh(&world, &body).await.json().await.unwrap();
    assert_eq!(later["refresh_token_expires_in"], 86_399, "it counts down");
    world.realm.change_quirks(&serde_json::from_value(json!({"expiry_on_refresh": "off"})).unwrap());
    let later: Value = refresh(&world, &body).await.json().await.unwrap();
    assert!(later.get("refresh_token_expires_in").is_none());
    world.realm.advance(DAY);
    assert_eq!(error_of(refresh(&world, &body).await).await, dead());
}

#[tokio::test]
async fn testing_leaves_a_mere_sign_in_alone() {
    let world = World::new().await;
    world.realm.change_policy(&serde_json::from_value(json!({"publishing": "testing"})).unwrap());
    let body = with_scope(&world, "openid email profile").await;
    assert!(body.get("refresh_token_expires_in").is_none());
    world.realm.advance(DAY * 30);
    assert_eq!(refresh(&world, &body).await.status(), 200);
}

#[tokio::test]
async fn six_months_without_use_are_the_end() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    world.realm.advance(DAY * 182);
    assert_eq!(world.refresh(tokens.refresh()).await.status(), 200);
    world.realm.advance(DAY * 183);
    assert_eq!(refused(&world, &tokens).await, dead());
}

#[tokio::test]
async fn the_hundred_and_first_token_silently_takes_the_place_of_the_first() {
    let world = World::new().await;
    let first = world.sign_in().await;
    let second = world.sign_in().await;
    world.realm.seed(&serde_json::from_value(json!({"families": [{"count": 98}]})).unwrap()).unwrap();
    assert_eq!(world.refresh(first.refresh()).await.status(), 200, "a hundred live");
    world.sign_in().await;
    assert_eq!(refused(&world, &first).await, dead());
    assert_eq!(world.refresh(second.refresh()).await.status(), 200);
    let url = format!("{}/resource", world.realm.issuer());
    let used = world.http.get(url).bearer_auth(&first.access).send().await.unwrap();
    assert_eq!(used.status(), 200, "its access token runs out by itself");
}

#[tokio::test]
async fn a_limit_over_all_clients_can_be_switched_on() {
    let world = World::new().await;
    world.realm.change_quirks(&serde_json::from_value(json!({"user_live_limit": 2})).unwrap());
    let (first, second, third) = (world.sign_in().await, world.sign_in().await, world.sign_in().await);
    assert_eq!(refused(&world, &first).await, dead());
    for tokens in [&second, &third] {
        assert_eq!(world.refresh(tokens.refresh()).await.status(), 200);
    }
}

#[tokio::test]
async fn access_for_a_time_ends_when_it_was_said_to() {
    let world = World::new().await;
    let decision = json!({"access_for": "180d"});
    world.realm.decide_at_page(serde_json::from_value(decision).unwrap()).unwrap();
    let body = with_scope(&world, "openid").await;
    assert_eq!(body["refresh_token_expires_in"], 180 * 86_400 - 1);
    world.realm.advance(DAY * 100);
    assert_eq!(refresh(&world, &body).await.status(), 200);
    world.realm.advance(DAY * 80);
    assert_eq!(error_of(refresh(&world, &body).await).await, dead());
}

#[tokio::test]
async fn a_new_password_ends_what_reads_mail_and_nothing_else() {
    let world = World::new().await;
    let (mail, drive) = (with_scope(&world, MAIL).await, with_scope(&world, "openid").await);
    happen(&world, json!({"password_changed": "ada@example.com"}));
    assert_eq!(error_of(refresh(&world, &mail).await).await, dead());
    assert_eq!(refresh(&world, &drive).await.status(), 200);
}

#[tokio::test]
async fn google_clouds_session_control_asks_for_a_new_sign_in() {
    let world = World::new().await;
    world.realm.change_policy(&serde_json::from_value(json!({"session_length": "16h"})).unwrap());
    let (cloud, other) = (with_scope(&world, CLOUD).await, with_scope(&world, "openid").await);
    world.realm.advance(Duration::from_secs(16 * 3600));
    let answer: Value = refresh(&world, &cloud).await.json().await.unwrap();
    let text = "reauth related error (invalid_rapt)";
    assert_eq!(answer, json!({"error": "invalid_grant", "error_description": text, "error_subtype": "invalid_rapt"}));
    assert_eq!(refresh(&world, &other).await.status(), 200);
    let rapt = happen(&world, json!({"reauthenticated": "ada@example.com"})).unwrap();
    assert_eq!(refresh(&world, &cloud).await.status(), 400, "the proof has to be brought");
    assert_eq!(with_proof(&world, &cloud, &rapt).await, 200);
    happen(&world, json!({"reauth_required": "ada@example.com"}));
    assert_eq!(with_proof(&world, &cloud, &rapt).await, 200, "it was given at the same instant");
    world.realm.advance(Duration::from_secs(1));
    happen(&world, json!({"reauth_required": "ada@example.com"}));
    assert_eq!(with_proof(&world, &cloud, &rapt).await, 400, "it is from before");
    assert_eq!(refresh(&world, &other).await.status(), 400, "demanded of everything from before");
    let newer = happen(&world, json!({"reauthenticated": "ada@example.com"})).unwrap();
    assert_eq!(with_proof(&world, &cloud, &newer).await, 200);
    world.realm.advance(Duration::from_secs(16 * 3600));
    assert_eq!(with_proof(&world, &cloud, &newer).await, 400, "the proof wears out as the session does");
    world.realm.change_quirks(&serde_json::from_value(json!({"reauth_subtype": "rapt_required"})).unwrap());
    let answer: Value = refresh(&world, &cloud).await.json().await.unwrap();
    assert_eq!(answer["error_subtype"], "rapt_required");
}

async fn with_proof(world: &World, body: &Value, rapt: &Secret) -> u16 {
    let refresh_token = body["refresh_token"].as_str().unwrap();
    let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token), ("rapt", rapt.expose())];
    form.extend(world.credentials());
    world.token(&form).await.status().as_u16()
}

#[tokio::test]
async fn an_administrator_can_keep_scopes_from_managed_accounts() {
    let world = World::new().await;
    let bob = User { hd: Some("example.com".into()), ..User::named("u-bob", "bob") };
    world.realm.put_user(bob);
    let ada = with_scope(&world, MAIL).await;
    world.realm.sign_in_as("u-bob").unwrap();
    let bob = with_scope(&world, MAIL).await;
    happen(&world, json!({"scopes_restricted": [MAIL]}));
    assert_eq!(error_of(refresh(&world, &bob).await).await, oauth(400, "admin_policy_enforced", ""));
    assert_eq!(refresh(&world, &ada).await.status(), 200);
    happen(&world, json!({"scopes_released": [MAIL]}));
    assert_eq!(refresh(&world, &bob).await.status(), 200);
}

#[tokio::test]
async fn accounts_and_clients_can_be_gone_and_come_back() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    let id = world.client.id.clone();
    for (gone, back, expected) in [
        (
            json!({"user_deleted": "ada@example.com"}),
            json!({"user_restored": "ada@example.com"}),
            oauth(400, "invalid_grant", "Account has been deleted"),
        ),
        (
            json!({"user_disabled": "ada@example.com"}),
            json!({"user_restored": "ada@example.com"}),
            oauth(403, "access_denied", "Account restricted"),
        ),
        (
            json!({"client_deleted": id}),
            json!({"client_restored": id}),
            oauth(401, "deleted_client", "The OAuth client was deleted."),
        ),
        (
            json!({"client_disabled": id}),
            json!({"client_restored": id}),
            oauth(401, "disabled_client", "The OAuth client was disabled."),
        ),
    ] {
        happen(&world, gone.clone());
        assert_eq!(refused(&world, &tokens).await, expected, "{gone}");
        happen(&world, back);
        assert_eq!(world.refresh(tokens.refresh()).await.status(), 200, "after {gone}");
    }
}

#[tokio::test]
async fn a_deleted_users_access_tokens_are_dead() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    happen(&world, json!({"user_deleted": "ada@example.com"}));
    let url = format!("{}/resource", world.realm.issuer());
    assert_eq!(world.http.get(url).bearer_auth(&tokens.access).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn two_secrets_live_until_the_old_one_is_retired() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    let next = happen(&world, json!({"secret_added": world.client.id})).unwrap();
    let with = |secret: &str| {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens.refresh()),
            ("client_id", &world.client.id),
            ("client_secret", secret),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        world.http.post(format!("{}/token", world.realm.issuer())).form(&form).send()
    };
    let old = world.client.secret.clone().unwrap();
    for secret in [&old, &next] {
        assert_eq!(with(secret.expose()).await.unwrap().status(), 200);
    }
    happen(&world, json!({"secret_retired": world.client.id}));
    assert_eq!(with(next.expose()).await.unwrap().status(), 200);
    assert_eq!(error_of(with(old.expose()).await.unwrap()).await.2, "The provided client secret is invalid.");
    let only = world.realm.happen(serde_json::from_value(json!({"secret_retired": world.client.id})).unwrap());
    assert!(only.unwrap_err().to_string().contains("only one secret"));
}

#[tokio::test]
async fn grants_are_taken_back_one_by_one_or_all_at_once() {
    let world = World::new().await;
    world.realm.put_user(User::named("u-bob", "bob"));
    let id = world.client.id.clone();
    for event in [
        json!({"grant_revoked": {"user": "ada@example.com", "client": id}}),
        json!({"user_revoked": "ada@example.com"}),
        json!({"client_revoked": id}),
        json!("everything_revoked"),
    ] {
        let tokens = world.sign_in().await;
        happen(&world, event.clone());
        assert_eq!(refused(&world, &tokens).await, dead(), "{event}");
    }
    let nobody = world.realm.happen(serde_json::from_value(json!({"user_revoked": "nobody"})).unwrap());
    assert!(nobody.unwrap_err().to_string().contains("nobody"));
}

#[tokio::test]
async fn a_revocation_can_take_its_time() {
    let world = World::new().await;
    world.realm.change_quirks(&serde_json::from_value(json!({"revocation_delay": "30s"})).unwrap());
    let tokens = world.sign_in().await;
    world.realm.revoke("rt#1".parse().unwrap()).unwrap();
    assert_eq!(world.refresh(tokens.refresh()).await.status(), 200);
    world.realm.advance(Duration::from_secs(30));
    assert_eq!(refused(&world, &tokens).await, dead());
}

#[tokio::test]
async fn the_text_for_a_dead_token_can_change_after_a_while() {
    let world = World::new().await;
    world.realm.change_quirks(&serde_json::from_value(json!({"dead_text_lasts": "12h"})).unwrap());
    let tokens = world.sign_in().await;
    world.realm.revoke("rt#1".parse().unwrap()).unwrap();
    assert_eq!(refused(&world, &tokens).await, dead());
    world.realm.advance(Duration::from_secs(12 * 3600));
    assert_eq!(refused(&world, &tokens).await, oauth(400, "invalid_grant", "Bad Request"));
}

#[tokio::test]
async fn a_code_that_is_used_twice_can_take_its_tokens_with_it() {
    let world = World::new().await;
    let ask = [("access_type", "offline"), ("prompt", "consent")];
    let code = world.code(&ask).await;
    let tokens = Tokens::of(world.redeem(&code, &[]).await).await;
    assert_eq!(error_of(world.redeem(&code, &[]).await).await.2, "Bad Request");
    assert_eq!(world.refresh(tokens.refresh()).await.status(), 200, "Google leaves them alone");
    world.realm.change_quirks(&serde_json::from_value(json!({"code_reuse": "revoke"})).unwrap());
    world.redeem(&code, &[]).await;
    assert_eq!(refused(&world, &tokens).await, dead());
}

#[tokio::test]
async fn the_switches_of_revocation_and_challenges() {
    let world = World::new().await;
    let patch =
        json!({"revoke_full_stop": "on", "revoke_body": "two_lines", "www_authenticate": "on", "code_ttl": "1s"});
    world.realm.change_quirks(&serde_json::from_value(patch).unwrap());
    let tokens = world.sign_in().await;
    let revoke = || {
        let form = [("token", tokens.refresh().to_owned())];
        world.http.post(format!("{}/revoke", world.realm.issuer())).form(&form).send()
    };
    assert_eq!(revoke().await.unwrap().text().await.unwrap(), "{\n}");
    assert_eq!(error_of(revoke().await.unwrap()).await.2, "Token expired or revoked.");
    let nobody = world.token(&[
        ("grant_type", "refresh_token"),
        ("client_id", "x"),
        ("client_secret", "y"),
        ("refresh_token", "z"),
    ]);
    assert!(nobody.await.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic realm="));
    let userinfo = world.http.get(format!("{}/v1/userinfo", world.realm.issuer())).send().await.unwrap();
    assert!(userinfo.headers().contains_key("www-authenticate"));
    let code = world.code(&[]).await;
    world.realm.advance(Duration::from_secs(1));
    assert_eq!(error_of(world.redeem(&code, &[]).await).await.2, "Bad Request", "the code lived a second");
}

#[tokio::test]
async fn a_client_can_have_life_rules_of_its_own() {
    let world = World::new().await;
    let policy = serde_json::from_value(json!({"access_ttl": "60s", "rotation": "always"})).unwrap();
    world.realm.put_client(mock_provider::Client { policy, ..world.client.clone() });
    let body = with_scope(&world, "openid").await;
    assert_eq!(body["expires_in"], 60);
    let next: Value = refresh(&world, &body).await.json().await.unwrap();
    assert_ne!(next["refresh_token"], body["refresh_token"]);
}

#[tokio::test]
async fn a_later_revocation_gives_nothing_back() {
    let world = World::new().await;
    world.realm.change_quirks(&serde_json::from_value(json!({"revocation_delay": "10m"})).unwrap());
    world.realm.change_policy(&serde_json::from_value(json!({"access_ttl": "1h"})).unwrap());
    let first = Tokens::of(world.redeem(&world.code(&[]).await, &[]).await).await;
    assert!(first.refresh.is_none(), "it belongs to no family, whose end it would share");
    world.realm.revoke("at#1".parse().unwrap()).unwrap();
    world.realm.advance(Duration::from_secs(660));
    world.sign_in().await;
    world.realm.revoke("at#2".parse().unwrap()).unwrap();
    let url = format!("{}/resource", world.realm.issuer());
    assert_eq!(world.http.get(url).bearer_auth(&first.access).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn a_code_dies_with_its_grant_and_with_its_user() {
    let world = World::new().await;
    let code = world.code(&[]).await;
    happen(&world, json!({"user_revoked": "ada@example.com"}));
    assert_eq!(error_of(world.redeem(&code, &[]).await).await.2, "Bad Request");
    let code = world.code(&[]).await;
    happen(&world, json!({"user_deleted": "ada@example.com"}));
    assert_eq!(error_of(world.redeem(&code, &[]).await).await.2, "Account has been deleted");
}

#[tokio::test]
async fn evicting_many_at_once_is_quick() {
    let world = World::new().await;
    world.realm.seed(&serde_json::from_value(json!({"families": [{"count": 20_000}]})).unwrap()).unwrap();
    world.sign_in().await;
    assert_eq!(world.realm.counters().families_evicted, 19_901);
}
