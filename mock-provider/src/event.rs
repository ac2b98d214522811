//! What happens to users, clients and accounts on the provider's side while applications run.

use serde::{Deserialize, Serialize};

use crate::family::FamilyEnd;
use crate::handle::RealmError;
use crate::party::{Client, ServiceAccount, Standing};
use crate::realm::Realm;
use crate::secret::Secret;
use crate::state::project_of;
use crate::time::Timestamp;

/// An event. Users are named by subject or e-mail address, clients by id, service accounts by e-mail address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// A user takes back what a client's project was granted.
    GrantRevoked {
        /// Who.
        user: String,
        /// From whom.
        client: String,
    },
    /// All grants of a user are taken back.
    UserRevoked(String),
    /// All grants to a client's project are taken back.
    ClientRevoked(String),
    /// All grants are taken back.
    EverythingRevoked,
    /// Families with Gmail scopes die.
    PasswordChanged(String),
    /// Refreshes get `access_denied`, access tokens are dead.
    UserDisabled(String),
    /// Refreshes get `invalid_grant`, `Account has been deleted`.
    UserDeleted(String),
    /// The account is back, with its grants.
    UserRestored(String),
    /// `disabled_client`.
    ClientDisabled(String),
    /// `deleted_client`.
    ClientDeleted(String),
    /// The client is back.
    ClientRestored(String),
    /// The client gets a second secret; both are good.
    SecretAdded(String),
    /// The client's older secret is good no more.
    SecretRetired(String),
    /// Refreshes of families from before get `invalid_rapt`, until they bring the proof of a new sign-in.
    ReauthRequired(String),
    /// The user has signed in again; the `rapt` that is returned proves it when a refresh brings it.
    Reauthenticated(String),
    /// A Workspace administrator lets these scopes out no more: `admin_policy_enforced`.
    ScopesRestricted(Vec<String>),
    /// These scopes are let out again.
    ScopesReleased(Vec<String>),
    /// `disabled_client`.
    ServiceAccountDisabled(String),
    /// `Invalid grant: account not found`.
    ServiceAccountDeleted(String),
    /// The account and its key are back.
    ServiceAccountRestored(String),
    /// `Invalid JWT Signature.`
    ServiceAccountKeyDeleted(String),
}

/// Scopes that do not survive a change of the password.
fn is_gmail(scope: &str) -> bool {
    scope.starts_with("https://mail.google.com/") || scope.starts_with("https://www.googleapis.com/auth/gmail")
}

impl Realm {
    /// Lets an event happen. Gives the secret that it brought, if it did.
    pub(crate) fn happen(&mut self, now: Timestamp, event: Event) -> Result<Option<Secret>, RealmError> {
        match event {
            Event::GrantRevoked { user, client } => {
                let sub = self.known_user(&user)?;
                self.client_mut(&client)?;
                self.revoke_grant(&client, &sub, now);
            }
            Event::UserRevoked(user) => {
                let sub = self.known_user(&user)?;
                self.end_grants_of(&sub, FamilyEnd::Revoked, now);
            }
            Event::ClientRevoked(client) => {
                self.client_mut(&client)?;
                self.revoke_where(now, |project| project == project_of(&client));
            }
            Event::EverythingRevoked => self.revoke_where(now, |_| true),
            Event::PasswordChanged(user) => {
                let sub = self.known_user(&user)?;
                self.change_password(now, &sub);
            }
            Event::UserDisabled(user) => self.set_user(&user, Standing::Disabled)?,
            Event::UserDeleted(user) => self.set_user(&user, Standing::Deleted)?,
            Event::UserRestored(user) => self.set_user(&user, Standing::Active)?,
            Event::ClientDisabled(client) => self.client_mut(&client)?.standing = Standing::Disabled,
            Event::ClientDeleted(client) => self.client_mut(&client)?.standing = Standing::Deleted,
            Event::ClientRestored(client) => self.client_mut(&client)?.standing = Standing::Active,
            Event::SecretAdded(client) => return self.add_secret(&client).map(Some),
            Event::SecretRetired(client) => self.retire_secret(&client)?,
            Event::ReauthRequired(user) => {
                let sub = self.known_user(&user)?;
                self.state.reauth.entry(sub).or_default().required = Some(now);
            }
            Event::Reauthenticated(user) => return self.reauthenticate(now, &user).map(Some),
            Event::ScopesRestricted(scopes) => self.state.restricted_scopes.extend(scopes),
            Event::ScopesReleased(scopes) => self.state.restricted_scopes.retain(|scope| !scopes.contains(scope)),
            Event::ServiceAccountDisabled(email) => self.robot_mut(&email)?.standing = Standing::Disabled,
            Event::ServiceAccountDeleted(email) => self.robot_mut(&email)?.standing = Standing::Deleted,
            Event::ServiceAccountKeyDeleted(email) => self.robot_mut(&email)?.key = Standing::Deleted,
            Event::ServiceAccountRestored(email) => {
                let robot = self.robot_mut(&email)?;
                (robot.standing, robot.key) = (Standing::Active, Standing::Active);
            }
        }
        Ok(None)
    }

