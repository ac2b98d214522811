//! What a bad adapter remembers of a case, for lies that have to look plausible.

use serde_json::{Value, json};

/// What was said so far.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    start: Value,
    session: Value,
}

impl Memory {
    pub(crate) fn note_request(&mut self, request: &Value) {
        if request["regrant"] == "start" {
            *self = Self { start: request.clone(), session: json!({"session": {"state": "signed_out"}}) };
        }
    }

    pub(crate) fn note_reply(&mut self, reply: &Value) {
        if reply["ok"]["session"].is_object() {
            self.session = reply["ok"].clone();
        }
    }

    /// The request that the case began with.
    pub(crate) const fn start(&self) -> &Value {
        &self.start
    }

    /// The members of the last answer with a session.
    pub(crate) const fn session(&self) -> &Value {
        &self.session
    }
}
