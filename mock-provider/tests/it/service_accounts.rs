//! The service-account grant: what is checked, and what is said.

use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::Response;
use serde_json::{Value, json};

use crate::{START, World, error_of, oauth};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

struct Robot<'a> {
    world: &'a World,
    file: Value,
}

impl<'a> Robot<'a> {
    fn new(world: &'a World) -> Self {
        Self { world, file: world.realm.key_files().remove(0) }
    }

    fn text(&self, name: &str) -> &str {
        self.file[name].as_str().unwrap()
    }

    fn claims(&self, change: &Value) -> Value {
        let now = self.world.realm.now().as_secs();
        let mut claims = json!({
            "iss": self.text("client_email"), "scope": "https://www.googleapis.com/auth/cloud-platform",
            "aud": self.text("token_uri"), "iat": now, "exp": now + 3600,
        });
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }

    fn signed(&self, claims: &Value) -> String {
        let key = EncodingKey::from_rsa_pem(self.text("private_key").as_bytes()).unwrap();
        encode(&Header::new(Algorithm::RS256), claims, &key).unwrap()
    }

    async fn present(&self, assertion: &str) -> Response {
        self.world.token(&[("grant_type", GRANT), ("assertion", assertion)]).await
    }

    async fn ask(&self, change: &Value) -> Response {
        self.present(&self.signed(&self.claims(change))).await
    }
}

fn timeframe() -> (u16, String, String) {
    let text = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your \
                iat and exp values in the JWT claim.";
    oauth(400, "invalid_grant", text)
}

#[tokio::test]
async fn a_robot_gets_a_compact_answer_without_scope() {
    let world = World::new().await;
    let robot = Robot::new(&world);
    let answer = robot.ask(&json!({})).await;
    assert_eq!(answer.status(), 200);
    let text = answer.text().await.unwrap();
    assert!(text.starts_with("{\"access_token\":\"ya29.c."), "{text}");
    assert!(text.ends_with("\",\"expires_in\":3599,\"token_type\":\"Bearer\"}"), "{text}");
}

#[tokio::test]
async fn googles_own_audience_is_as_good_as_the_realms() {
    let world = World::new().await;
    let robot = Robot::new(&world);
    for audience in ["https://oauth2.googleapis.com/token", "https://www.googleapis.com/oauth2/v4/token"] {
        assert_eq!(robot.ask(&json!({"aud": audience})).await.status(), 200, "{audience}");
    }
}

#[tokio::test]
async fn every_mistake_has_googles_words() {
    let world = World::new().await;
    let robot = Robot::new(&world);
    let now = START.as_secs();
    let audience = oauth(400, "invalid_grant", "Invalid JWT: Failed audience check.");
    for (change, expected) in [
        (json!({"aud": ["https://oauth2.googleapis.com/token"]}), audience.clone()),
        (json!({"aud": "https://example.com/token"}), audience),
        (json!({"exp": now + 4000}), timeframe()),
        (json!({"iat": now - 7200, "exp": now - 3600}), timeframe()),
        (json!({"iat": now + 3600, "exp": now + 7000}), timeframe()),
        (json!({"exp": "soon"}), timeframe()),
        (json!({"iss": "ghost@example.com"}), oauth(400, "invalid_grant", "Invalid grant: account not found")),
        (json!({"scope": ""}), oauth(400, "invalid_scope", "Invalid OAuth scope or ID token audience provided.")),
        (json!({"sub": "nobody"}), oauth(400, "invalid_grant", "Invalid email or User ID")),
        (json!({"sub": "ada@example.com"}), oauth(403, "access_denied", "Requested client not authorized.")),
    ] {
        assert_eq!(error_of(robot.ask(&change).await).await, expected, "{change}");
    }
    let bad = oauth(400, "invalid_request", "Bad Request");
    assert_eq!(error_of(robot.present("not.a.jwt").await).await, bad);
    let forged = robot.signed(&robot.claims(&json!({}))).replace('A', "B");
    assert_ne!(robot.present(&forged).await.status(), 200);
}

