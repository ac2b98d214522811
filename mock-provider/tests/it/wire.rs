//! Bytes, texts, headers and orders that no other test is about.

use mock_provider::{Client, User};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{REDIRECT, Tokens, World, claims, error_of, location, oauth, query_of};

const DRIVE: &str = "https://www.googleapis.com/auth/drive";

fn url(world: &World, path: &str) -> String {
    format!("{}{path}", world.realm.issuer())
}

fn names(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

async fn get(world: &World, path: &str, bearer: &str) -> reqwest::Response {
    world.http.get(url(world, path)).bearer_auth(bearer).send().await.unwrap()
}

async fn json_of(world: &World, path: &str, bearer: &str) -> Value {
    get(world, path, bearer).await.json().await.unwrap()
}

#[tokio::test]
async fn old_hosts_paths_still_work() {
    let world = World::new().await;
    for path in ["/o/oauth2/token", "/oauth2/v4/token", "/oauth2/v3/token"] {
        let tokens = world.sign_in().await;
        let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())];
        form.extend(world.credentials());
        assert_eq!(world.http.post(url(&world, path)).form(&form).send().await.unwrap().status(), 200, "{path}");
    }
    let query =
        [("client_id", &*world.client.id), ("redirect_uri", REDIRECT), ("response_type", "code"), ("scope", "openid")];
    let old = world.http.get(url(&world, "/o/oauth2/auth")).query(&query).send().await.unwrap();
    assert_eq!(old.status(), StatusCode::FOUND);
}

#[tokio::test]
async fn what_is_not_there_is_a_robot_page() {
    let world = World::new().await;
    for path in ["/introspect", "/register", "/nowhere", "/r/a/nowhere"] {
        let answer = world.http.get(url(&world, path)).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(answer.headers()["referrer-policy"], "no-referrer");
        assert!(answer.text().await.unwrap().contains("Error 404 (Not Found)!!1"), "{path}");
    }
    for path in ["/revoke", "/device/code"] {
        let answer = world.http.request(Method::GET, url(&world, path)).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (404, ""), "{path}");
    }
}

#[tokio::test]
async fn a_post_that_does_not_say_how_long_it_is_gets_411() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let world = World::new().await;
    let address = world.realm.issuer().replace("http://", "");
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    stream
        .write_all(format!("POST /token HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 411 ") && answer.contains("Error 411 (Length Required)!!1"), "{answer}");
}

#[tokio::test]
async fn the_token_endpoint_has_googles_headers() {
    let world = World::new().await;
    let answer = world.token(&[("grant_type", "x")]).await;
    let all = |name: &str| {
        answer.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>().join(" | ")
    };
    for (name, value) in [
        ("cache-control", "no-cache, no-store, max-age=0, must-revalidate"),
        ("expires", "Mon, 01 Jan 1990 00:00:00 GMT"),
        ("pragma", "no-cache"),
        ("content-type", "application/json; charset=utf-8"),
        ("vary", "X-Origin | Referer | Origin,Accept-Encoding"),
        ("x-frame-options", "SAMEORIGIN"),
        ("accept-ranges", "none"),
        ("retry-after", ""),
        ("www-authenticate", ""),
    ] {
        assert_eq!(all(name), value, "{name}");
    }
}

