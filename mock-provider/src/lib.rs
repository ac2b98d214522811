//! A fake Google for tests: an OAuth 2.0 and OpenID Connect provider whose tokens expire, rotate, are revoked and fail
//! exactly as told.
//!
//! ```
//! use std::time::Duration;
//! use mock_provider::{Provider, ReplySpec, Timestamp};
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let provider = Provider::builder().frozen_at(Timestamp::from_millis(1_900_000_000_000)).start().await?;
//! let realm = provider.realm("my-test"); // isolated: its own clock, users, tokens and journal
//! // Point the client under test at `realm.issuer()` with `realm.clients()[0]`, sign in, and then:
//! realm.advance(Duration::from_secs(3600)); // every access token has expired now
//! let busy: ReplySpec = serde_json::from_str(r#"{"to": "token", "grant": "refresh_token", "with": {"status": 503}}"#)?;
//! realm.script(busy)?; // the next refresh meets a 503, the one after it the truth
//! assert!(realm.journal(0).is_empty()); // nothing has reached the provider yet
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```
//!
//! The core is pure: [`family`], [`policy`] and the realm decide; they do no I/O and take time and randomness as
//! arguments. Deliberately absent: TLS, and any tie to the client under test.

mod answer;
mod assertion;
mod authorize;
mod authorize_request;
mod callback;
pub mod cli;
mod consent_page;
mod control;
mod control_call;
mod control_faults;
mod control_observe;
mod control_rules;
mod control_states;
mod decide;
mod device;
mod documents;
mod endpoint;
mod entropy;
pub mod event;
pub mod family;
mod fault;
mod fault_io;
pub mod genealogy;
mod handle;
mod hold;
mod html;
mod http_body;
mod in_process;
mod issue;
mod journal;
pub mod journal_query;
mod json_text;
mod jws;
mod keys;
mod label;
#[cfg(test)]
mod linear_tests;
mod lookups;
mod loss;
mod matcher;
mod observe;
#[cfg(feature = "schema")]
pub mod openapi;
mod party;
pub mod policy;
mod policy_words;
mod preset;
pub mod profile;
mod provider;
pub mod quirks;
mod realm;
mod realm_error;
mod reply;
mod reply_spec;
mod request;
mod secret;
pub mod seed;
mod server;
mod snapshot;
mod state;
mod strict_json;
mod time;
mod token;
mod token_length;
mod traffic;
mod uptime;

pub use callback::CallbackEdit;
pub use endpoint::{Endpoint, GrantType};
pub use event::Event;
pub use fault::Fault;
pub use handle::{PageDecision, RealmError, RealmHandle};
pub use hold::HoldSpec;
pub use journal::{Delivery, Entry, Sequence};
pub use jws::Signature;
pub use label::{BadLabel, Label, TokenKind};
pub use loss::{KeysAfterRestart, Loss};
pub use party::{Client, ClientKind, ServiceAccount, Standing, User};
pub use preset::{Preset, PresetGroup, presets};
pub use provider::{DEFAULT_REALM, Provider, ProviderBuilder, RealmOptions};
pub use reply::{BadReply, check_reply};
pub use reply_spec::{AnswerSpec, Chance, Edit, IdTokenEdit, ReplySpec, RetryAfter, When, Window};
pub use request::ClientAuth;
pub use secret::Secret;
pub use snapshot::Snapshot;
pub use state::{Consent, Counters};
pub use time::{BadLifetime, Clock, ClockMode, Lifetime, Timestamp, Uptime};
pub use token_length::{BadTokenLength, TokenLength};
