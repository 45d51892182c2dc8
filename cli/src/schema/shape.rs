//! The schema of values of a shape.

use serde_json::{Value, json};
use tessera_core::config::shape::Shape;

/// `section` makes the schema of the section that stands at a path.
pub fn schema(shape: &Shape, path: &str, section: &dyn Fn(&str) -> Value) -> Value {
    match shape {
        Shape::Boolean => json!({"type": "boolean"}),
        Shape::Integer(from, to) => json!({"type": "integer", "minimum": from, "maximum": to}),
        Shape::Duration(from, _) if from.is_zero() => json!({"type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$"}),
        Shape::Duration(_, _) => json!({"type": "string", "pattern": "^0*[1-9][0-9]*(ms|s|m|h|d)$"}),
        Shape::Word(words) => json!({"enum": words}),
        Shape::Text(pattern) => json!({"type": "string", "pattern": pattern}),
        Shape::Secret(pattern) => {
            json!({"anyOf": [{"type": "string", "pattern": pattern}, {"$ref": "#/$defs/secret"}]})
        }
        Shape::Scalar => json!({"type": ["string", "number", "boolean"]}),
        Shape::Array { element, filled, distinct } => {
            let items = schema(element, &format!("{path}[]"), section);
            let mut array = json!({"type": "array", "items": items});
            if let Value::Object(members) = &mut array {
                if *filled {
                    members.insert("minItems".into(), 1.into());
                }
                if *distinct {
                    members.insert("uniqueItems".into(), true.into());
                }
            }
            array
        }
        Shape::Map { names, values } => json!({
            "type": "object",
            "propertyNames": {"pattern": names},
            "additionalProperties": schema(values, path, section),
        }),
        Shape::Section => section(path),
        Shape::Object => json!({"type": "object"}),
        Shape::Nullable(inner) => json!({"anyOf": [schema(inner, path, section), {"type": "null"}]}),
    }
}
