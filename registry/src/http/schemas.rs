//! Descriptions of JSON values for OpenAPI, made from the types that are shown.

use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// The parts that descriptions refer to, by name.
#[derive(Default)]
pub struct Schemas(Map<String, Value>);

impl Schemas {
    pub fn into_parts(self) -> Map<String, Value> {
        self.0
    }

    /// A thing as it is shown.
    pub fn shown<T: ToSchema>(&mut self) -> Value {
        let name = self.add::<T>();
        reference(&name)
    }

    /// The body that makes a thing: all that it shows and is not made here; these members must be there.
    pub fn creation<T: ToSchema>(&mut self, required: &[&str]) -> Value {
        let members = self.members::<T>(&[]);
        self.body(&format!("New{}", plain(&T::name())), members, required)
    }

    /// The merge patch that changes a thing, but not these members.
    pub fn change<T: ToSchema>(&mut self, fixed: &[&str]) -> Value {
        let members = self.members::<T>(fixed);
        self.body(&format!("{}Change", plain(&T::name())), members, &[])
    }

    /// An object with no other members than these.
    pub fn body(&mut self, name: &str, members: Map<String, Value>, required: &[&str]) -> Value {
        let mut object = json!({"type": "object", "properties": members, "additionalProperties": false});
        if let (false, Some(object)) = (required.is_empty(), object.as_object_mut()) {
            object.insert("required".into(), json!(required));
        }
        self.0.insert(name.to_owned(), object);
        reference(name)
    }

    fn add<T: ToSchema>(&mut self) -> String {
        let mut parts = Vec::new();
        T::schemas(&mut parts);
        parts.push((T::name().into_owned(), T::schema()));
        for (name, part) in parts {
            let mut part = serde_json::to_value(part).unwrap_or_default();
            let members = part.get_mut("properties").and_then(Value::as_object_mut);
            members.into_iter().flat_map(|members| members.values_mut()).for_each(mark_whole);
            self.0.insert(name, part);
        }
        T::name().into_owned()
    }

    /// Of a body: those that are not made here, but these.
    pub fn members<T: ToSchema>(&mut self, left_out: &[&str]) -> Map<String, Value> {
        let name = self.add::<T>();
        let members = self.0.get(&name).and_then(|part| part.get("properties")).and_then(Value::as_object);
        let is_taken = |(name, member): &(&String, &Value)| {
            member.get("readOnly") != Some(&Value::Bool(true)) && !left_out.contains(&name.as_str())
        };
        let taken = members.into_iter().flatten().filter(is_taken);
        taken.map(|(name, member)| (name.clone(), member.clone())).collect()
    }
}

/// What is made here is an array, and not its items.
fn mark_whole(member: &mut Value) {
    let items = member.get_mut("items").and_then(Value::as_object_mut);
    if let (Some(mark), Some(member)) = (items.and_then(|items| items.remove("readOnly")), member.as_object_mut()) {
        member.insert("readOnly".into(), mark);
    }
}

/// Without what tells the shown form from the thing.
fn plain(name: &str) -> &str {
    name.strip_suffix("View").unwrap_or(name)
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}
