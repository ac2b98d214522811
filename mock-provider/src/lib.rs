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
mod authorize;
pub mod cli;
mod control;
mod decide;
mod endpoint;
mod entropy;
pub mod family;
mod fault_io;
mod handle;
mod hold;
mod journal;
mod json_text;
mod keys;
mod label;
mod lookups;
mod party;
pub mod policy;
mod provider;
mod realm;
mod reply;
mod request;
mod secret;
mod server;
mod time;
mod token;
mod uptime;

pub use endpoint::{Endpoint, GrantType};
pub use handle::{FamilyView, RealmError, RealmHandle, TokenView};
pub use hold::HoldSpec;
pub use journal::{Delivery, Entry, Sequence};
pub use json_text::Signature;
pub use keys::NoKey;
pub use label::{BadLabel, Label, TokenKind};
pub use party::{Client, User};
pub use provider::{DEFAULT_REALM, Provider, ProviderBuilder, RealmOptions};
pub use realm::{Consent, Counters};
pub use reply::{AnswerSpec, BadReply, Edit, Fault, IdTokenEdit, ReplySpec, When, check_reply};
pub use request::ClientAuth;
pub use secret::Secret;
pub use time::{BadLifetime, Clock, ClockMode, Lifetime, Timestamp, Uptime};
