//! Holds: matching requests wait at the door until they are released in a chosen order.
//!
//! A race between two requests becomes a fact that a test states, in any language and with no control over threads.

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::endpoint::{Endpoint, GrantType};
use crate::journal::Sequence;
use crate::label::Label;
use crate::matcher::{Matcher, Traits};
use crate::reply_spec::When;

/// Which requests wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HoldSpec {
    /// Those to this endpoint.
    pub to: Endpoint,
    /// Only with this grant type; any, when absent.
    #[serde(default)]
    pub grant: Option<GrantType>,
    /// Only for this client, by id.
    #[serde(default)]
    pub client: Option<String>,
    /// Only for this user, by subject or e-mail address.
    #[serde(default)]
    pub user: Option<String>,
    /// Only when this token is presented, by label.
    #[serde(default)]
    pub token: Option<Label>,
    /// Before or after the endpoint has done its work: at the door, or with the answer in hand.
    #[serde(default)]
    pub when: When,
}

impl HoldSpec {
    fn matches(&self, traits: &Traits, when: When) -> bool {
        let Self { to, grant, client, user, token, .. } = self;
        let matcher =
            Matcher { to: *to, grant: *grant, client: client.as_deref(), user: user.as_deref(), token: *token };
        self.when == when && matcher.fits(traits)
    }
}

/// The holds of a realm and who waits behind them.
#[derive(Debug, Default)]
pub(crate) struct HoldBoard {
    rules: Vec<HoldSpec>,
    parked: Vec<(Sequence, oneshot::Sender<()>)>,
}

impl HoldBoard {
    pub(crate) fn hold(&mut self, spec: HoldSpec) {
        self.rules.push(spec);
    }

    /// Lifts all holds; who waits already goes on waiting.
    pub(crate) fn lift(&mut self) {
        self.rules.clear();
    }

    /// Parks a request if a hold wants it; the receiver resolves on release.
    pub(crate) fn park(&mut self, sequence: Sequence, traits: &Traits, when: When) -> Option<oneshot::Receiver<()>> {
        if !self.rules.iter().any(|rule| rule.matches(traits, when)) {
            return None;
        }
        let (release, released) = oneshot::channel();
        self.parked.push((sequence, release));
        Some(released)
    }

    /// Who waits, in order of arrival. Those whose client has left are forgotten.
    pub(crate) fn parked(&mut self) -> Vec<Sequence> {
        self.parked.retain(|(_, release)| !release.is_closed());
        self.parked.iter().map(|(sequence, _)| *sequence).collect()
    }

    /// Lets one go; says whether it was waiting.
    pub(crate) fn release(&mut self, sequence: Sequence) -> bool {
        let Some(index) = self.parked.iter().position(|(known, _)| *known == sequence) else { return false };
        self.parked.remove(index).1.send(()).is_ok()
    }
}
