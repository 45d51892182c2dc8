//! Markdown as this project writes it: fenced blocks that say what they are, tables, code between backticks.

use serde_json::{Map, Value};
use yaml_rust2::{Yaml, YamlLoader};

/// A fenced block, and the text from there to the next one.
pub struct Block {
    pub place: String,
    pub language: String,
    pub kind: String,
    pub text: String,
    pub after: String,
}

/// The fenced blocks of the document of this name.
pub fn blocks(name: &str, text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        if let Some(info) = line.strip_prefix("```") {
            inside = !inside;
            if inside {
                let (language, kind) = info.split_once(' ').unwrap_or((info, ""));
                let place = format!("{name}:{}", number + 1);
                let (language, kind) = (language.to_owned(), kind.to_owned());
                blocks.push(Block { place, language, kind, text: String::new(), after: String::new() });
            }
        } else if let Some(block) = blocks.last_mut() {
            let text = if inside { &mut block.text } else { &mut block.after };
            text.push_str(line);
            text.push('\n');
        }
    }
    assert!(!inside, "{name}: a block does not end");
    blocks
}

impl Block {
    /// The one value in it.
    pub fn value(&self) -> Value {
        match self.language.as_str() {
            "json" => serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{}: {error}", self.place)),
            _ => yaml(&self.text, &self.place),
        }
    }

    /// Header and payload of a token.
    pub fn token(&self) -> (Value, Value) {
        let values = serde_json::Deserializer::from_str(&self.text).into_iter::<Value>();
        let values: Vec<Value> =
            values.collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{}: {error}", self.place));
        let [header, payload] = <[Value; 2]>::try_from(values).unwrap_or_else(|_| panic!("{}: no token", self.place));
        (header, payload)
    }
}

/// The cells of the first table whose head begins so; none without one.
pub fn rows(text: &str, head: &str) -> Vec<Vec<String>> {
    let lines = text.lines().skip_while(|line| !line.starts_with(head)).skip(2);
    lines
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

/// What stands between backticks.
pub fn code_spans(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The one document of a YAML text.
pub fn yaml(text: &str, place: &str) -> Value {
    let documents = YamlLoader::load_from_str(text).unwrap_or_else(|error| panic!("{place}: {error}"));
    assert_eq!(documents.len(), 1, "{place}");
    to_json(&documents[0], place)
}

fn to_json(yaml: &Yaml, place: &str) -> Value {
    match yaml {
        Yaml::Null => Value::Null,
        Yaml::Boolean(flag) => (*flag).into(),
        Yaml::Integer(number) => (*number).into(),
        Yaml::Real(_) => yaml.as_f64().expect("a number").into(),
        Yaml::String(text) => text.as_str().into(),
        Yaml::Array(elements) => elements.iter().map(|element| to_json(element, place)).collect(),
        Yaml::Hash(members) => {
            let member = |(name, value): (&Yaml, &Yaml)| {
                (name.as_str().unwrap_or_else(|| panic!("{place}: {name:?}")).to_owned(), to_json(value, place))
            };
            Value::Object(members.iter().map(member).collect::<Map<_, _>>())
        }
        Yaml::Alias(_) | Yaml::BadValue => panic!("{place}: not a plain value"),
    }
}
