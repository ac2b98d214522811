//! The description of the control API (OpenAPI 3.1), made of the types that the calls read and write.
//!
//! Only built with the feature `schema`. The document that is served is the committed one; a test holds it to this.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use crate::control;
use crate::control_call::{Done, ErrorBody};
use crate::control_faults::{ParkedView, Release, WaitForParked};
use crate::control_observe::{FamiliesView, JournalView, WaitForJournal};
use crate::control_rules::{Brought, DeviceChoice, WholePolicy};
use crate::control_states::{ClockMove, ClockView, Reach, Restart, TokenEnd, TokenName};
use crate::event::Event;
use crate::genealogy::FamilyFilter;
use crate::handle::PageDecision;
use crate::hold::HoldSpec;
use crate::journal_query::{Assertion, AssertionResult, JournalFilter};
use crate::party::{Client, ServiceAccount, User};
use crate::policy::{Policy, PolicyPatch};
use crate::preset::Preset;
use crate::profile::Profile;
use crate::quirks::{Quirks, QuirksPatch};
use crate::reply_spec::ReplySpec;
use crate::seed::{SeedSpec, Seeded};

type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// A call of the control API.
struct Call {
    method: &'static str,
    path: &'static str,
    about: &'static str,
    query: Option<SchemaOf>,
    body: Option<SchemaOf>,
    answer: SchemaOf,
    /// Statuses of its refusals.
    refusals: &'static [u16],
}

/// The schema of a type.
fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// Any JSON object: documents whose form belongs to somebody else.
fn object(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({"type": "object"})
}

const fn get(path: &'static str, about: &'static str, answer: SchemaOf) -> Call {
    Call { method: "get", path, about, query: None, body: None, answer, refusals: &[] }
}

const fn post(path: &'static str, about: &'static str, body: SchemaOf, answer: SchemaOf) -> Call {
    Call { method: "post", path, about, query: None, body: Some(body), answer, refusals: &[400] }
}

impl Call {
    const fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    const fn without_body(mut self) -> Self {
        self.body = None;
        self.refusals = &[];
        self
    }

    const fn refusing(mut self, statuses: &'static [u16]) -> Self {
        self.refusals = statuses;
        self
    }

    const fn asking(mut self, query: SchemaOf) -> Self {
        self.query = Some(query);
        self.refusals = &[400];
        self
    }
}