#[tokio::test]
async fn client_authentication_has_googles_texts() {
    let world = World::new().await;
    let [(_, id), (_, secret)] = world.credentials();
    let refresh = world.sign_in().await.refresh.unwrap();
    let base = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    let with = |more: &[(&'static str, String)]| {
        let own = base.iter().map(|(name, value)| (*name, (*value).to_owned()));
        own.chain(more.iter().cloned()).collect::<Vec<_>>()
    };
    let post = |form: Vec<(&'static str, String)>| world.http.post(url(&world, "/token")).form(&form);
    let both = post(with(&[("client_secret", "other".into())])).basic_auth(id, Some(secret));
    let text = "Credentials in post body and basic Authorization header do not match";
    assert_eq!(error_of(both.send().await.unwrap()).await, oauth(400, "invalid_request", text));
    let malformed = post(with(&[])).header("authorization", "Basic !!!");
    assert_eq!(error_of(malformed.send().await.unwrap()).await, oauth(400, "invalid_request", "Bad Request"));
    let equal = post(with(&[("client_id", id.into()), ("client_secret", secret.into())])).basic_auth(id, Some(secret));
    assert_eq!(equal.send().await.unwrap().status(), 200);
    let unknown = post(with(&[("client_id", id.into()), ("client_secret", secret.into()), ("colour", "red".into())]));
    assert_eq!(unknown.send().await.unwrap().status(), 200, "what Google does not know it ignores");
}

#[tokio::test]
async fn a_code_exchange_has_googles_texts_and_order_of_checks() {
    let world = World::new().await;
    let code = world.code(&[]).await;
    let grant = ("grant_type", "authorization_code");
    let [id, secret] = world.credentials();
    let redirect = ("redirect_uri", REDIRECT);
    for (form, expected) in [
        (vec![grant, id, secret], oauth(400, "invalid_request", "Missing parameter: redirect_uri")),
        (vec![grant, redirect, secret], oauth(400, "invalid_request", "Could not determine client ID from request.")),
        (vec![grant, redirect, id], oauth(400, "invalid_request", "client_secret is missing.")),
        (vec![grant, redirect, id, secret], oauth(400, "invalid_request", "Missing required parameter: code")),
        (
            vec![grant, redirect, ("client_id", "x"), secret, ("code", &code)],
            oauth(401, "invalid_client", "The OAuth client was not found."),
        ),
        (
            vec![grant, redirect, id, ("client_secret", "wrong"), ("code", &code)],
            oauth(401, "invalid_client", "The provided client secret is invalid."),
        ),
        (vec![grant, redirect, id, secret, ("code", "4/0Aunknown")], oauth(400, "invalid_grant", "Bad Request")),
        (vec![grant, redirect, id, secret, ("code", "4%2F0A")], oauth(400, "invalid_grant", "Malformed auth code.")),
        (
            vec![grant, ("redirect_uri", "http://127.0.0.1/other"), id, secret, ("code", &code)],
            oauth(400, "redirect_uri_mismatch", "Bad Request"),
        ),
    ] {
        assert_eq!(error_of(world.token(&form).await).await, expected, "{form:?}");
    }
    assert_eq!(world.redeem(&code, &[]).await.status(), 200, "none of it has spent the code");
    let other = Client { id: "9-other".into(), ..world.client.clone() };
    world.realm.put_client(other);
    let code = world.code(&[]).await;
    let foreign = world.token(&[grant, redirect, ("client_id", "9-other"), secret, ("code", &code)]).await;
    assert_eq!(error_of(foreign).await, oauth(400, "invalid_grant", "Bad Request"));
}

/// Two clients of one project: what is granted to one is granted to both, and what is taken is taken from both.
#[tokio::test]
async fn a_project_has_one_grant() {
    let world = World::new().await;
    let project = world.client.id.split_once('-').unwrap().0.to_owned();
    let sibling = format!("{project}-sibling");
    world.realm.put_client(Client { id: sibling.clone(), ..world.client.clone() });
    let first = world.sign_in().await;
    let callback = query_of(&location(&world.authorize(&[("client_id", &sibling), ("scope", "openid")]).await));
    assert_eq!(callback["prompt"], "none", "the project has it already");
    let more = [("client_id", &*sibling), ("scope", DRIVE), ("include_granted_scopes", "true")];
    assert!(query_of(&location(&world.authorize(&more).await))["scope"].contains("openid"));
    let code = world.code(&[("client_id", &sibling), ("access_type", "offline"), ("prompt", "consent")]).await;
    let [_, secret] = world.credentials();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &*code),
        ("redirect_uri", REDIRECT),
        ("client_id", &sibling),
        secret,
    ];
    let second = Tokens::of(world.token(&form).await).await;
    let revoke = [("token", second.refresh()), ("token_type_hint", "nonsense")];
    assert_eq!(world.http.post(url(&world, "/revoke")).form(&revoke).send().await.unwrap().status(), 200);
    assert_eq!(world.refresh(first.refresh()).await.status(), 400);
    assert_eq!(get(&world, "/resource", &first.access).await.status(), 401);
}

