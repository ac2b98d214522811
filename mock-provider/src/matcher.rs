//! Which requests a scripted reply or a hold is for.

use crate::endpoint::{Endpoint, GrantType};
use crate::jws;
use crate::label::Label;
use crate::realm::Realm;
use crate::request::WireRequest;
use crate::state::TokenRef;

/// What there is to match in a request.
#[derive(Clone, Debug)]
pub(crate) struct Traits {
    pub(crate) endpoint: Endpoint,
    pub(crate) grant: Option<GrantType>,
    pub(crate) client: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) token: Option<Label>,
}

/// What is asked of a request; whatever is absent is not asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matcher<'a> {
    pub(crate) to: Endpoint,
    pub(crate) grant: Option<GrantType>,
    pub(crate) client: Option<&'a str>,
    pub(crate) user: Option<&'a str>,
    pub(crate) token: Option<Label>,
}

impl Matcher<'_> {
    pub(crate) fn fits(&self, traits: &Traits) -> bool {
        fn agrees<T: PartialEq + Copy>(wanted: Option<T>, found: Option<T>) -> bool {
            wanted.is_none() || wanted == found
        }
        self.to == traits.endpoint
            && agrees(self.grant, traits.grant)
            && agrees(self.client, traits.client.as_deref())
            && agrees(self.user, traits.user.as_deref())
            && agrees(self.token, traits.token)
    }
}

impl Realm {
    /// What a request is about, before anything is decided: the token that it presents says whose it is.
    pub(crate) fn traits_of(&self, request: &WireRequest) -> Traits {
        let token = self.presented_anywhere(request);
        let owner = token.and_then(|label| self.owner_of(label));
        let (client, user) = owner.map_or((None, None), |(client, user)| (Some(client), Some(user)));
        let robot = || jws::read(request.params.get("assertion")?)?.1.get("iss")?.as_str().map(str::to_owned);
        Traits {
            endpoint: request.endpoint,
            grant: request.grant(),
            client: request.credentials().id.clone().or(client).or_else(robot),
            user: user.or_else(|| self.person_at(request)),
            token,
        }
    }

    /// Who sits at the authorize page, or has chosen to on the page for people.
    fn person_at(&self, request: &WireRequest) -> Option<String> {
        let user = match request.endpoint {
            Endpoint::Authorize => self.who_sits_there(&request.params),
            Endpoint::ConsentPage | Endpoint::DevicePage => self.state.user(request.params.get("regrant_user")?),
            _ => None,
        };
        user.map(|user| user.sub.clone())
    }

    /// The known token that a request presents, wherever it does.
    pub(crate) fn presented_anywhere(&self, request: &WireRequest) -> Option<Label> {
        let named = ["refresh_token", "code", "token", "access_token"].iter().find_map(|name| request.params.get(name));
        named.or_else(|| request.bearer()).and_then(|value| self.state.label_of(value))
    }

    /// The client and the user of a token.
    pub(crate) fn owner_of(&self, label: Label) -> Option<(String, String)> {
        let (client, sub) = match self.state.find(label)? {
            TokenRef::Access(place) => (&self.state.access(place).client, &self.state.access(place).sub),
            TokenRef::Code(place) => (&self.state.code(place).client, &self.state.code(place).sub),
            TokenRef::Refresh(place, _) => (&self.state.lineage(place).client, &self.state.lineage(place).sub),
            TokenRef::Device(_) => return None,
        };
        Some((client.to_string(), sub.to_string()))
    }
}
