//! The JSON Schema of scenario files, made from the types that read them.

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
