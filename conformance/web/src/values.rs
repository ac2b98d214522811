//! What `$names` in a description stand for.

use std::collections::BTreeMap;

use adapter_protocol::Start;

/// The values of a case.
#[derive(Clone, Debug)]
pub(crate) struct Values(BTreeMap<&'static str, String>);

impl Values {
    pub(crate) fn of(start: &Start, port: u16) -> Self {
        let provider = &start.provider;
        Self(BTreeMap::from([
            ("$port", port.to_string()),
            ("$issuer", provider.issuer.clone()),
            ("$token_endpoint", provider.endpoints.token.clone()),
            ("$client_id", provider.client.id.clone()),
            ("$client_secret", provider.client.secret.clone()),
        ]))
    }

    /// A text with its names filled in. Longer names go first: `$client_id` is no `$client` with something behind it.
    pub(crate) fn fill(&self, text: &str) -> String {
        self.0.iter().rev().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }
}