/// Every call, in the order of the document.
fn calls() -> Vec<Call> {
    vec![
        get("/", "The names of all realms", of::<control::RealmNames>),
        get("/openapi.json", "This document", object),
        get("/presets", "The catalogue of scripted replies", of::<std::collections::BTreeMap<String, Preset>>),
        get("/profiles", "The built-in profiles", of::<std::collections::BTreeMap<String, Profile>>),
        get("/realms", "The names of all realms", of::<control::RealmNames>),
        post("/realms", "A new realm with options of its own", of::<control::NewRealm>, of::<control::RealmPlace>)
            .refusing(&[400, 409]),
        get("/realms/{realm}", "The realm at a glance; made now if it is new", of::<control::RealmView>),
        get("/realms/{realm}", "Forgets the realm and everything in it", of::<Done>).method("delete").refusing(&[404]),
        get("/realms/{realm}/clock", "What the clock shows", of::<ClockView>),
        post("/realms/{realm}/clock", "Moves the clock", of::<ClockMove>, of::<ClockView>),
        get("/realms/{realm}/policy", "The life rules in force", of::<Policy>),
        post("/realms/{realm}/policy", "Changes some life rules", of::<PolicyPatch>, of::<Policy>).method("patch"),
        post("/realms/{realm}/policy", "Follows a profile", of::<WholePolicy>, of::<Policy>).method("put"),
        get("/realms/{realm}/quirks", "The switches as they stand", of::<Quirks>),
        post("/realms/{realm}/quirks", "Flips switches", of::<QuirksPatch>, of::<Quirks>).method("patch"),
        get("/realms/{realm}/users", "The users", of::<Vec<User>>),
        post("/realms/{realm}/users", "Adds or replaces a user", of::<User>, of::<Done>),
        get("/realms/{realm}/clients", "The clients, secrets included", of::<Vec<Client>>),
        post("/realms/{realm}/clients", "Adds or replaces a client", of::<Client>, of::<Done>),
        get("/realms/{realm}/clients/{client}/file", "The client's file as Google's console hands it out", object)
            .refusing(&[404]),
        get("/realms/{realm}/service_accounts", "The key files of all service accounts", of::<Vec<Value>>),
        post(
            "/realms/{realm}/service_accounts",
            "Adds or replaces a service account",
            of::<ServiceAccount>,
            of::<Done>,
        ),
        post("/realms/{realm}/authorize", "What happens at the authorize page", of::<PageDecision>, of::<Done>)
            .refusing(&[400, 404]),
        post("/realms/{realm}/device", "A person enters a device's code", of::<DeviceChoice>, of::<Done>)
            .refusing(&[400, 404]),
        post("/realms/{realm}/events", "Something happens to users or clients", of::<Event>, of::<Brought>)
            .refusing(&[400, 404]),
        post("/realms/{realm}/keys/rotate", "Signs with a new key from now on", object, of::<Done>).without_body(),
        get("/realms/{realm}/replies", "The scripted replies that are left", of::<Vec<ReplySpec>>),
        post("/realms/{realm}/replies", "Queues a scripted reply", of::<ReplySpec>, of::<Done>).refusing(&[400, 404]),
        get("/realms/{realm}/replies", "Forgets all scripted replies", of::<Done>).method("delete"),
        post("/realms/{realm}/holds", "Parks matching requests from now on", of::<HoldSpec>, of::<Done>)
            .refusing(&[400, 404]),
        get("/realms/{realm}/holds", "Lifts all holds", of::<Done>).method("delete"),
        get("/realms/{realm}/parked", "The requests that wait", of::<ParkedView>),
        post("/realms/{realm}/parked/wait", "Answers when so many wait", of::<WaitForParked>, of::<ParkedView>)
            .refusing(&[400, 408]),
        post("/realms/{realm}/release", "Lets parked requests go, one after the other", of::<Release>, of::<Done>)
            .refusing(&[400, 404, 408]),
        post("/realms/{realm}/revoke", "The user takes a token's grant back", of::<TokenName>, of::<Done>)
            .refusing(&[400, 404]),
        post("/realms/{realm}/expire", "Ends a token now", of::<TokenName>, of::<Done>).refusing(&[400, 404]),
        get("/realms/{realm}/tokens/{label}", "When a token ends", of::<TokenEnd>).refusing(&[400, 404]),
        post("/realms/{realm}/seed", "Puts tokens into the realm", of::<SeedSpec>, of::<Seeded>).refusing(&[400, 404]),
        get("/realms/{realm}/snapshot", "The whole realm as a document, secrets included", object),
        post("/realms/{realm}/snapshot", "Becomes what a snapshot says", object, of::<Done>).method("put"),
        post("/realms/{realm}/memory", "How far back a restart can lose something", of::<Reach>, of::<Done>),
        post("/realms/{realm}/restart", "Comes up again and has forgotten something", of::<Restart>, of::<Done>),
        post("/realms/{realm}/reset", "Everything back to the beginning", object, of::<Done>).without_body(),
        get("/realms/{realm}/journal", "The requests, oldest first", of::<JournalView>).asking(of::<JournalFilter>),
        post("/realms/{realm}/journal/wait", "Answers when so many have come", of::<WaitForJournal>, of::<JournalView>)
            .refusing(&[400, 408]),
        post("/realms/{realm}/journal/assert", "Judges an assertion", of::<Assertion>, of::<AssertionResult>)
            .refusing(&[400, 404]),
        get("/realms/{realm}/families", "The family tree of refresh tokens", of::<FamiliesView>)
            .asking(of::<FamilyFilter>),
    ]
}

