//! The catalogue on the wire: every named reply makes a difference, and the truth returns after it.

use std::time::Duration;

use mock_provider::{Client, ClientKind, Endpoint, Fault, Preset, presets};
use serde_json::json;

use crate::{REDIRECT, Tokens, World};

/// What a client sees: status, header fields and body, or that there was no whole answer.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Answer(u16, Vec<(String, String)>, Vec<u8>),
    Broken,
}

/// A client's tokens, and a code that buys everything that a token answer can hold.
struct Held {
    tokens: Tokens,
    code: String,
}

async fn ask(world: &World, held: &Held, endpoint: Endpoint, patience: Duration) -> Seen {
    let tokens = &held.tokens;
    let base = world.realm.issuer();
    let url = |path: &str| format!("{base}{path}");
    let get = |path: &str| world.http.get(url(path)).bearer_auth(&tokens.access);
    let client_id = world.client.id.as_str();
    let request = match endpoint {
        Endpoint::Token => {
            let mut form = vec![("grant_type", "authorization_code"), ("code", &held.code), ("redirect_uri", REDIRECT)];
            form.extend(world.credentials());
            world.http.post(url("/token")).form(&form)
        }
        Endpoint::Authorize => world.http.get(url("/o/oauth2/v2/auth")).query(&[
            ("client_id", client_id),
            ("redirect_uri", REDIRECT),
            ("response_type", "code id_token"),
            ("scope", "openid email"),
            ("state", "st"),
            ("nonce", "n"),
        ]),
        Endpoint::DeviceCode => {
            world.http.post(url("/device/code")).form(&[("client_id", client_id), ("scope", "openid")])
        }
        Endpoint::Revoke => world.http.post(url("/revoke")).form(&[("token", tokens.refresh())]),
        Endpoint::Tokeninfo => world.http.get(url("/tokeninfo")).query(&[("access_token", &tokens.access)]),
        Endpoint::ServiceAccountKeys => {
            get(&format!("/robot/v1/metadata/x509/{}", world.realm.service_accounts()[0].email))
        }
        other => get(other.path()),
    };
    match request.timeout(patience).send().await {
        Ok(answer) => whole(answer).await,
        Err(_) => Seen::Broken,
    }
}

async fn whole(answer: reqwest::Response) -> Seen {
    let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let status = answer.status().as_u16();
    let headers = answer.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    answer.bytes().await.map_or(Seen::Broken, |body| Seen::Answer(status, headers, body.to_vec()))
}

/// Delays and drips change only when an answer comes; that is shown elsewhere.
fn only_takes_time(preset: &Preset) -> bool {
    let with = &preset.with;
    let fault = matches!(with.fault, None | Some(Fault::Drip { .. }));
    fault && with.status.is_none() && with.mutate.is_empty() && (with.delay.is_some() || with.fault.is_some())
}

/// How long to wait where no answer will come.
const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(10);

fn patience(preset: &Preset) -> Duration {
    match preset.with.fault {
        Some(Fault::Never | Fault::Stall(_)) => SHORT,
        _ => LONG,
    }
}

async fn held(world: &World) -> Held {
    let tokens = world.sign_in().await;
    let code = json!({"codes": [{"redirect_uri": REDIRECT, "nonce": "n"}]});
    let seeded = world.realm.seed(&serde_json::from_value(code).unwrap()).unwrap();
    Held { tokens, code: seeded.codes[0].value.expose().to_owned() }
}

/// From the same snapshot the same request gets the same answer to the byte, so whatever differs is the preset's doing.
#[tokio::test]
async fn every_preset_makes_a_difference_and_goes_away() {
    let world = World::new().await;
    world.realm.put_client(Client { kind: ClientKind::Tv, ..world.client.clone() });
    let held = held(&world).await;
    let start = world.realm.snapshot();
    let mut checked = 0;
    for (name, preset) in presets().iter().filter(|(_, preset)| !only_takes_time(preset)) {
        let endpoint = preset.fits[0];
        world.realm.restore(start.clone()).unwrap();
        let honest = ask(&world, &held, endpoint, LONG).await;
        world.realm.restore(start.clone()).unwrap();
        let spec = json!({"to": endpoint, "with": {"preset": name}});
        world.realm.script(serde_json::from_value(spec).unwrap()).unwrap();
        let bent = ask(&world, &held, endpoint, patience(preset)).await;
        assert_ne!(bent, honest, "{name} changes nothing at {endpoint:?}");
        assert!(world.realm.scripted().is_empty(), "{name} is left over");
        assert_ne!(ask(&world, &held, endpoint, LONG).await, Seen::Broken, "the truth returns after {name}");
        checked += 1;
    }
    assert!(checked > 400, "only {checked} presets were looked at");
}

#[tokio::test]
async fn a_slow_preset_is_slow() {
    let world = World::new().await;
    let held = held(&world).await;
    let spec = json!({"to": "token", "with": {"preset": "slow_500ms"}});
    world.realm.script(serde_json::from_value(spec).unwrap()).unwrap();
    assert_eq!(ask(&world, &held, Endpoint::Token, SHORT).await, Seen::Broken, "half a second is too long");
    assert_ne!(ask(&world, &held, Endpoint::Token, LONG).await, Seen::Broken);
}
