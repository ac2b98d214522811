//! The authorization endpoint: what comes back, where, and what a person can decide.

use mock_provider::{Client, ClientKind, PageDecision, Standing, User};
use reqwest::StatusCode;
use serde_json::json;

use crate::{REDIRECT, Tokens, World, location, query_of};

fn fragment_of(url: &reqwest::Url) -> std::collections::BTreeMap<String, String> {
    form_urlencoded::parse(url.fragment().unwrap_or_default().as_bytes()).into_owned().collect()
}

/// The code and message that Google's own error page is told.
async fn page_error(world: &World, extra: &[(&str, &str)]) -> String {
    let page = location(&world.authorize(extra).await);
    assert_eq!(page.path(), "/signin/oauth/error", "{page}");
    world.http.get(page).send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn every_response_type_brings_what_it_names() {
    let world = World::new().await;
    for (kind, names) in [
        ("code", vec!["code"]),
        ("token", vec!["access_token"]),
        ("id_token", vec!["id_token"]),
        ("code token", vec!["access_token", "code"]),
        ("code id_token", vec!["code", "id_token"]),
        ("token id_token", vec!["access_token", "id_token"]),
        ("code token id_token", vec!["access_token", "code", "id_token"]),
        ("none", vec![]),
    ] {
        let callback = location(&world.authorize(&[("response_type", kind), ("nonce", "n-1")]).await);
        let given = if matches!(kind, "code" | "none") { query_of(&callback) } else { fragment_of(&callback) };
        let tokens: Vec<&str> = given
            .keys()
            .map(String::as_str)
            .filter(|name| matches!(*name, "code" | "access_token" | "id_token"))
            .collect();
        assert_eq!(tokens, names, "{kind}: {callback}");
        assert_eq!(given["state"], "st", "{kind}");
    }
}

#[tokio::test]
async fn a_hybrid_id_token_binds_code_and_access_token() {
    let world = World::new().await;
    let asked = [("response_type", "code token id_token"), ("nonce", "n-1")];
    let given = fragment_of(&location(&world.authorize(&asked).await));
    let claims = crate::claims(&given["id_token"]);
    for name in ["at_hash", "c_hash", "nonce"] {
        assert!(claims.get(name).is_some(), "{name} is missing");
    }
    assert_eq!(given["token_type"], "Bearer");
}

#[tokio::test]
async fn a_posted_callback_is_a_form_that_needs_no_script() {
    let world = World::new().await;
    let page = world.authorize(&[("response_mode", "form_post"), ("state", "a\"b<c")]).await;
    assert_eq!(page.status(), StatusCode::OK);
    let text = page.text().await.unwrap();
    assert!(text.contains(&format!("action=\"{REDIRECT}\"")) && text.contains("<button>"), "{text}");
    assert!(text.contains("value=\"a&quot;b&lt;c\""), "{text}");
}

#[tokio::test]
async fn what_makes_no_sense_is_told_on_googles_page() {
    let world = World::new().await;
    for (parameters, text) in [
        (vec![("response_type", "")], "Required parameter is missing: response_type"),
        (vec![("response_type", "magic")], "Invalid response_type: magic"),
        (vec![("response_type", "id_token")], "Missing required parameter: nonce"),
        (vec![("response_type", "token"), ("response_mode", "query")], "Invalid response_mode"),
        (vec![("response_mode", "smoke")], "Invalid response_mode: smoke"),
        (vec![("prompt", "none consent")], "none must stand alone"),
        (vec![("prompt", "dance")], "Invalid prompt: dance"),
        (vec![("prompt", "consent"), ("approval_prompt", "force")], "Conflict params"),
        (vec![("code_challenge", "x"), ("code_challenge_method", "S512")], "code_challenge_method: S512"),
        (vec![("redirect_uri", "urn:ietf:wg:oauth:2.0:oob")], "out-of-band (OOB) flow has been blocked"),
        (vec![("login_hint", "nobody@example.com")], "no such user"),
    ] {
        let page = page_error(&world, &parameters).await;
        assert!(page.contains(text), "{parameters:?}: {page}");
    }
}

#[tokio::test]
async fn unticked_scopes_are_neither_in_the_callback_nor_in_the_token() {
    let world = World::new().await;
    let drive = "https://www.googleapis.com/auth/drive";
    let decision = PageDecision { without: Some(vec![drive.into()]), ..PageDecision::default() };
    world.realm.decide_at_page(decision).unwrap();
    let scope = format!("openid {drive}");
    let callback = query_of(&location(&world.authorize(&[("scope", &scope)]).await));
    assert_eq!(callback["scope"], "openid");
    let only = location(&world.authorize(&[("scope", drive)]).await);
    assert_eq!(query_of(&only)["error"], "access_denied", "nothing is left to grant");
}

#[tokio::test]
async fn granted_scopes_add_up_where_that_is_asked_for() {
    let world = World::new().await;
    let (drive, mail) = ("https://www.googleapis.com/auth/drive", "https://mail.google.com/");
    world.code(&[("scope", drive)]).await;
    let alone = query_of(&location(&world.authorize(&[("scope", mail)]).await));
    assert_eq!(alone["scope"], mail);
    let both = [("scope", mail), ("include_granted_scopes", "true")];
    assert_eq!(query_of(&location(&world.authorize(&both).await))["scope"], format!("{drive} {mail}"));
}

#[tokio::test]
async fn an_installed_application_gets_a_refresh_token_without_asking() {
    let world = World::new().await;
    let client = Client { kind: ClientKind::Desktop, ..world.client.clone() };
    world.realm.put_client(client);
    let code = world.code(&[]).await;
    assert!(Tokens::of(world.redeem(&code, &[]).await).await.refresh.is_some());
}

#[tokio::test]
async fn who_may_not_sign_in_is_told_why() {
    let world = World::new().await;
    let eve = User { test_user: false, ..User::named("u-eve", "eve") };
    let gone = User { standing: Standing::Deleted, ..User::named("u-gone", "gone") };
    let managed = User { hd: Some("example.com".into()), ..User::named("u-bob", "bob") };
    [eve, gone, managed].into_iter().for_each(|user| world.realm.put_user(user));
    assert!(page_error(&world, &[("login_hint", "u-gone")]).await.contains("access_denied"));
    world.realm.change_policy(&serde_json::from_value(json!({"publishing": "testing"})).unwrap());
    assert!(page_error(&world, &[("login_hint", "u-eve")]).await.contains("Google verification process"));
    world.realm.change_policy(&serde_json::from_value(json!({"publishing": "internal"})).unwrap());
    assert!(page_error(&world, &[("login_hint", "u-eve")]).await.contains("org_internal"));
    world.code(&[("login_hint", "u-bob")]).await;
    let restricted = json!({"scopes_restricted": ["https://mail.google.com/"]});
    world.realm.happen(serde_json::from_value(restricted).unwrap()).unwrap();
    let mail = [("login_hint", "u-bob"), ("scope", "https://mail.google.com/")];
    assert!(page_error(&world, &mail).await.contains("admin_policy_enforced"));
    let scopes = Some(vec!["openid".to_owned()]);
    world.realm.put_client(Client { scopes, ..world.client.clone() });
    assert!(page_error(&world, &[("scope", "openid drive")]).await.contains("restricted_client"));
}

#[tokio::test]
async fn the_switches_of_the_callback() {
    let world = World::new().await;
    let flip = |patch: serde_json::Value| world.realm.change_quirks(&serde_json::from_value(patch).unwrap());
    assert!(query_of(&location(&world.authorize(&[]).await)).contains_key("iss"));
    flip(json!({"callback_iss": "off", "denial_iss": "on", "prompt_none_error": "login_required"}));
    assert!(!query_of(&location(&world.authorize(&[]).await)).contains_key("iss"));
    let refused = query_of(&location(&world.authorize(&[("prompt", "none"), ("scope", "openid drive")]).await));
    assert_eq!((refused["error"].as_str(), refused.contains_key("iss")), ("login_required", true));
    let discovery = format!("{}/.well-known/openid-configuration", world.realm.issuer());
    let text = world.http.get(discovery).send().await.unwrap().text().await.unwrap();
    assert!(!text.contains("authorization_response_iss_parameter_supported"));
}

/// A person without JavaScript: reads the page, ticks, and submits the form.
#[tokio::test]
async fn a_person_decides_on_the_page() {
    let world = World::new().await;
    world.realm.set_consent(mock_provider::Consent::Ask);
    world.realm.put_user(User::named("u-bob", "bob"));
    let drive = "https://www.googleapis.com/auth/drive";
    let scope = format!("openid email {drive}");
    let sent = world.authorize(&[("scope", &scope), ("access_type", "offline"), ("state", "<s>")]).await;
    let page = location(&sent);
    assert_eq!(page.path(), "/v3/signin/identifier");
    let text = world.http.get(page).send().await.unwrap().text().await.unwrap();
    for part in ["Ada Example", "Bob Example", drive, "value=\"&lt;s&gt;\"", "Allow", "Cancel"] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
    assert!(!text.contains("<script"));
    let mut form = hidden_inputs(&text);
    form.extend([("regrant_user".into(), "u-bob".into()), ("regrant_decision".into(), "allow".into())]);
    let url = format!("{}/v3/signin/identifier", world.realm.issuer());
    let callback = query_of(&location(&world.http.post(&url).form(&form).send().await.unwrap()));
    assert_eq!(callback["state"], "<s>");
    assert!(!callback["scope"].contains(drive), "it was not ticked");
    let tokens = Tokens::of(world.redeem(&callback["code"], &[]).await).await;
    assert_eq!(crate::claims(&tokens.id)["sub"], "u-bob");
    form.retain(|(name, _)| name != "regrant_decision");
    form.push(("regrant_decision".into(), "deny".into()));
    let denied = query_of(&location(&world.http.post(&url).form(&form).send().await.unwrap()));
    assert_eq!(denied["error"], "access_denied");
}

fn hidden_inputs(page: &str) -> Vec<(String, String)> {
    let plain =
        |text: &str| text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    let inputs = page.split("<input type=\"hidden\" name=\"").skip(1);
    inputs
        .map(|rest| {
            let (name, rest) = rest.split_once("\" value=\"").unwrap();
            (plain(name), plain(rest.split_once('"').unwrap().0))
        })
        .collect()
}
