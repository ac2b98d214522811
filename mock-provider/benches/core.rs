//! The core without a socket: what a refresh costs, with and without an id_token, and how that grows with the realm.
//!
//! `cargo bench -p mock-provider`. Load over HTTP is `bench/`.

#![expect(clippy::unwrap_used, reason = "a benchmark may fail")]

use bytes::Bytes;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use http::Request;
use mock_provider::family::Family;
use mock_provider::policy::{Policy, Rotation};
use mock_provider::{Provider, RealmHandle, Timestamp};
use serde_json::json;

struct Bench {
    _runtime: tokio::runtime::Runtime,
    _provider: Provider,
    realm: RealmHandle,
}

impl Bench {
    fn new() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let start = Timestamp::from_millis(1_900_000_000_000);
        let provider = runtime.block_on(Provider::builder().frozen_at(start).start()).unwrap();
        let realm = provider.default_realm();
        Self { _runtime: runtime, _provider: provider, realm }
    }

    /// Seeds families and gives a refresh by the first of them.
    fn refresh(&self, scopes: &[&str], families: u32) -> Request<Bytes> {
        self.realm.change_policy(&serde_json::from_value(json!({"live_limit": "none"})).unwrap());
        let spec = json!({"families": [{"for": {"scopes": scopes}, "count": families}]});
        let seeded = self.realm.seed(&serde_json::from_value(spec).unwrap()).unwrap();
        let client = self.realm.clients().remove(0);
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "refresh_token")
            .append_pair("refresh_token", seeded.families[0].refresh_tokens[0].value.expose())
            .append_pair("client_id", &client.id)
            .append_pair("client_secret", client.secret.unwrap().expose())
            .finish();
        let request = Request::post("/token").header("content-type", "application/x-www-form-urlencoded");
        request.body(Bytes::from(form)).unwrap()
    }
}

fn refresh(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("refresh");
    for (name, scopes, families) in [
        ("opaque", vec!["https://www.googleapis.com/auth/drive"], 1),
        ("opaque, 100 000 live families", vec!["https://www.googleapis.com/auth/drive"], 100_000),
        ("with id_token", vec!["openid", "email", "profile"], 1),
    ] {
        let bench = Bench::new();
        let request = bench.refresh(&scopes, families);
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || request.clone(),
                |request| assert_eq!(bench.realm.call(request).status(), 200),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn family(criterion: &mut Criterion) {
    let policy = Policy { rotation: Rotation::Always, ..Policy::google() };
    let now = Timestamp::from_millis(0);
    criterion.bench_function("family: a rotation at generation 1000", |bencher| {
        bencher.iter_batched(
            || Family::grown(now, 1000),
            |mut family| family.refresh(now, 1000, &policy),
            BatchSize::SmallInput,
        );
    });
}

fn snapshot(criterion: &mut Criterion) {
    let bench = Bench::new();
    bench.refresh(&["openid"], 1000);
    criterion.bench_function("snapshot and restore of 1000 families", |bencher| {
        bencher.iter(|| bench.realm.restore(bench.realm.snapshot()).unwrap());
    });
}

criterion_group!(benches, refresh, family, snapshot);
criterion_main!(benches);
