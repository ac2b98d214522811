//! A fake Google and an application that uses it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mock_provider::{Provider, RealmHandle, Timestamp};
use serde_json::Value;
use url::Url;

use crate::browser::Browser;

pub(crate) const SECRET: &str = "a test secret of 32 bytes or more";

/// Where both clocks begin.
const BEGIN_MS: i64 = 1_893_456_000_000;

pub(crate) struct World {
    pub(crate) realm: RealmHandle,
    pub(crate) server: Server,
    pub(crate) browser: Browser,
    _provider: Provider,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(&["--test-clock", "--show-access-token"], SECRET).await
    }

    pub(crate) async fn with(args: &[&str], secrets: &str) -> Self {
        let provider = Provider::builder().frozen_at(Timestamp::from_millis(BEGIN_MS)).start().await.unwrap();
        let realm = provider.default_realm();
        let server = Server::start(&realm, args, secrets);
        let browser = Browser::new(server.url.clone());
        let world = Self { realm, server, browser, _provider: provider };
        if args.contains(&"--test-clock") {
            world.set_clock().await;
        }
        world
    }

    /// A new process in place of the old one, for the same browser.
    pub(crate) async fn restart(&mut self, args: &[&str], secrets: &str) {
        self.server = Server::start(&self.realm, args, secrets);
        self.browser.base = self.server.url.clone();
        self.set_clock().await;
    }

    pub(crate) async fn advance(&self, by: Duration) {
        self.realm.advance(by);
        self.set_clock().await;
    }

    async fn set_clock(&self) {
        let now = self.realm.now().as_millis();
        let answer = Browser::new(self.server.url.clone()).post("_test/clock", &[("now_ms", &now.to_string())]).await;
        assert_eq!(answer.json()["now_ms"], now);
    }

    pub(crate) fn script(&self, spec: &str) {
        self.realm.script(serde_json::from_str(spec).unwrap()).unwrap();
    }

    /// How many requests with these words the provider has seen.
    pub(crate) fn requests(&self, endpoint: &str, grant: Option<&str>) -> usize {
        let entries = serde_json::to_value(self.realm.journal(0)).unwrap();
        let is = |entry: &&Value| {
            entry["endpoint"] == endpoint && grant.is_none_or(|grant| entry["params"]["grant_type"] == grant)
        };
        entries.as_array().unwrap().iter().filter(is).count()
    }
}

/// The process. It ends when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: Url,
}

impl Server {
    fn start(realm: &RealmHandle, args: &[&str], secrets: &str) -> Self {
        let client = realm.clients().remove(0);
        let mut child = Command::new(env!("CARGO_BIN_EXE_client-core-webapp"))
            .args(["--port", "0", "--issuer", &realm.issuer(), "--client-id", &client.id])
            .args(args)
            .env("CLIENT_SECRET", client.secret.unwrap().expose())
            .env("AUTH_SECRET", secrets)
            .env_remove("AUTH_URL")
            .env_remove("SCOPES")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(ready["ready"], true);
        let url = ready["listens"].as_str().unwrap().parse().unwrap();
        Self { child, url }
    }

    /// Ends it; what it has logged.
    pub(crate) fn log(mut self) -> String {
        self.child.kill().unwrap();
        std::io::read_to_string(self.child.stderr.take().unwrap()).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
