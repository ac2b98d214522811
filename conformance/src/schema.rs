//! The JSON Schema of scenario files, made from the types that read them.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::scenario::Scenario;

/// The schema. Where a value is wanted, `$name` is allowed too.
pub fn scenario_schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<Scenario>().to_value();
    allow_names(&mut schema);
    let steering = json!({
        "variants": {"type": "object", "additionalProperties": {"type": "array", "minItems": 1}, "description": "axes, one case a combination"},
        "params": {"type": "object", "description": "what $names stand for"},
        "row_defaults": {"type": "object", "description": "what rows have unless they say otherwise"},
        "rows": {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["case"]}, "description": "one case a row"},
    });
    if let (Some(properties), Value::Object(steering)) = (schema["properties"].as_object_mut(), steering) {
        properties.extend(steering);
    }
    schema["title"] = "A Regrant scenario".into();
    schema
}

/// The schema of what the runner sends: a line each.
pub fn request_schema() -> Value {
    titled::<adapter_protocol::Request>("A request of the Regrant runner to an adapter")
}

/// The schema of what an adapter answers: a line each. What an `ok` holds depends on the verb; `$defs` has the two that are
/// not plain, `HelloAnswer` and `SessionView`.
pub fn answer_schema() -> Value {
    let mut schema = titled::<adapter_protocol::Reply>("An answer of an adapter to the Regrant runner");
    for (name, mut own) in [
        ("HelloAnswer", titled::<adapter_protocol::HelloAnswer>("HelloAnswer")),
        ("SessionView", titled::<adapter_protocol::SessionView>("SessionView")),
    ] {
        let inner = own.as_object_mut().and_then(|own| own.remove("$defs"));
        let inner = inner.and_then(|inner| inner.as_object().cloned()).unwrap_or_default();
        own.as_object_mut().into_iter().for_each(|own| drop(own.remove("$schema")));
        let definitions = schema["$defs"].as_object().cloned().unwrap_or_default();
        let all = definitions.into_iter().chain(inner).chain([(name.to_owned(), own)]);
        schema["$defs"] = Value::Object(all.collect());
    }
    schema
}

/// The schema of an adapter's `regrant.yaml`.
pub fn manifest_schema() -> Value {
    titled::<crate::manifest::Manifest>("A Regrant adapter")
}

/// The schema of a file of known failures.
pub fn known_schema() -> Value {
    titled::<crate::known::Known>("Known failures of a Regrant target")
}

fn titled<T: JsonSchema>(title: &str) -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value();
    schema["title"] = title.into();
    schema
}

/// Lets `$name` stand for any member of an object.
fn allow_names(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(allow_names),
        Value::Object(members) => {
            members.values_mut().for_each(allow_names);
            if let Some(Value::Object(properties)) = members.get_mut("properties") {
                for property in properties.values_mut() {
                    let wanted = property.take();
                    *property = json!({"anyOf": [wanted, {"type": "string", "pattern": "^\\$"}]});
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