#[tokio::test]
async fn revocation_has_googles_texts() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    let revoke = |token: &str| world.http.post(url(&world, "/revoke")).form(&[("token", token)]).send();
    let not = oauth(400, "invalid_token", "Token is not revocable.");
    assert_eq!(error_of(revoke("from elsewhere").await.unwrap()).await, not);
    world.realm.expire("at#1".parse().unwrap()).unwrap();
    assert_eq!(error_of(revoke(&tokens.access).await.unwrap()).await, not);
    assert_eq!(error_of(revoke("").await.unwrap()).await.1, "invalid_request");
    let old =
        world.http.get(url(&world, "/o/oauth2/revoke")).query(&[("token", tokens.refresh())]).send().await.unwrap();
    assert_eq!(old.status(), 200, "the old path takes GET");
}

#[tokio::test]
async fn older_access_tokens_live_on_after_a_refresh() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    world.refresh(tokens.refresh()).await;
    assert_eq!(get(&world, "/resource", &tokens.access).await.status(), 200);
}

#[tokio::test]
async fn userinfo_has_two_shapes() {
    let world = World::new().await;
    world.realm.put_user(User { hd: Some("example.com".into()), ..User::named("100000000000000000001", "ada") });
    let tokens = world.sign_in().await;
    let new = json_of(&world, "/v1/userinfo", &tokens.access).await;
    let order = ["sub", "name", "given_name", "family_name", "picture", "email", "email_verified", "hd"];
    assert_eq!(names(&new), order);
    assert_eq!(new["email_verified"], true);
    let old = json_of(&world, "/oauth2/v2/userinfo", &tokens.access).await;
    assert_eq!(names(&old), ["id", "email", "verified_email", "name", "given_name", "family_name", "picture", "hd"]);
    let answer = get(&world, "/v1/userinfo", &tokens.access).await;
    assert_eq!(answer.headers()["content-type"], "application/json; charset=UTF-8");
    let only = Tokens::of(world.redeem(&world.code(&[("scope", "openid")]).await, &[]).await).await;
    assert_eq!(names(&json_of(&world, "/v1/userinfo", &only.access).await), ["sub", "hd"]);
}

#[tokio::test]
async fn bad_bearers_get_googles_two_answers() {
    let world = World::new().await;
    let answer = get(&world, "/oauth2/v3/userinfo", "bogus").await;
    assert_eq!(error_of(answer).await, oauth(401, "invalid_request", "Invalid Credentials"));
    for (path, bearer, start) in [
        ("/oauth2/v2/userinfo", Some("bogus"), "Request had invalid authentication credentials."),
        ("/resource", None, "Request is missing required authentication credential."),
    ] {
        let request = world.http.get(url(&world, path));
        let request = bearer.into_iter().fold(request, |request, bearer| request.bearer_auth(bearer));
        let answer = request.send().await.unwrap();
        assert!(
            answer.headers()["www-authenticate"]
                .to_str()
                .unwrap()
                .starts_with("Bearer realm=\"https://accounts.google.com/\"")
        );
        let body: Value = answer.json().await.unwrap();
        assert_eq!((&body["error"]["code"], &body["error"]["status"]), (&json!(401), &json!("UNAUTHENTICATED")));
        assert!(body["error"]["message"].as_str().unwrap().starts_with(start), "{body}");
    }
    let tokens = world.sign_in().await;
    let lacking = get(&world, &format!("/resource?scope={DRIVE}"), &tokens.access).await;
    assert_eq!(lacking.status(), 403);
    assert!(lacking.headers()["www-authenticate"].to_str().unwrap().contains("error=\"insufficient_scope\""));
    assert_eq!(
        lacking.json::<Value>().await.unwrap()["error"]["details"][0]["reason"],
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    );
}

