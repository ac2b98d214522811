//! The pages on which a person decides: who they are, which scopes they grant, yes or no; and the one for devices.
//!
//! Plain forms: they work without JavaScript, and a test can post them. Nothing is kept between the page and its answer;
//! the request travels along in hidden fields and is checked again.

use http::Method;

use crate::answer::Answer;
use crate::authorize::{Choice, may_untick};
use crate::authorize_request::AuthorizeRequest;
use crate::device::DeviceDecision;
use crate::html::{escape, page};
use crate::party::{Standing, User};
use crate::realm::Realm;
use crate::request::{Params, WireRequest};
use crate::time::{Lifetime, Timestamp};

/// Fields of the pages' own; everything else in the form is the authorization request.
const USER: &str = "regrant_user";
const SCOPE: &str = "regrant_scope:";
const DECISION: &str = "regrant_decision";
const ACCESS_FOR: &str = "regrant_access_for";

const NOBODY: &str = "<h1>Choose an account</h1>\n<p>The form named no user of this realm. Go back and choose one.</p>";

impl Realm {
    pub(crate) fn consent_page(&mut self, now: Timestamp, request: &WireRequest) -> Answer {
        let params = &request.params;
        let asked = match self.check_authorization(params) {
            Ok(asked) => asked,
            Err(error) => return self.sign_in_error(params, &error),
        };
        if request.method == Method::POST {
            return self.decided(now, params, &asked);
        }
        let body = self.consent_form(params, &asked);
        Answer::html(200, &page("Sign in – Google Accounts", &body))
    }

    fn consent_form(&self, params: &Params, asked: &AuthorizeRequest) -> String {
        let hidden = params.iter().filter(|(name, _)| !name.starts_with("regrant_"));
        let hidden: String = hidden.map(|(name, value)| hidden_input(name, value)).collect();
        let hint = params.get("login_hint");
        let users = self.accounts(|index, user| hint.map_or(index == 0, |hint| user.is_hinted_by(hint)));
        let scopes: String = asked
            .scopes
            .iter()
            .map(|scope| {
                let fixed = if may_untick(scope) { "" } else { "disabled" };
                choice("checkbox", &format!("{SCOPE}{scope}"), "on", scope, true, fixed)
            })
            .collect();
        format!(
            "<h1>Sign in with Google</h1>\n<p>{} wants access to your Google Account</p>\n\
             <form method=\"post\" action=\"{}/v3/signin/identifier\">\n{hidden}\
             <fieldset><legend>Account</legend>{users}</fieldset>\n\
             <fieldset><legend>Select what it can access</legend>{scopes}</fieldset>\n\
             <fieldset><legend>For how long</legend>{}{}</fieldset>\n\
             <div class=\"row\"><button name=\"{DECISION}\" value=\"deny\" formnovalidate>Cancel</button>\
             <button class=\"yes\" name=\"{DECISION}\" value=\"allow\">Allow</button></div>\n</form>",
            escape(&asked.client),
            escape(&self.base),
            choice("radio", ACCESS_FOR, "", "Until you take it back", true, ""),
            choice("radio", ACCESS_FOR, "7d", "7 days", false, ""),
        )
    }

    /// The accounts that can be chosen, one of them ticked.
    fn accounts(&self, ticked: impl Fn(usize, &User) -> bool) -> String {
        let active = self.state.users.iter().filter(|user| user.standing == Standing::Active);
        let account = |(index, user): (usize, &User)| {
            let text = format!("{} ({})", user.name(), user.email);
            choice("radio", USER, &user.sub, &text, ticked(index, user), "required")
        };
        active.enumerate().map(account).collect()
    }

    fn decided(&mut self, now: Timestamp, params: &Params, asked: &AuthorizeRequest) -> Answer {
        if params.get(DECISION) != Some("allow") {
            return self.refused(params, asked, "access_denied");
        }
        let user = params.get(USER).and_then(|sub| self.state.user(sub));
        let Some(user) = user else {
            return Answer::html(400, &page("Sign in – Google Accounts", NOBODY));
        };
        if let Err(error) = self.check_user(user, asked) {
            return self.sign_in_error(params, &error);
        }
        let sub = user.sub.as_str().into();
        let ticked = |scope: &&String| !may_untick(scope) || params.get(&format!("{SCOPE}{scope}")).is_some();
        let scopes = asked.scopes.iter().filter(ticked).cloned().collect();
        let access_for: Option<Lifetime> = params.get(ACCESS_FOR).and_then(|text| text.parse().ok());
        self.approve(now, params, asked, &Choice { sub, scopes, shown: true, access_for })
    }

    /// Where a person types in the code that a device shows.
    pub(crate) fn device_page(&mut self, now: Timestamp, request: &WireRequest) -> Answer {
        let params = &request.params;
        let title = "Connect a device – Google Accounts";
        if request.method != Method::POST {
            return Answer::html(200, &page(title, &self.device_form(params.get("user_code").unwrap_or_default())));
        }
        let allowed = params.get(DECISION) == Some("allow");
        let active = |user: &&User| user.standing == Standing::Active;
        let user = params.get(USER).and_then(|sub| self.state.user(sub)).filter(active);
        let decision = match (allowed, user) {
            (true, Some(user)) => DeviceDecision::Approved(user.sub.as_str().into()),
            (true, None) => return Answer::html(400, &page(title, NOBODY)),
            (false, _) => DeviceDecision::Denied,
        };
        if self.decide_device(now, params.get("user_code").unwrap_or_default(), decision) {
            let text = if allowed { "Your device is connected" } else { "Your device was not connected" };
            return Answer::html(200, &page(title, &format!("<h1>{text}</h1>\n<p>You can close this page.</p>")));
        }
        Answer::html(400, &page(title, "<h1>That code didn’t work</h1>\n<p>Check the code and try again.</p>"))
    }

    fn device_form(&self, user_code: &str) -> String {
        let users = self.accounts(|index, _| index == 0);
        format!(
            "<h1>Connect a device</h1>\n<p>Enter the code displayed on your device</p>\n\
             <form method=\"post\" action=\"{}/device\">\n<p><input type=\"text\" name=\"user_code\" value=\"{}\" \
             placeholder=\"XXXX-XXXX\" required aria-label=\"Code\"></p>\n\
             <fieldset><legend>Account</legend>{users}</fieldset>\n\
             <div class=\"row\"><button name=\"{DECISION}\" value=\"deny\">Cancel</button>\
             <button class=\"yes\" name=\"{DECISION}\" value=\"allow\">Allow</button></div>\n</form>",
            escape(&self.base),
            escape(user_code)
        )
    }
}

fn hidden_input(name: &str, value: &str) -> String {
    format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">\n", escape(name), escape(value))
}

fn choice(kind: &str, name: &str, value: &str, text: &str, checked: bool, more: &str) -> String {
    let checked = if checked { " checked" } else { "" };
    format!(
        "<label><input type=\"{kind}\" name=\"{}\" value=\"{}\"{checked} {more}> {}</label>",
        escape(name),
        escape(value),
        escape(text)
    )
}
