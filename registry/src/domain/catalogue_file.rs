//! The file that says what a catalogue has to be: TOML, with the members that the API has, and secrets by reference.

use serde_json::{Map, Number, Value};

use crate::domain::members::{Members, Object, Reading};
use crate::domain::principal::DEFAULT_ORGANISATION;
use crate::domain::reader::{array, slug, wrong};

/// Most things of one kind.
const MAX_ITEMS: usize = 100_000;

/// The arrays of a file, each item as it would be sent to the API. Credentials are in the clear: it has no `Debug`.
pub struct CatalogueFile {
    pub organisation: String,
    pub groups: Vec<Object>,
    pub environments: Vec<Object>,
    pub providers: Vec<Object>,
    /// Each with its tiers.
    pub apis: Vec<(Object, Vec<Object>)>,
}

/// Reads a secret of the form `{env = "NAME"}` or `{file = "PATH"}`, or says what is wrong with it.
pub type SecretOf<'a> = &'a dyn Fn(&toml::Value) -> Result<String, String>;

impl CatalogueFile {
    /// # Errors
    /// What is wrong, each as `path: problem`.
    pub fn parse(text: &str, secret: SecretOf<'_>) -> Result<Self, Vec<String>> {
        let table: toml::Table = text.parse().map_err(|error| vec![not_toml(text, &error)])?;
        let mut problems = Vec::new();
        let object = Json { secret, problems: &mut problems }.object("", &table);
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut members = Members::of_new(&object);
        let mut file = Self {
            organisation: String::new(),
            groups: Vec::new(),
            environments: Vec::new(),
            providers: Vec::new(),
            apis: Vec::new(),
        };
        members.optional("organisation", &mut file.organisation, DEFAULT_ORGANISATION.to_owned(), slug);
        for (name, items) in
            [("groups", &mut file.groups), ("environments", &mut file.environments), ("providers", &mut file.providers)]
        {
            members.optional(name, items, Vec::new(), array(0..=MAX_ITEMS, item));
        }
        members.optional("apis", &mut file.apis, Vec::new(), array(0..=MAX_ITEMS, api));
        match members.finish_part() {
            Ok(()) => Ok(file),
            Err(faults) => Err(faults.iter().map(|fault| problem(&fault.pointer, &fault.detail)).collect()),
        }
    }
}

fn item(value: &Value) -> Reading<Object> {
    value.as_object().map_or_else(|| wrong("must be a table"), |object| Ok(object.clone()))
}

fn api(value: &Value) -> Reading<(Object, Vec<Object>)> {
    let mut api = item(value)?;
    let mut only_tiers = Map::new();
    only_tiers.extend(api.remove_entry("tiers"));
    let (mut members, mut tiers) = (Members::of_new(&only_tiers), Vec::new());
    members.optional("tiers", &mut tiers, Vec::new(), array(0..=MAX_ITEMS, item));
    members.finish_part().map(|()| (api, tiers))
}

/// A fault as a line: `apis[0].tiers[1].id: is required`.
pub fn problem(pointer: &str, detail: &str) -> String {
    let mut path = String::new();
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        match part.parse::<usize>() {
            Ok(index) => path.push_str(&format!("[{index}]")),
            Err(_) if path.is_empty() => path.push_str(&part),
            Err(_) => path.push_str(&format!(".{part}")),
        }
    }
    format!("{path}: {detail}")
}

/// Without the line itself, which may have a secret.
fn not_toml(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    format!("line {}: {}", before.matches('\n').count().saturating_add(1), error.message())
}

/// TOML as JSON.
struct Json<'a> {
    secret: SecretOf<'a>,
    problems: &'a mut Vec<String>,
}

impl Json<'_> {
    fn object(&mut self, path: &str, table: &toml::Table) -> Object {
        let path_of = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        table.iter().map(|(name, value)| (name.clone(), self.member(&path_of(name), name, value))).collect()
    }

    fn member(&mut self, path: &str, name: &str, value: &toml::Value) -> Value {
        if name != "credential" {
            return self.value(path, value);
        }
        (self.secret)(value).map_or_else(|why| self.no_value(path, &why), Value::String)
    }

    fn value(&mut self, path: &str, value: &toml::Value) -> Value {
        match value {
            toml::Value::String(text) => Value::String(text.clone()),
            toml::Value::Integer(number) => Value::Number(Number::from(*number)),
            toml::Value::Boolean(is) => Value::Bool(*is),
            toml::Value::Array(items) => {
                let items = items.iter().enumerate();
                Value::Array(items.map(|(index, item)| self.value(&format!("{path}[{index}]"), item)).collect())
            }
            toml::Value::Table(table) => Value::Object(self.object(path, table)),
            toml::Value::Float(_) | toml::Value::Datetime(_) => {
                self.no_value(path, "must be a string, an integer, a boolean, an array or a table")
            }
        }
    }

    fn no_value(&mut self, path: &str, problem: &str) -> Value {
        self.problems.push(format!("{path}: {problem}"));
        Value::Null
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<CatalogueFile, Vec<String>> {
        CatalogueFile::parse(text, &|value| match value.get("env") {
            Some(name) => Ok(format!("value of {}", name.as_str().unwrap_or_default())),
            None => Err("must be {env} or {file}".to_owned()),
        })
    }

    #[test]
    fn a_file_is_read_with_secrets_by_reference() {
        let file = parse(
            r#"
            [[groups]]
            id = "a"
            [[providers]]
            id = "p"
            introspection = { credential = { env = "SECRET" } }
            [[apis]]
            id = "x"
            tiers = [{ id = "t", limits = [{ requests = 1, period = "1m" }] }]
            "#,
        );
        let file = file.unwrap_or_else(|problems| panic!("{problems:?}"));
        assert_eq!((file.organisation.as_str(), file.groups.len()), ("default", 1));
        assert_eq!(file.providers[0]["introspection"]["credential"], "value of SECRET");
        let (api, tiers) = &file.apis[0];
        assert!(!api.contains_key("tiers") && tiers[0]["limits"][0]["requests"] == 1);
    }

    #[test]
    fn every_problem_has_its_path_and_none_a_secret() {
        let problems = |text| parse(text).map(drop).unwrap_err();
        assert_eq!(
            problems("organisation = 'A B'\ngroups = [1]\nmore = 1\n[[apis]]\ntiers = [{}, 2]\n"),
            [
                "organisation: must be 1 to 63 of a-z, 0-9 and -, not beginning or ending with -",
                "groups[0]: must be a table",
                "apis[0].tiers[1]: must be a table",
                "more: there is no such member",
            ]
        );
        let two = problems("[[providers]]\nintrospection = { credential = 's3cret' }\ntimeout = 1.5\n");
        assert_eq!(two.len(), 2);
        let broken = problems("a = 1\ncredential = \"s3cret\n");
        assert!(broken[0].starts_with("line 2: "), "{broken:?}");
        assert!(!format!("{two:?}{broken:?}").contains("s3cret"));
    }
}
