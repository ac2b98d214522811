//! Questions to the journal and the family tree, over HTTP.

use serde_json::{Value, json};

use crate::{World, location};

async fn post(world: &World, path: &str, body: Value) -> (u16, Value) {
    let url = format!("{}/realms/default{path}", world.control);
    let answer = world.http.post(url).json(&body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn get(world: &World, path: &str) -> Value {
    world.http.get(format!("{}/realms/default{path}", world.control)).send().await.unwrap().json().await.unwrap()
}

fn sequences(journal: &Value) -> Vec<u64> {
    journal["entries"].as_array().unwrap().iter().map(|entry| entry["sequence"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn the_journal_is_filtered_by_everything_it_knows() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    world.refresh(tokens.refresh()).await;
    world.refresh("1//bogus").await;
    for (query, expected) in [
        ("", vec![1, 2, 3, 4]),
        ("since=3", vec![3, 4]),
        ("endpoint=authorize", vec![1]),
        ("endpoint=token&grant=refresh_token", vec![3, 4]),
        ("error=invalid_grant", vec![4]),
        ("status=200&endpoint=token", vec![2, 3]),
        ("token=rt%231", vec![3]),
        ("user=100000000000000000001", vec![1, 2, 3]),
        ("user=ada@example.com", vec![1, 2, 3]),
        ("delivery=lost", vec![]),
    ] {
        let journal = get(&world, &format!("/journal?{query}")).await;
        assert_eq!(sequences(&journal), expected, "{query}");
    }
    assert_eq!(get(&world, "/journal?since=4").await["entries"][0]["refusal"], "unknown");
    let bad = world.http.get(format!("{}/realms/default/journal?colour=red", world.control)).send().await.unwrap();
    assert_eq!(bad.status(), 400);
}

#[tokio::test]
async fn waiting_ends_when_enough_have_come_and_says_so_when_not() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    let wanted = json!({"of": {"grant": "refresh_token", "delivery": "delivered"}, "count": 2});
    let refreshes = async {
        world.refresh(tokens.refresh()).await;
        world.refresh(tokens.refresh()).await;
    };
    let (found, ()) = tokio::join!(post(&world, "/journal/wait", wanted), refreshes);
    assert_eq!((found.0, sequences(&found.1).len()), (200, 2));
    let more = json!({"of": {"grant": "refresh_token"}, "count": 3, "within": "1ms"});
    let (status, body) = post(&world, "/journal/wait", more).await;
    assert_eq!((status, body["error"].as_str().unwrap()), (408, "only 2 such requests have come"));
}

#[tokio::test]
async fn assertions_hold_or_say_what_does_not() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    world.refresh(tokens.refresh()).await;
    let good = json!({
        "of": {"endpoint": "token"}, "exactly": 2, "never_overlapped": true, "no_secret_in_url": true,
        "in_order": [{"grant": "authorization_code"}, {"grant": "refresh_token"}],
    });
    assert_eq!(post(&world, "/journal/assert", good).await.1, json!({"holds": true, "broken": [], "entries": [2, 3]}));
    let bad = post(&world, "/journal/assert", json!({"of": {"endpoint": "token"}, "exactly": 1})).await.1;
    assert_eq!((&bad["holds"], &bad["broken"]), (&json!(false), &json!(["expected exactly 1, found 2"])));
}

#[tokio::test]
async fn overlapping_requests_are_noticed() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    world.realm.hold(serde_json::from_value(json!({"to": "token"})).unwrap()).unwrap();
    let release = async {
        let parked = world.realm.wait_for_parked(2).await;
        parked.into_iter().for_each(|sequence| world.realm.release(sequence).unwrap());
    };
    tokio::join!(world.refresh(tokens.refresh()), world.refresh(tokens.refresh()), release);
    let asked = json!({"of": {"grant": "refresh_token"}, "never_overlapped": true});
    assert_eq!(post(&world, "/journal/assert", asked).await.1["holds"], false);
}

#[tokio::test]
async fn the_tree_says_who_presented_what_and_why_it_ended() {
    let world = World::new().await;
    world.realm.follow(mock_provider::profile::ProfileName::ROTATING.profile());
    let tokens = world.sign_in().await;
    world.refresh(tokens.refresh()).await;
    world.refresh(tokens.refresh()).await;
    let families = get(&world, "/families?token=rt%232").await;
    let family = &families["families"][0];
    assert_eq!((&family["end"]["why"], &family["end"]["reused"]), (&json!("reuse_detected"), &json!(0)));
    let presented = family["tokens"][0]["presented"].as_array().unwrap();
    let refusals: Vec<&Value> = presented.iter().map(|request| &request["refusal"]).collect();
    assert_eq!(refusals, [&Value::Null, &json!("reuse_detected")]);
    assert_eq!(family["tokens"][1]["parent"], "rt#1");
    assert!(get(&world, "/families?user=nobody").await["families"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn the_api_describes_itself_and_every_call_that_it_describes_is_there() {
    let world = World::new().await;
    let url = |path: &str| format!("{}{path}", world.control);
    let document: Value = world.http.get(url("/openapi.json")).send().await.unwrap().json().await.unwrap();
    let mut calls = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let filled = path.replace("{realm}", "r1").replace("{label}", "at%231").replace("{client}", "x");
        for (method, operation) in operations.as_object().unwrap() {
            let method: reqwest::Method = method.to_uppercase().parse().unwrap();
            let answer = world.http.request(method.clone(), url(&filled)).send().await.unwrap();
            let status = answer.status().as_u16();
            let text = answer.text().await.unwrap();
            assert!(operation["responses"].get(status.to_string()).is_some(), "{method} {path}: {status} {text}");
            assert!(!text.contains("no such control call"), "{method} {path}");
            calls += 1;
        }
    }
    assert!(calls > 40, "{calls}");
}

#[tokio::test]
async fn a_person_can_be_sent_away_and_the_journal_knows_it() {
    let world = World::new().await;
    world.realm.set_consent(mock_provider::Consent::Deny);
    let callback = location(&world.authorize(&[]).await);
    assert!(callback.query().unwrap().contains("error=access_denied"));
    assert_eq!(get(&world, "/journal?error=access_denied").await["entries"][0]["endpoint"], "authorize");
}

#[tokio::test]
async fn a_refused_refresh_is_still_somebodys() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    world.realm.revoke("rt#1".parse().unwrap()).unwrap();
    world.refresh(tokens.refresh()).await;
    let journal = get(&world, "/journal?user=100000000000000000001&error=invalid_grant").await;
    assert_eq!(sequences(&journal), [3]);
}

/// A body that is no form ends up as a parameter's name, and a client may mix its id and its secret up.
#[tokio::test]
async fn whatever_a_client_mixes_up_no_secret_stands_in_the_journal() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    let [(_, id), (_, secret)] = world.credentials();
    let url = format!("{}/token", world.realm.issuer());
    let body =
        json!({"refresh_token": tokens.refresh(), "client_secret": secret, "redirect_uri": "http://localhost/?x=1"});
    let as_text = world.http.post(&url).header("content-type", "text/plain").body(body.to_string());
    as_text.send().await.unwrap();
    let swapped = [("grant_type", "refresh_token"), ("client_id", secret), ("client_secret", id)];
    world.http.post(&url).form(&swapped).send().await.unwrap();
    world.http.post(&url).basic_auth(secret, Some(id)).form(&[("scope", secret)]).send().await.unwrap();
    let journal = get(&world, "/journal").await.to_string();
    for (name, secret) in world.realm.secrets() {
        assert!(!journal.contains(secret.expose()), "{name} stands in the journal");
    }
    assert!(journal.contains("(not a name)"), "{journal}");
    world.http.post(&url).form(&[("client_id", "somebody-else")]).send().await.unwrap();
    assert!(!get(&world, "/journal").await.to_string().contains("somebody-else"), "it may be anything");
}

#[tokio::test]
async fn a_hanging_request_goes_on_until_its_client_leaves() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    for fault in ["never", "stall_before_body"] {
        world.realm.clear_script();
        let spec = json!({"to": "token", "with": {"preset": fault}});
        world.realm.script(serde_json::from_value(spec).unwrap()).unwrap();
        let since = world.realm.next_sequence();
        let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())];
        form.extend(world.credentials());
        let hanging = world.http.post(format!("{}/token", world.realm.issuer())).form(&form).send();
        let second = async {
            let lost = serde_json::from_value(json!({"since": since, "delivery": "lost"})).unwrap();
            world.realm.wait_for_journal(&lost, 1).await;
            world.refresh(tokens.refresh()).await;
        };
        // The first is given up when the second is done.
        tokio::select! {
            biased;
            () = second => {}
            _ = async { hanging.await.unwrap().bytes().await } => unreachable!("it never ends"),
        }
        let asked = json!({"of": {"since": since, "grant": "refresh_token"}, "never_overlapped": true});
        assert_eq!(post(&world, "/journal/assert", asked).await.1["holds"], false, "{fault}");
    }
}

#[tokio::test]
async fn nothing_is_asserted_of_a_realm_that_is_not_there() {
    let world = World::new().await;
    let url = format!("{}/realms/misspelt/journal/assert", world.control);
    let answer = world.http.post(url).json(&json!({"at_most": 1})).send().await.unwrap();
    assert_eq!(answer.status(), 404);
}