#[tokio::test]
async fn tokeninfo_has_googles_members() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    let ask = |path: &'static str, name: &'static str, value: String| {
        let request = world.http.get(url(&world, path)).query(&[(name, value)]);
        async move { request.send().await.unwrap().json::<Value>().await.unwrap() }
    };
    let new = ask("/tokeninfo", "access_token", tokens.access.clone()).await;
    assert_eq!(
        names(&new),
        ["azp", "aud", "sub", "scope", "exp", "expires_in", "email", "email_verified", "access_type"]
    );
    assert!(new.as_object().unwrap().values().all(Value::is_string), "{new}");
    let old = ask("/oauth2/v1/tokeninfo", "access_token", tokens.access.clone()).await;
    let order = ["issued_to", "audience", "user_id", "scope", "expires_in", "email", "verified_email", "access_type"];
    assert_eq!((names(&old), &old["expires_in"], &old["verified_email"]), (order.to_vec(), &json!(3599), &json!(true)));
    let id = ask("/oauth2/v3/tokeninfo", "id_token", tokens.id.clone()).await;
    assert_eq!((&id["alg"], &id["typ"]), (&json!("RS256"), &json!("JWT")));
    assert!(id["exp"].is_string() && id.get("kid").is_some());
    let refused = ask("/tokeninfo", "access_token", tokens.refresh().to_owned()).await;
    assert_eq!(refused, json!({"error": "invalid_token", "error_description": "Invalid Value"}));
    assert_eq!(ask("/oauth2/v1/tokeninfo", "access_token", "x".into()).await, json!({"error": "invalid_token"}));
}

#[tokio::test]
async fn an_id_token_has_googles_order_and_binds_the_access_token() {
    let world = World::new().await;
    let code = world.code(&[("nonce", "n-1"), ("access_type", "offline"), ("prompt", "consent")]).await;
    let tokens = Tokens::of(world.redeem(&code, &[]).await).await;
    let claims_of = claims(&tokens.id);
    let order = [
        "iss",
        "azp",
        "aud",
        "sub",
        "email",
        "email_verified",
        "at_hash",
        "nonce",
        "name",
        "picture",
        "given_name",
        "family_name",
        "iat",
        "exp",
    ];
    assert_eq!(names(&claims_of), order);
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, tokens.access.as_bytes());
    let half = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, &hash.as_ref()[..16]);
    assert_eq!(claims_of["at_hash"], half);
    let refreshed = Tokens::of(world.refresh(tokens.refresh()).await).await;
    assert!(claims(&refreshed.id).get("nonce").is_none(), "a refresh leaves the nonce out");
}

#[tokio::test]
async fn the_callback_tells_scopes_in_both_forms_and_the_token_in_the_long_one() {
    let world = World::new().await;
    let callback = query_of(&location(&world.authorize(&[("scope", "email")]).await));
    assert_eq!(callback["scope"], "email https://www.googleapis.com/auth/userinfo.email openid");
    let body: Value = world.redeem(&callback["code"], &[]).await.json().await.unwrap();
    assert_eq!(body["scope"], "https://www.googleapis.com/auth/userinfo.email openid");
}

#[tokio::test]
async fn reuse_can_reach_over_the_grant_or_the_whole_user() {
    let world = World::new().await;
    world.realm.put_client(Client { id: "9-other".into(), ..world.client.clone() });
    let far = json!({"families": [{"for": {"client": "9-other"}}]});
    for (reuse, same_project, elsewhere) in
        [("revoke_family", 200, 200), ("revoke_grant", 400, 200), ("revoke_user", 400, 400)]
    {
        world.realm.change_policy(&serde_json::from_value(json!({"rotation": "always", "reuse": reuse})).unwrap());
        let (used, sibling) = (world.sign_in().await, world.sign_in().await);
        let seeded = world.realm.seed(&serde_json::from_value(far.clone()).unwrap()).unwrap();
        world.refresh(used.refresh()).await;
        assert_eq!(world.refresh(used.refresh()).await.status(), 400);
        assert_eq!(world.refresh(sibling.refresh()).await.status(), same_project, "{reuse}");
        let [_, secret] = world.credentials();
        let token = seeded.families[0].refresh_tokens[0].value.expose();
        let form = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", "9-other"), secret];
        assert_eq!(world.token(&form).await.status(), elsewhere, "{reuse}");
    }
}

#[tokio::test]
async fn a_clients_file_is_the_consoles() {
    let world = World::new().await;
    let file = world.realm.client_file(&world.client.id).unwrap();
    assert_eq!(
        (&file["web"]["client_id"], &file["web"]["token_uri"]),
        (&json!(world.client.id), &json!(url(&world, "/token")))
    );
    assert!(world.realm.client_file("nobody").is_err());
}