/// The document.
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for call in calls() {
        let operation = call.operation(&mut generator);
        let path = paths.entry(call.path).or_insert_with(|| json!({}));
        path[call.method] = operation;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Regrant mock-provider: control API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Times are milliseconds since the Unix epoch; lengths of time are words: 500ms, 90s, 15m, 1h, 7d.",
        },
        "servers": [{"url": "/_regrant"}],
        "paths": paths,
        "components": {"schemas": generator.take_definitions(false)},
    })
}

impl Call {
    fn operation(&self, generator: &mut SchemaGenerator) -> Value {
        let mut responses = json!({"200": response(self.about, &(self.answer)(generator))});
        let in_realm = self.path.contains("{realm}");
        let bad_name = (in_realm && !self.refusals.contains(&400)).then_some(400);
        for status in self.refusals.iter().copied().chain(bad_name) {
            responses[status.to_string()] = response(refusal(status), &of::<ErrorBody>(generator));
        }
        let mut operation = json!({
            "operationId": self.id(),
            "summary": self.about,
            "parameters": self.parameters(generator),
            "responses": responses,
        });
        if let Some(body) = self.body {
            operation["requestBody"] =
                json!({"required": true, "content": {"application/json": {"schema": body(generator)}}});
        }
        operation
    }

    fn id(&self) -> String {
        let words = self.path.split(['/', '{', '}', '.']).filter(|word| !word.is_empty());
        [self.method].into_iter().chain(words).collect::<Vec<_>>().join("_")
    }

    fn parameters(&self, generator: &mut SchemaGenerator) -> Vec<Value> {
        let in_path = self.path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
        let mut parameters: Vec<Value> = in_path.map(path_parameter).collect();
        let Some(query) = self.query else { return parameters };
        let schema = query(generator);
        let resolved = resolve(generator, &schema);
        let members = resolved.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        parameters.extend(members.into_iter().map(
            |(name, schema)| json!({"name": name, "in": "query", "required": false, "schema": without_null(schema)}),
        ));
        parameters
    }
}

fn path_parameter(name: &str) -> Value {
    let schema = match name {
        "realm" => json!({"type": "string", "pattern": "^[A-Za-z0-9_.-]{0,99}[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}$"}),
        "label" => json!({"type": "string", "pattern": "^(at|rt|code|id)#[1-9][0-9]{0,8}$"}),
        _ => json!({"type": "string"}),
    };
    json!({"name": name, "in": "path", "required": true, "schema": schema})
}

/// The definition behind a reference.
fn resolve(generator: &SchemaGenerator, schema: &Schema) -> Value {
    let name = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
    let found = name.and_then(|name| generator.definitions().get(name));
    found.cloned().unwrap_or_else(|| schema.clone().to_value())
}

/// A query parameter is absent rather than null.
fn without_null(mut schema: Value) -> Value {
    if let Some(kinds) = schema.get("type").and_then(Value::as_array) {
        let kinds: Vec<Value> = kinds.iter().filter(|kind| *kind != "null").cloned().collect();
        schema["type"] = if kinds.len() == 1 { kinds[0].clone() } else { kinds.into() };
    }
    let choices = schema.get("anyOf").and_then(Value::as_array).cloned();
    match choices.map(|choices| choices.into_iter().filter(|choice| choice["type"] != "null").collect::<Vec<_>>()) {
        Some(choices) if choices.len() == 1 => choices[0].clone(),
        _ => schema,
    }
}

fn response(about: &str, schema: &Schema) -> Value {
    json!({"description": about, "content": {"application/json": {"schema": schema}}})
}

const fn refusal(status: u16) -> &'static str {
    match status {
        404 => "There is no such thing",
        408 => "It took too long",
        409 => "There is one already",
        _ => "The call makes no sense",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_document_is_the_one_of_the_types() {
        let committed: Value = serde_json::from_str(include_str!("../openapi.json")).unwrap();
        assert!(
            committed == document(),
            "run: cargo run -p mock-provider --features schema --example openapi > mock-provider/openapi.json"
        );
    }

    #[test]
    fn no_two_operations_have_the_same_id() {
        let ids: std::collections::BTreeSet<String> = calls().iter().map(Call::id).collect();
        assert_eq!(ids.len(), calls().len());
    }
}
