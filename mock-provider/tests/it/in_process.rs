//! A realm called without a connection decides as it does with one.

use http::Request;
use serde_json::Value;

use crate::World;

#[tokio::test]
async fn the_answer_is_the_one_over_http() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    let start = world.realm.snapshot();
    let over_http = world.refresh(tokens.refresh()).await.bytes().await.unwrap();
    world.realm.restore(start).unwrap();
    let pairs = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())];
    let form =
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).extend_pairs(world.credentials()).finish();
    let request = Request::post("/token").header("content-type", "application/x-www-form-urlencoded");
    let answer = world.realm.call(request.body(form.into()).unwrap());
    assert_eq!((answer.status().as_u16(), answer.body()), (200, &over_http));
    assert!(serde_json::from_slice::<Value>(answer.body()).unwrap()["access_token"].is_string());
    assert_eq!(world.realm.journal(0).len(), 3);
    let nowhere = world.realm.call(Request::get("/nowhere").body(Vec::new().into()).unwrap());
    assert_eq!(nowhere.status(), 404);
}
