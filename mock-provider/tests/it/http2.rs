//! HTTP/2 without TLS: the same answers, and faults that hit a stream and not its neighbours.

use std::time::Duration;

use reqwest::Version;
use serde_json::{Value, json};

use crate::World;

async fn world() -> (World, String) {
    let mut world = World::new().await;
    let refresh = world.sign_in().await.refresh.unwrap();
    world.http = reqwest::Client::builder()
        .http2_prior_knowledge()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(10))
        .build()
        .unwrap();
    (world, refresh)
}

async fn scripted(world: &World, refresh: &str, fault: Value) -> Result<String, reqwest::Error> {
    let spec = json!({"to": "token", "with": {"fault": fault}});
    world.realm.script(serde_json::from_value(spec).unwrap()).unwrap();
    let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", refresh)];
    form.extend(world.credentials());
    world.http.post(format!("{}/token", world.realm.issuer())).form(&form).send().await?.text().await
}

#[tokio::test]
async fn answers_are_the_same() {
    let (world, refresh) = world().await;
    let answer = world.refresh(&refresh).await;
    assert_eq!((answer.version(), answer.status().as_u16()), (Version::HTTP_2, 200));
    assert_eq!(answer.headers()["server"], "scaffolding on HTTPServer2");
    assert!(answer.headers().contains_key("alt-svc"));
}

#[tokio::test]
async fn a_cut_resets_the_stream_and_leaves_the_connection() {
    let (world, refresh) = world().await;
    for fault in [json!({"reset_in_body": 20}), json!({"early_close": 20}), json!({"wrong_length": 9000})] {
        assert!(scripted(&world, &refresh, fault.clone()).await.is_err(), "{fault}");
        assert_eq!(world.refresh(&refresh).await.status(), 200, "after {fault}");
    }
    let dripped = scripted(&world, &refresh, json!({"drip": {"bytes": 200, "every": "1ms"}})).await.unwrap();
    assert!(dripped.ends_with('}'), "{dripped}");
    assert!(scripted(&world, &refresh, json!("garbage")).await.is_err());
    assert_eq!(world.refresh(&refresh).await.status(), 200);
}
