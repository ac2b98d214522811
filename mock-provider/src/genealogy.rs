//! The family tree of refresh tokens, as it is told to people: who came from whom, who presented what when, and why it
//! ended. It holds no secret.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::family::Ended;
use crate::journal::{Delivery, Entry, Sequence};
use crate::label::Label;
use crate::profile::RefusalReason;
use crate::realm::Realm;
use crate::state::Lineage;
use crate::time::Timestamp;

/// Which families are meant; whatever is absent is not asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct FamilyFilter {
    /// Those of this client, by id.
    pub client: Option<String>,
    /// Those of this user, by subject or e-mail address.
    pub user: Option<String>,
    /// The one of this refresh token.
    pub token: Option<Label>,
}

/// A family of refresh tokens.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FamilyView {
    /// The client it was issued to.
    pub client: String,
    /// The user it was issued for, by subject.
    pub user: String,
    /// The scopes of its grant.
    pub scopes: Vec<String>,
    /// When it ends by itself, if it ever does, in milliseconds since the epoch.
    pub expires_ms: Option<Timestamp>,
    /// When it ends if it is not used, in milliseconds since the epoch.
    pub idles_out_ms: Option<Timestamp>,
    /// How it was ended, if it was.
    pub end: Option<Ended>,
    /// Its tokens, oldest first; the index is the generation.
    pub tokens: Vec<TokenView>,
}

/// A refresh token of a family.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenView {
    /// Its name.
    pub label: Label,
    /// The name of the token whose use brought it.
    pub parent: Option<Label>,
    /// When it was minted, in milliseconds since the epoch.
    pub born: Timestamp,
    /// When it was first replaced.
    pub replaced: Option<Timestamp>,
    /// How often it has bought tokens.
    pub uses: u32,
    /// Every request that presented it, as far as the journal still knows.
    pub presented: Vec<Presented>,
}

/// A request that presented a token.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Presented {
    /// The number of the request.
    pub sequence: Sequence,
    /// When it was decided, in milliseconds since the epoch.
    pub at: Option<Timestamp>,
    /// The rule that refused it, if one did.
    pub refusal: Option<RefusalReason>,
    /// The OAuth error that it got.
    pub error: Option<String>,
    /// What became of its answer.
    pub delivery: Delivery,
}

impl Realm {
    pub(crate) fn families(&self, filter: &FamilyFilter) -> Vec<FamilyView> {
        let mut presented: BTreeMap<Label, Vec<Presented>> = BTreeMap::new();
        for entry in self.journal.since(0) {
            if let Some(label) = entry.presented {
                presented.entry(label).or_default().push(Presented::of(entry));
            }
        }
        let meant = self.state.lineages.iter().filter(|lineage| filter.fits(lineage));
        meant.map(|lineage| self.family_view(lineage, &presented)).collect()
    }

    fn family_view(&self, lineage: &Lineage, presented: &BTreeMap<Label, Vec<Presented>>) -> FamilyView {
        let policy = self.state.policy_for(&lineage.client);
        let label = |generation: usize| lineage.tokens.get(generation).map(|(label, _)| *label);
        let members = lineage.family.members().iter().zip(&lineage.tokens);
        let tokens = members.map(|(member, (own, _))| TokenView {
            label: *own,
            parent: member.parent.and_then(label),
            born: member.born,
            replaced: member.replaced,
            uses: member.uses,
            presented: presented.get(own).cloned().unwrap_or_default(),
        });
        FamilyView {
            client: lineage.client.to_string(),
            user: lineage.sub.to_string(),
            scopes: lineage.scopes.to_vec(),
            expires_ms: lineage.family.expires(&policy),
            idles_out_ms: lineage.family.idles_out(&policy),
            end: lineage.family.end(),
            tokens: tokens.collect(),
        }
    }
}

impl FamilyFilter {
    fn fits(&self, lineage: &Lineage) -> bool {
        self.client.as_ref().is_none_or(|client| **client == *lineage.client)
            && self.user.as_ref().is_none_or(|user| **user == *lineage.sub)
            && self.token.is_none_or(|token| lineage.tokens.iter().any(|(label, _)| *label == token))
    }
}

impl Presented {
    fn of(entry: &Entry) -> Self {
        Self {
            sequence: entry.sequence,
            at: entry.decided,
            refusal: entry.refusal,
            error: entry.error.clone(),
            delivery: entry.delivery,
        }
    }
}
