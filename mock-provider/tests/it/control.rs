//! The control API: the powers of the handle, over HTTP.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{World, error_of, oauth};

struct Control<'a>(&'a World);

impl Control<'_> {
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = self.0.http.request(method, format!("{}/realms/default{path}", self.0.control));
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::POST, path, Some(body)).await
    }

    async fn get(&self, path: &str) -> Value {
        self.call(Method::GET, path, None).await.1
    }
}

#[tokio::test]
async fn a_revoked_token_shows_googles_own_error_at_the_next_refresh() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    assert_eq!(Control(&world).post("/revoke", json!({"token": "rt#1"})).await.0, 200);
    let expected = oauth(400, "invalid_grant", "Token has been expired or revoked.");
    assert_eq!(error_of(world.refresh(tokens.refresh()).await).await, expected);
}

#[tokio::test]
async fn the_clock_moves_both_ways_and_tokens_say_when_they_end() {
    let world = World::new().await;
    world.sign_in().await;
    let control = Control(&world);
    let start = crate::START.as_millis();
    assert_eq!(control.get("/tokens/at%231").await["expires_ms"], start + 3_599_000);
    assert_eq!(control.post("/clock", json!({"advance": "1h"})).await.1["now_ms"], start + 3_600_000);
    assert_eq!(control.post("/clock", json!({"back": "30m"})).await.1["now_ms"], start + 1_800_000);
    assert_eq!(control.post("/clock", json!({"set_ms": 5})).await.1["now_ms"], 5);
    assert_eq!(control.post("/clock", json!({"mode": "flowing"})).await.1["mode"], "flowing");
}

#[tokio::test]
async fn replies_holds_policy_and_people_are_set_over_http() {
    let world = World::new().await;
    let control = Control(&world);
    let tokens = world.sign_in().await;
    let rotating = control.call(Method::PUT, "/policy", Some(json!({"profile": "rotating"}))).await.1;
    assert_eq!(rotating["reuse"], "revoke_family");
    control.call(Method::PUT, "/policy", Some(json!({"profile": "google"}))).await;
    control.post("/replies", json!({"to": "token", "with": {"status": 500}})).await;
    assert_eq!(control.get("/replies").await.as_array().unwrap().len(), 1);
    assert_eq!(world.refresh(tokens.refresh()).await.status(), 500);
    control.call(Method::PATCH, "/policy", Some(json!({"rotation": "always"}))).await;
    assert_eq!(control.get("/policy").await["rotation"], "always");
    control
        .post("/users", json!({"sub": "u-bob", "email": "bob@example.com", "given_name": "Bob", "family_name": "B"}))
        .await;
    assert_eq!(control.post("/authorize", json!({"user": "u-bob"})).await.0, 200);
    control.post("/holds", json!({"to": "token", "grant": "refresh_token"})).await;
    let released = async {
        let parked = control.post("/parked/wait", json!({"count": 1})).await.1["parked"].clone();
        assert_eq!(control.get("/parked").await["parked"], parked);
        control.post("/release", json!({ "order": parked })).await
    };
    let (refreshed, released) = tokio::join!(world.refresh(tokens.refresh()), released);
    assert_eq!((refreshed.status().as_u16(), released.0), (200, 200));
}

#[tokio::test]
async fn the_journal_and_the_genealogy_hold_no_secret() {
    let world = World::new().await;
    let control = Control(&world);
    let tokens = world.sign_in().await;
    control.call(Method::PATCH, "/policy", Some(json!({"rotation": "always"}))).await;
    world.refresh(tokens.refresh()).await;
    let (journal, families) = (control.get("/journal").await.to_string(), control.get("/families").await);
    for (name, secret) in world.realm.secrets() {
        assert!(!journal.contains(secret.expose()), "{name} stands in the journal");
        assert!(!families.to_string().contains(secret.expose()), "{name} stands in the genealogy");
    }
    let labels: Vec<&str> =
        families["families"][0]["tokens"].as_array().unwrap().iter().filter_map(|t| t["label"].as_str()).collect();
    assert_eq!(labels, ["rt#1", "rt#2"]);
    assert_eq!(families["families"][0]["tokens"][1]["parent"], "rt#1");
    assert!(journal.contains("\"refresh_token\":\"rt#1\""), "{journal}");
}

#[tokio::test]
async fn realms_are_isolated_and_made_on_first_use() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    let base = world.realm.issuer();
    let discovery: Value = world
        .http
        .get(format!("{base}/r/other/.well-known/openid-configuration"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(discovery["issuer"], format!("{base}/r/other"));
    let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())];
    form.extend(world.credentials());
    let elsewhere = world.http.post(format!("{base}/r/other/token")).form(&form).send().await.unwrap();
    assert_eq!(error_of(elsewhere).await, oauth(401, "invalid_client", "The OAuth client was not found."));
}