#[tokio::test]
async fn a_managed_accounts_callback_names_its_domain_before_the_prompt() {
    let world = World::new().await;
    world.realm.put_user(User { hd: Some("example.com".into()), ..User::named("100000000000000000001", "ada") });
    let callback = location(&world.authorize(&[]).await);
    let order: Vec<String> = callback.query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(order, ["state", "iss", "code", "scope", "authuser", "hd", "prompt"]);
}

#[tokio::test]
async fn gone_clients_and_missing_parameters_are_told_on_googles_page() {
    let world = World::new().await;
    let page = |extra: Vec<(&'static str, &'static str)>| {
        let world = &world;
        async move {
            let page = location(&world.authorize(&extra).await);
            world.http.get(page).send().await.unwrap().text().await.unwrap()
        }
    };
    assert!(page(vec![("client_id", "")]).await.contains("Missing required parameter: client_id"));
    assert!(page(vec![("redirect_uri", "")]).await.contains("Missing required parameter: redirect_uri"));
    for (event, code) in [("client_deleted", "deleted_client"), ("client_disabled", "disabled_client")] {
        let event = serde_json::from_value(json!({event: world.client.id})).unwrap();
        world.realm.happen(event).unwrap();
        assert!(page(vec![]).await.contains(code));
    }
}

#[tokio::test]
async fn consent_is_shown_again_when_forced_or_for_something_new() {
    let world = World::new().await;
    world.code(&[("scope", "openid")]).await;
    let prompt = |extra: Vec<(&'static str, &'static str)>| {
        let world = &world;
        async move { query_of(&location(&world.authorize(&extra).await))["prompt"].clone() }
    };
    assert_eq!(prompt(vec![("scope", "openid")]).await, "none");
    assert_eq!(prompt(vec![("scope", "openid"), ("approval_prompt", "force")]).await, "consent");
    assert_eq!(prompt(vec![("scope", "openid"), ("prompt", "select_account")]).await, "none");
    let code = world.code(&[("scope", DRIVE), ("access_type", "offline")]).await;
    let tokens: Value = world.redeem(&code, &[]).await.json().await.unwrap();
    assert!(tokens["refresh_token"].is_string(), "something new was consented to");
    world.realm.change_quirks(&serde_json::from_value(json!({"prompt_none_error": "immediate_failed"})).unwrap());
    let refused =
        query_of(&location(&world.authorize(&[("prompt", "none"), ("scope", "https://mail.google.com/")]).await));
    assert_eq!((&*refused["error"], &*refused["error_subtype"]), ("immediate_failed", "access_denied"));
    assert!(!refused.contains_key("error_description") && !refused.contains_key("iss"));
}

#[tokio::test]
async fn at_most_four_keys_are_shown_and_a_kid_has_to_be_right() {
    let world = World::new().await;
    let first = world.sign_in().await.id;
    for _ in 0..6 {
        world.realm.rotate_keys();
    }
    let jwks: Value = world.http.get(url(&world, "/oauth2/v3/certs")).send().await.unwrap().json().await.unwrap();
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 4);
    let info = |token: String| world.http.get(url(&world, "/tokeninfo")).query(&[("id_token", token)]).send();
    assert_eq!(info(first).await.unwrap().status(), 400, "its key is shown no more");
    let spec = json!({"to": "token", "with": {"id_token": {"header": {"kid": "nobody"}}}});
    world.realm.script(serde_json::from_value(spec).unwrap()).unwrap();
    let lying = world.sign_in().await.id;
    assert_eq!(info(lying).await.unwrap().status(), 400);
    assert_eq!(info(world.sign_in().await.id).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_service_accounts_keys_are_shown_while_it_has_them() {
    let world = World::new().await;
    let email = world.realm.service_accounts()[0].email.clone();
    let keys = || async {
        let path = format!("/robot/v1/metadata/jwk/{}", email.replace('@', "%40"));
        let jwks: Value = world.http.get(url(&world, &path)).send().await.unwrap().json().await.unwrap();
        jwks["keys"].as_array().unwrap().len()
    };
    assert_eq!(keys().await, 1);
    world.realm.happen(serde_json::from_value(json!({"service_account_key_deleted": email})).unwrap()).unwrap();
    assert_eq!(keys().await, 0);
}
