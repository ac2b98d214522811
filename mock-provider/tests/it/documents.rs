//! Discovery and keys, byte by byte and as time goes by.

use std::collections::BTreeSet;
use std::time::Duration;

use mock_provider::{KeysAfterRestart, Loss};
use serde_json::Value;

use crate::World;

const DAY: Duration = Duration::from_secs(86_400);

async fn get(world: &World, path: &str) -> reqwest::Response {
    world.http.get(format!("{}{path}", world.realm.issuer())).send().await.unwrap()
}

async fn kids(world: &World) -> Vec<String> {
    let jwks: Value = get(world, "/oauth2/v3/certs").await.json().await.unwrap();
    jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

async fn signing_kid(world: &World) -> String {
    let id_token = world.sign_in().await.id;
    jsonwebtoken::decode_header(id_token).unwrap().kid.unwrap()
}

/// With Google's hosts in it the document has Google's length to the byte: 1399, as its `content-length` said in 2026.
#[tokio::test]
async fn discovery_has_googles_bytes() {
    let world = World::new().await;
    let text = get(&world, "/.well-known/openid-configuration").await.text().await.unwrap();
    let base = world.realm.issuer();
    let googles = [
        ("/o/oauth2/v2/auth", "https://accounts.google.com/o/oauth2/v2/auth"),
        ("/device/code", "https://oauth2.googleapis.com/device/code"),
        ("/token", "https://oauth2.googleapis.com/token"),
        ("/v1/userinfo", "https://openidconnect.googleapis.com/v1/userinfo"),
        ("/revoke", "https://oauth2.googleapis.com/revoke"),
        ("/oauth2/v3/certs", "https://www.googleapis.com/oauth2/v3/certs"),
        ("", "https://accounts.google.com"),
    ];
    let google = googles
        .iter()
        .fold(text, |text, (path, url)| text.replace(&format!("\"{base}{path}\""), &format!("\"{url}\"")));
    assert_eq!(google.len(), 1399, "{google}");
    assert!(google.starts_with("{\n \"issuer\": \"https://accounts.google.com\",\n \"authorization_endpoint\""));
    assert!(google.ends_with("\n \"authorization_response_iss_parameter_supported\": true\n}\n"));
}

#[tokio::test]
async fn documents_have_googles_headers_on_the_realms_clock() {
    let world = World::new().await;
    let discovery = get(&world, "/.well-known/openid-configuration").await;
    let header = |name: &str| discovery.headers()[name].to_str().unwrap().to_owned();
    assert_eq!((header("content-type").as_str(), header("server").as_str()), ("application/json", "sffe"));
    assert_eq!(header("cache-control"), "public, max-age=3600");
    assert_eq!(header("date"), "Tue, 01 Jan 2030 00:00:00 GMT");
    assert_eq!(header("expires"), "Tue, 01 Jan 2030 01:00:00 GMT");
    let metadata = get(&world, "/.well-known/oauth-authorization-server").await;
    let metadata: Value = metadata.json().await.unwrap();
    assert!(metadata.get("scopes_supported").is_none() && metadata.get("op_tos_uri").is_some());
}

#[tokio::test]
async fn keys_take_turns_as_the_clock_moves() {
    let world = World::new().await;
    let first = signing_kid(&world).await;
    assert_eq!(kids(&world).await, [first.as_str()]);
    world.realm.advance(DAY * 7 + Duration::from_secs(1));
    let ahead = kids(&world).await;
    assert_eq!((ahead.len(), ahead[1].as_str()), (2, first.as_str()), "the next key is shown a day before its turn");
    assert_eq!(signing_kid(&world).await, first);
    world.realm.advance(DAY);
    assert_eq!(signing_kid(&world).await, ahead[0]);
    world.realm.advance(DAY * 8);
    let later: BTreeSet<String> = kids(&world).await.into_iter().collect();
    assert!(!later.contains(&first), "a key is shown for a period after its turn, and no longer");
    assert!(later.contains(&ahead[0]));
}

#[tokio::test]
async fn certificates_and_jwks_name_the_same_keys() {
    let world = World::new().await;
    world.realm.rotate_keys();
    let certs: serde_json::Map<String, Value> = get(&world, "/oauth2/v1/certs").await.json().await.unwrap();
    assert_eq!(certs.keys().cloned().collect::<Vec<_>>(), kids(&world).await);
    assert!(certs.values().all(|pem| pem.as_str().unwrap().starts_with("-----BEGIN CERTIFICATE-----\n")));
}

#[tokio::test]
async fn a_restart_can_bring_a_new_key_and_hide_the_old() {
    let world = World::new().await;
    let before = kids(&world).await;
    world.realm.restart(Loss::Nothing, KeysAfterRestart::Same).unwrap();
    assert_eq!(kids(&world).await, before);
    world.realm.restart(Loss::Nothing, KeysAfterRestart::New).unwrap();
    let after = kids(&world).await;
    assert!(after.len() == 1 && after != before, "{after:?}");
    assert_eq!(signing_kid(&world).await, after[0]);
}

#[tokio::test]
async fn a_client_that_accepts_gzip_gets_it() {
    let world = World::new().await;
    let url = format!("{}/oauth2/v3/certs", world.realm.issuer());
    let plain = world.http.get(&url).send().await.unwrap();
    assert!(plain.headers().get("content-encoding").is_none());
    let plain = plain.bytes().await.unwrap();
    let packed = world.http.get(&url).header("accept-encoding", "br, gzip").send().await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    let packed = packed.bytes().await.unwrap();
    let mut unpacked = vec![];
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&packed[..]), &mut unpacked).unwrap();
    assert_eq!(unpacked, plain);
    world.realm.change_quirks(&serde_json::from_str(r#"{"gzip": "off"}"#).unwrap());
    let off = world.http.get(&url).header("accept-encoding", "gzip").send().await.unwrap();
    assert!(off.headers().get("content-encoding").is_none());
}
