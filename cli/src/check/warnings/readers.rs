//! Scalars without quotes that the platform's reader of YAML takes for another value.

use crate::check::code::Code;
use crate::check::configuration::Kind;
use crate::check::gateway::cursor::Cursor;
use crate::check::gateway::findings::Findings;
use crate::check::gateway::subject::Subject;
use crate::check::input::Input;
use crate::document::node::{Span, Value};
use crate::document::readers::{Reader, is_exact};
use crate::document::source::Source;

/// A configuration in the text that it is read from.
struct Written<'a> {
    source: &'a Source,
    readers: &'static [Reader],
    is_json: bool,
}

pub(super) fn look(input: &Input, subjects: &[Subject<'_>], findings: &mut Findings<'_>) {
    let sources: Vec<Source> = input.files.iter().map(|file| Source::new(&file.text)).collect();
    for subject in subjects {
        let is_text = subject.kind != Kind::Plain && subject.way.last().is_some_and(|holder| holder.text().is_some());
        let file = input.documents.get(subject.document).map(|document| document.file);
        let file = file.and_then(|index| Some((input.files.get(index)?, sources.get(index)?)));
        // JSON text is handed over as it is.
        let (Some(root), Some((file, source)), false) = (&subject.root, file, is_text) else { continue };
        let written = Written { source, readers: readers(subject.kind), is_json: file.name.ends_with(".json") };
        written.visit(root, findings);
    }
}

/// Whose YAML a document of this kind is.
fn readers(kind: Kind) -> &'static [Reader] {
    match kind {
        // It is put into one of the others.
        Kind::Plain => &[Reader::Envoy, Reader::Kubectl],
        Kind::Envoy => &[Reader::Envoy],
        Kind::WasmPlugin | Kind::TrafficExtension | Kind::EnvoyFilter | Kind::EnvoyExtensionPolicy => {
            &[Reader::Kubectl]
        }
    }
}

impl Written<'_> {
    fn visit(&self, at: &Cursor<'_>, findings: &mut Findings<'_>) {
        for (member, value) in at.members() {
            let key = Cursor { span: member.key_span, ..value.clone() };
            if !self.is_json && self.readers.iter().any(|reader| reader.other_key(&self.text(member.key_span))) {
                findings.add(Code::ReadOtherwise, &key, "kubectl reads another key here", "put it in quotes");
            }
            self.visit(&value, findings);
        }
        at.elements().for_each(|element| self.visit(&element, findings));
        if matches!(at.node.value, Value::Array(_) | Value::Object(_)) {
            return;
        }
        let text = self.text(at.node.span);
        if text.starts_with(['"', '\'', '|', '>']) {
            return;
        }
        if let Some(message) = self.otherwise(&text, &at.node.value) {
            let hint = match at.node.value {
                Value::Text(_) => "put it in quotes",
                _ => {
                    "digits of ten without a leading 0; Envoy has fractions, and numbers above 2147483647, in JSON text only"
                }
            };
            findings.add(Code::ReadOtherwise, at, message, hint);
        }
    }

    /// What is read instead, as a sentence that does not repeat it: it may be a secret.
    fn otherwise(&self, text: &str, value: &Value) -> Option<String> {
        if self.is_json {
            let is_rounded =
                matches!(value, Value::Number(number) if number.as_i128().is_some_and(|number| !is_exact(number)));
            return is_rounded
                .then(|| "numbers above 9007199254740992 lose digits on their way to the filter".to_owned());
        }
        let others = self.readers.iter().filter(|reader| !reader.agrees(text, value));
        let phrases: Vec<String> =
            others.map(|reader| format!("{} reads {} here", reader.name(), reader.scalar(text))).collect();
        (!phrases.is_empty()).then(|| phrases.join(", "))
    }

    fn text(&self, span: Span) -> String {
        self.source.between(self.source.index(span.start), self.source.index(span.end)).iter().collect()
    }
}