#[tokio::test]
async fn errors_of_this_grant_are_compact() {
    let world = World::new().await;
    let robot = Robot::new(&world);
    let text = robot.ask(&json!({"aud": "x"})).await.text().await.unwrap();
    assert_eq!(text, r#"{"error":"invalid_grant","error_description":"Invalid JWT: Failed audience check."}"#);
}

#[tokio::test]
async fn an_account_and_its_key_can_go_and_come_back() {
    let world = World::new().await;
    let robot = Robot::new(&world);
    let email = robot.text("client_email");
    let happen = |event: Value| drop(world.realm.happen(serde_json::from_value(event).unwrap()).unwrap());
    for (event, expected) in [
        ("service_account_deleted", oauth(400, "invalid_grant", "Invalid grant: account not found")),
        ("service_account_disabled", oauth(401, "disabled_client", "The OAuth client was disabled.")),
        ("service_account_key_deleted", oauth(400, "invalid_grant", "Invalid JWT Signature.")),
    ] {
        happen(json!({event: email}));
        assert_eq!(error_of(robot.ask(&json!({})).await).await, expected, "{event}");
        happen(json!({"service_account_restored": email}));
        assert_eq!(robot.ask(&json!({})).await.status(), 200, "after {event}");
    }
}

#[tokio::test]
async fn in_the_name_of_a_user_only_with_delegated_scopes_and_a_domain() {
    let world = World::new().await;
    let robot = Robot::new(&world);
    let scope = "https://www.googleapis.com/auth/cloud-platform";
    let mut account = world.realm.service_accounts().remove(0);
    account.delegated_scopes = vec![scope.into()];
    world.realm.put_service_account(account);
    let ada = json!({"sub": "ada@example.com"});
    assert_eq!(error_of(robot.ask(&ada).await).await.1, "unauthorized_client", "ada belongs to no domain");
    let mut user = world.realm.users().remove(0);
    user.hd = Some("example.com".into());
    world.realm.put_user(user.clone());
    let token: Value = robot.ask(&ada).await.json().await.unwrap();
    let url = format!("{}/resource", world.realm.issuer());
    let seen = world.http.get(url).bearer_auth(token["access_token"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(seen.json::<Value>().await.unwrap()["sub"], user.sub);
    let more = json!({"sub": "ada@example.com", "scope": format!("{scope} https://mail.google.com/")});
    assert_eq!(error_of(robot.ask(&more).await).await.1, "unauthorized_client");
}

#[tokio::test]
async fn an_audience_buys_an_id_token_and_keys_are_public() {
    let world = World::new().await;
    let robot = Robot::new(&world);
    let answer: Value = robot.ask(&json!({"target_audience": "https://my.app"})).await.json().await.unwrap();
    assert_eq!(answer.as_object().unwrap().len(), 1);
    let claims = crate::claims(answer["id_token"].as_str().unwrap());
    assert_eq!((&claims["aud"], &claims["email"]), (&json!("https://my.app"), &robot.file["client_email"]));
    let certs: Value = world.http.get(robot.text("client_x509_cert_url")).send().await.unwrap().json().await.unwrap();
    assert!(certs[robot.text("private_key_id")].as_str().unwrap().contains("BEGIN CERTIFICATE"));
    world.realm.advance(Duration::from_secs(1));
    let nobody = format!("{}/robot/v1/metadata/jwk/ghost@example.com", world.realm.issuer());
    assert_eq!(world.http.get(nobody).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_robots_token_is_not_revocable() {
    let world = World::new().await;
    let robot = Robot::new(&world);
    let token: Value = robot.ask(&json!({})).await.json().await.unwrap();
    let form = [("token", token["access_token"].as_str().unwrap())];
    let answer = world.http.post(format!("{}/revoke", world.realm.issuer())).form(&form).send().await.unwrap();
    assert_eq!(error_of(answer).await, oauth(400, "invalid_token", "Token is not revocable."));
    let info = world.http.get(format!("{}/tokeninfo", world.realm.issuer())).query(&[("access_token", form[0].1)]);
    let info: Value = info.send().await.unwrap().json().await.unwrap();
    assert_eq!(info["azp"], robot.file["client_id"], "it is told by its number");
}
