//! What has no quotes, and the platform's reader of YAML takes for something else.

use crate::check::code::Code;
use crate::check::configuration::Kind;
use crate::check::gateway::cursor::{Cursor, Origin};
use crate::check::gateway::findings::Findings;
use crate::check::gateway::subject::Subject;
use crate::check::gateway::surroundings::Surroundings;
use crate::check::input::Input;
use crate::document::file::Notation;
use crate::document::node::{Span, Value};
use crate::document::readers::{Reader, Scalar, TextTag, is_exact};
use crate::document::source::Source;
use std::collections::HashSet;

/// Resources that something is taken from.
const KINDS: [&str; 15] = [
    "Backend",
    "BackendTLSPolicy",
    "DestinationRule",
    "EnvoyExtensionPolicy",
    "EnvoyFilter",
    "EnvoyPatchPolicy",
    "EnvoyProxy",
    "GRPCRoute",
    "Gateway",
    "HTTPRoute",
    "Service",
    "ServiceEntry",
    "TrafficExtension",
    "VirtualService",
    "WasmPlugin",
];

pub(super) fn look(
    input: &Input,
    subjects: &[Subject<'_>],
    surroundings: &Surroundings<'_>,
    findings: &mut Findings<'_>,
) {
    let sources: Vec<Source> = input.files.iter().map(|file| Source::new(&file.text)).collect();
    let apart = input.configurations.iter().map(|one| (one.document, &*one.path)).collect();
    let written = |document: usize, readers: &[Reader]| Written::new(input, &sources, &apart, document, readers);
    let mut holders: HashSet<(usize, &str)> = HashSet::new();
    for subject in subjects {
        holders.extend(subject.resource.as_ref().map(|resource| (subject.document, &*resource.object.path)));
        let is_text = subject.kind != Kind::Plain && subject.way.last().is_some_and(|holder| holder.text().is_some());
        // JSON text is handed over as it is.
        let Some(root) = subject.root.as_ref().filter(|_| !is_text) else { continue };
        let written = written(subject.document, readers(subject.kind));
        written.into_iter().for_each(|written| written.visit(root, true, findings));
    }
    for resource in surroundings.resources.iter().filter(|resource| KINDS.contains(&resource.kind)) {
        let Origin::Document(index) = resource.object.origin else { continue };
        let is_holder = holders.contains(&(index, &*resource.object.path));
        let written = written(index, &[Reader::Kubectl]);
        written.into_iter().for_each(|written| written.visit(&resource.object, is_holder, findings));
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

/// A document in the text that it is read from.
struct Written<'a> {
    source: &'a Source,
    notation: &'a Notation,
    /// Whose YAML it is; nobody's if it is JSON.
    readers: Vec<Reader>,
    /// The configurations in documents, which are looked at by themselves.
    apart: &'a HashSet<(usize, &'a str)>,
}

impl<'a> Written<'a> {
    fn new(
        input: &'a Input,
        sources: &'a [Source],
        apart: &'a HashSet<(usize, &'a str)>,
        document: usize,
        readers: &[Reader],
    ) -> Option<Self> {
        let document = input.documents.get(document)?;
        let name = &input.files.get(document.file)?.name;
        let is_json = matches!(document.notation, Notation::Json);
        let readers = readers.iter().copied().filter(|reader| !is_json || reader.takes_for_yaml(name)).collect();
        Some(Self { source: sources.get(document.file)?, notation: &document.notation, readers, apart })
    }

    /// Looks at keys that stand for what is merged, and `thoroughly` at everything.
    fn visit(&self, at: &Cursor<'_>, thoroughly: bool, findings: &mut Findings<'_>) {
        if matches!(at.origin, Origin::Document(index) if self.apart.contains(&(index, &*at.path))) {
            return;
        }
        for (member, value) in at.members() {
            let key = Cursor { span: member.key_span, ..value.clone() };
            if let Some((message, hint)) = self.other_key(member.key_span, thoroughly) {
                findings.add(Code::ReadOtherwise, &key, message, hint);
            }
            self.visit(&value, thoroughly, findings);
        }
        at.elements().for_each(|element| self.visit(&element, thoroughly, findings));
        if thoroughly && !matches!(at.node.value, Value::Array(_) | Value::Object(_)) {
            self.look_at_scalar(at, findings);
        }
    }

    /// What becomes of a key, and what to do about it.
    fn other_key(&self, span: Span, thoroughly: bool) -> Option<(&'static str, &'static str)> {
        let text = self.text(span);
        let mut readers = self.readers_of(span);
        if text == "<<" && readers.clone().any(Reader::merges) {
            let message = "kubectl puts the members of this value beside the key: they are not looked at there";
            return Some((message, "write them out in its place"));
        }
        let is_other = thoroughly && readers.any(|reader| reader.other_key(&text));
        is_other.then_some(("kubectl reads another key here", "put it in quotes"))
    }

    fn look_at_scalar(&self, at: &Cursor<'_>, findings: &mut Findings<'_>) {
        let text = self.text(at.node.span);
        if text.starts_with(['"', '\'', '|', '>']) {
            return;
        }
        if let Some(message) = self.otherwise(&text, at) {
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
    fn otherwise(&self, text: &str, at: &Cursor<'_>) -> Option<String> {
        let number = if let Value::Number(number) = &at.node.value { number.as_i128() } else { None };
        // Numbers of a configuration are `double`s on their way to the filter.
        let is_configuration = matches!(at.origin, Origin::Configuration(_));
        if self.readers.is_empty() {
            let is_rounded = is_configuration && number.is_some_and(|number| !is_exact(number));
            return is_rounded
                .then(|| "numbers above 9007199254740992 lose digits on their way to the filter".to_owned());
        }
        let is_kept = |reader: &Reader| {
            !is_configuration && number.is_some_and(|number| reader.scalar(text) == Scalar::Integer(number))
        };
        let others = self.readers_of(at.node.span).filter(|reader| !reader.agrees(text, &at.node.value));
        let others = others.filter(|reader| !is_kept(reader));
        let phrases: Vec<String> =
            others.map(|reader| format!("{} reads {} here", reader.name(), reader.scalar(text))).collect();
        (!phrases.is_empty()).then(|| phrases.join(", "))
    }

    /// Those that no tag tells that this is a text.
    fn readers_of(&self, span: Span) -> impl Iterator<Item = Reader> + Clone {
        let tag = if let Notation::Yaml(tags) = self.notation { tags.get(&span.start).copied() } else { None };
        self.readers.iter().copied().filter(move |reader| !tag.is_some_and(|tag: TextTag| reader.heeds(tag)))
    }

    fn text(&self, span: Span) -> String {
        self.source.between(self.source.index(span.start), self.source.index(span.end)).iter().collect()
    }
}