    /// The subject of a user who is named by subject or e-mail address.
    pub(crate) fn known_user(&self, who: &str) -> Result<String, RealmError> {
        self.state.user_hinted(who).map(|user| user.sub.clone()).ok_or_else(|| RealmError::NoSuchUser(who.to_owned()))
    }

    fn client_mut(&mut self, id: &str) -> Result<&mut Client, RealmError> {
        self.state.clients.get_mut(id).ok_or_else(|| RealmError::NoSuchClient(id.to_owned()))
    }

    fn robot_mut(&mut self, email: &str) -> Result<&mut ServiceAccount, RealmError> {
        let found = self.state.service_accounts.iter_mut().find(|robot| robot.email == email);
        found.ok_or_else(|| RealmError::NoSuchServiceAccount(email.to_owned()))
    }

    fn set_user(&mut self, who: &str, standing: Standing) -> Result<(), RealmError> {
        let sub = self.known_user(who)?;
        self.state.users.iter_mut().filter(|user| user.sub == sub).for_each(|user| user.standing = standing);
        Ok(())
    }

    fn revoke_where(&mut self, now: Timestamp, wanted: impl Fn(&str) -> bool) {
        let grants = self.state.grants.iter();
        let all = grants.flat_map(|(sub, projects)| projects.keys().map(move |project| (sub.clone(), project.clone())));
        let ended: Vec<(String, String)> = all.filter(|(_, project)| wanted(project)).collect();
        for (sub, project) in ended {
            self.end_grant(&project, &sub, FamilyEnd::Revoked, now);
        }
    }

    fn change_password(&mut self, now: Timestamp, sub: &str) {
        let families = self.state.grants.get(sub).into_iter().flatten().flat_map(|(_, grant)| grant.families.clone());
        let reads_mail = |place: &u32| self.state.lineage(*place).scopes.iter().any(|scope| is_gmail(scope));
        let ended: Vec<u32> = families.filter(reads_mail).collect();
        for place in ended {
            self.finish_family(place, FamilyEnd::PasswordChanged, now);
        }
    }

    fn add_secret(&mut self, client: &str) -> Result<Secret, RealmError> {
        let secret = Secret::new(self.state.entropy.client_secret());
        self.client_mut(client)?.next_secret = Some(secret.clone());
        Ok(secret)
    }

    fn retire_secret(&mut self, client: &str) -> Result<(), RealmError> {
        let client = self.client_mut(client)?;
        let next = client.next_secret.take().ok_or_else(|| RealmError::OnlySecret(client.id.clone()))?;
        client.secret = Some(next);
        Ok(())
    }

    fn reauthenticate(&mut self, now: Timestamp, who: &str) -> Result<Secret, RealmError> {
        let sub = self.known_user(who)?;
        let rapt = Secret::new(self.state.entropy.rapt());
        self.state.reauth.entry(sub).or_default().done = Some((now, rapt.clone()));
        Ok(rapt)
    }
}
