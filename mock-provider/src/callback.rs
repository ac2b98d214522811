//! Parameters on their way to a redirect URI: in the query, in the fragment, or in a form that a browser posts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::html::escape;
use crate::jws::IdTokenDraft;

/// How parameters travel (OAuth 2.0 Multiple Response Types, and Form Post Response Mode).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResponseMode {
    Query,
    Fragment,
    FormPost,
}

/// A value, or an id_token that the signer has yet to sign.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum CallbackValue {
    Text(String),
    IdToken(Box<IdTokenDraft>),
}

/// A redirect URI and its parameters, in order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Callback {
    pub(crate) uri: String,
    pub(crate) mode: ResponseMode,
    pub(crate) pairs: Vec<(String, CallbackValue)>,
}

/// Changes of a callback's parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct CallbackEdit {
    /// Parameters to put in.
    pub set: BTreeMap<String, String>,
    /// Parameters to take away.
    pub remove: Vec<String>,
}

/// What goes out.
pub(crate) enum Sent {
    /// A redirect to this URL.
    Location(String),
    /// A page that posts itself.
    Page(String),
}

impl Callback {
    pub(crate) fn new(uri: &str, mode: ResponseMode) -> Self {
        Self { uri: uri.to_owned(), mode, pairs: vec![] }
    }

    /// Adds a parameter, if it has a value.
    pub(crate) fn put(&mut self, name: &str, value: Option<&str>) {
        let value = value.map(|text| CallbackValue::Text(text.to_owned()));
        self.pairs.extend(value.map(|value| (name.to_owned(), value)));
    }

    pub(crate) fn put_id_token(&mut self, draft: IdTokenDraft) {
        self.pairs.push(("id_token".to_owned(), CallbackValue::IdToken(Box::new(draft))));
    }

    pub(crate) fn id_token_mut(&mut self) -> Option<&mut IdTokenDraft> {
        self.pairs.iter_mut().find_map(|(_, value)| match value {
            CallbackValue::IdToken(draft) => Some(&mut **draft),
            CallbackValue::Text(_) => None,
        })
    }

    pub(crate) fn edit(&mut self, edit: &CallbackEdit) {
        self.pairs.retain(|(name, _)| !edit.remove.contains(name));
        for (name, value) in &edit.set {
            let value = CallbackValue::Text(value.clone());
            match self.pairs.iter_mut().find(|(known, _)| known == name) {
                Some((_, place)) => *place = value,
                None => self.pairs.push((name.clone(), value)),
            }
        }
    }

    /// Signs what is to be signed and says where the browser goes.
    pub(crate) fn send(self, sign: &impl Fn(&IdTokenDraft) -> String) -> Sent {
        let text = |value| match value {
            CallbackValue::Text(text) => text,
            CallbackValue::IdToken(draft) => sign(&draft),
        };
        let pairs: Vec<(String, String)> = self.pairs.into_iter().map(|(name, value)| (name, text(value))).collect();
        match self.mode {
            ResponseMode::Query => Sent::Location(joined(&self.uri, query_mark(&self.uri), &pairs)),
            ResponseMode::Fragment => Sent::Location(joined(&self.uri, '#', &pairs)),
            ResponseMode::FormPost => Sent::Page(form_page(&self.uri, &pairs)),
        }
    }
}

fn query_mark(uri: &str) -> char {
    if uri.contains('?') { '&' } else { '?' }
}

fn joined(uri: &str, glue: char, pairs: &[(String, String)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{uri}{glue}{query}")
}

/// A URL with these parameters.
pub(crate) fn with_query(uri: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let given = pairs.iter().filter_map(|(name, value)| Some(((*name).to_owned(), (*value)?.to_owned())));
    joined(uri, query_mark(uri), &given.collect::<Vec<_>>())
}

/// OAuth 2.0 Form Post Response Mode, appendix A. Without JavaScript a person presses the button.
fn form_page(uri: &str, pairs: &[(String, String)]) -> String {
    let inputs: String = pairs
        .iter()
        .map(|(name, value)| format!(r#"<input type="hidden" name="{}" value="{}">"#, escape(name), escape(value)))
        .collect();
    format!(
        r#"<!DOCTYPE html><html lang="en"><title>Submit this form</title><body onload="document.forms[0].submit()">
<form method="post" action="{}">{inputs}<noscript><button>Continue</button></noscript></form></body></html>"#,
        escape(uri)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(mode: ResponseMode, uri: &str) -> String {
        let mut callback = Callback::new(uri, mode);
        callback.put("state", Some("a b"));
        callback.put("hd", None);
        callback.edit(&CallbackEdit { set: BTreeMap::from([("code".into(), "4/0".into())]), remove: vec![] });
        match callback.send(&|_| String::new()) {
            Sent::Location(text) | Sent::Page(text) => text,
        }
    }

    #[test]
    fn parameters_go_where_the_mode_says() {
        assert_eq!(sent(ResponseMode::Query, "http://a/"), "http://a/?state=a+b&code=4%2F0");
        assert_eq!(sent(ResponseMode::Query, "http://a/?x=1"), "http://a/?x=1&state=a+b&code=4%2F0");
        assert_eq!(sent(ResponseMode::Fragment, "http://a/"), "http://a/#state=a+b&code=4%2F0");
        assert!(sent(ResponseMode::FormPost, "http://a/").contains(r#"name="state" value="a b""#));
    }

    #[test]
    fn what_came_in_cannot_break_out_of_the_page() {
        let page = sent(ResponseMode::FormPost, "http://a/\"><script>");
        assert!(!page.contains("<script>"), "{page}");
    }
}