#[tokio::test]
async fn a_realm_can_have_a_seed_a_clock_and_rules_of_its_own() {
    let world = World::new().await;
    let create = |name: &'static str| {
        let body = json!({"name": name, "options": {"seed": 7, "profile": "grace", "frozen_at_ms": 5}});
        world.http.post(format!("{}/realms", world.control)).json(&body).send()
    };
    assert_eq!(create("mine").await.unwrap().status(), 200);
    assert_eq!(create("mine").await.unwrap().status(), 409);
    for path in ["/realms/mine", "/realms/mine/"] {
        let shown = world.http.get(format!("{}{path}", world.control)).send().await.unwrap();
        let shown: Value = shown.json().await.unwrap();
        assert_eq!((&shown["clock"]["now_ms"], &shown["policy"]["grace"]), (&json!(5), &json!("30s")));
    }
    let forgotten = world.http.delete(format!("{}/realms/mine", world.control)).send().await.unwrap();
    assert_eq!(forgotten.status(), 200);
    let again = world.http.delete(format!("{}/realms/mine", world.control)).send().await.unwrap();
    assert_eq!(again.status(), 404);
}

#[tokio::test]
async fn bad_calls_say_what_is_wrong() {
    let world = World::new().await;
    for (path, body, status, hint) in [
        ("/replies", json!({"to": "token", "with": {}}), 400, "says nothing"),
        ("/replies", json!({"to": "tokn", "with": {"status": 500}}), 400, "unknown variant `tokn`"),
        ("/clock", json!({"advance": "soon"}), 400, "not a length of time"),
        ("/policy", json!({}), 405, "not made with this method"),
        ("/replies", json!({"to": "token", "with": {"fault": {"wrong_length": u64::MAX}}}), 400, "at most"),
        ("/parked/wait", json!({"count": 1, "within": "1ms"}), 408, "only 0 requests"),
        ("/revoke", json!({"token": "rt#9"}), 404, "rt#9"),
        ("/release", json!({"order": [9]}), 404, "9"),
        ("/authorize", json!({"user": "nobody"}), 404, "nobody"),
    ] {
        let response =
            world.http.post(format!("{}/realms/default{path}", world.control)).json(&body).send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{path}");
        let text = response.text().await.unwrap();
        assert!(text.contains(hint), "{path}: {text}");
    }
    let unknown = world.http.get(format!("{}/nothing", world.control)).send().await.unwrap();
    assert_eq!(unknown.status(), 404);
}

#[tokio::test]
async fn reset_puts_everything_back_and_old_tokens_are_worth_nothing() {
    let world = World::new().await;
    let old = world.sign_in().await;
    let control = Control(&world);
    control.post("/reset", json!({})).await;
    assert!(world.realm.journal(0).is_empty());
    assert_eq!(error_of(world.refresh(old.refresh()).await).await, oauth(400, "invalid_grant", "Bad Request"));
    assert_ne!(world.sign_in().await.refresh(), old.refresh());
}

#[tokio::test]
async fn configured_people_replace_the_made_up_ones_and_outlive_a_reset() {
    let users = vec![mock_provider::User::named("u-bob", "bob")];
    let world = World::with(|builder| builder.users(users)).await;
    let subjects = || world.realm.users().into_iter().map(|user| user.sub).collect::<Vec<_>>();
    assert_eq!(subjects(), ["u-bob"]);
    Control(&world).post("/reset", json!({})).await;
    assert_eq!(subjects(), ["u-bob"]);
}

#[tokio::test]
async fn a_request_from_before_a_reset_touches_nothing_after_it() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    world.realm.hold(serde_json::from_value(json!({"to": "token"})).unwrap()).unwrap();
    let reset = async {
        world.realm.wait_for_parked(1).await;
        world.realm.reset();
        world.realm.script(serde_json::from_value(json!({"to": "token", "with": {"status": 418}})).unwrap()).unwrap();
    };
    let (refreshed, ()) = tokio::join!(world.refresh(tokens.refresh()), reset);
    assert_eq!(refreshed.status(), 503);
    assert_eq!((world.realm.scripted().len(), world.realm.journal(0).len()), (1, 0));
}

#[tokio::test]
async fn debug_output_holds_no_secret() {
    let world = World::new().await;
    world.sign_in().await;
    let shown = format!("{:?} {:?} {:?}", world.realm, world._provider, world.realm.clients());
    for (name, secret) in world.realm.secrets() {
        assert!(!shown.contains(secret.expose()), "{name} is printed");
    }
}

#[tokio::test]
async fn the_clock_moves_once_a_call_however_many_call_at_once() {
    let world = World::new().await;
    let control = Control(&world);
    let moves = [(); 8].map(|()| control.post("/clock", json!({"advance": "1h"})));
    futures_join(moves).await;
    assert_eq!(world.realm.now().as_millis(), crate::START.as_millis() + 8 * 3_600_000);
}

async fn futures_join<T>(calls: [impl Future<Output = T>; 8]) {
    let [a, b, c, d, e, f, g, h] = calls;
    tokio::join!(a, b, c, d, e, f, g, h);
}
