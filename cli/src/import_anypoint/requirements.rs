//! What the parameters of a policy ask for: numbers, contracts, scopes, headers.

use super::change::Kind;
use super::limits::{self, Limit};
use super::number;
use super::parameters::{Parameters, Paths};
use super::policy::PolicyKind;
use super::scopes::{self, Scopes};
use crate::document::node::{Node, Value};

impl Parameters<'_, '_> {
    /// A parameter that is a number, as it is here.
    pub fn limit(&mut self, limit: &Limit, paths: &Paths) -> i64 {
        let path = if limit.path.starts_with("cache") {
            limit.path.into()
        } else {
            format!("{}.{}", paths.provider, limit.path)
        };
        let Limit { name, default, unit, besides, .. } = limit;
        let Some((node, at)) = self.find(name) else {
            let value = limit.apply(*default).value;
            self.absent(name, &path, format!("{default} {unit} there; {} is written out{besides}", limit.shown(value)));
            return value;
        };
        let Some(number) = number::whole(node) else {
            let value = limit.apply(*default).value;
            let message = format!("is no whole number: the default there counts, {default} {unit}");
            self.note(Kind::Meaning, (at, name), &path, message);
            return value;
        };
        let limited = limit.apply(number);
        let shown = limit.shown(limited.value);
        if limited.was_endless {
            self.note(
                Kind::Meaning,
                (at, name),
                &path,
                format!("{number} stands for no limit; the longest here is {shown}"),
            );
        } else if limited.was_outside {
            let message = format!("{number} {unit} is not possible here: the nearest is {shown}");
            self.note(Kind::Meaning, (at, name), &path, message);
        } else if limit.is_duration {
            self.note(Kind::Unit, (at, name), &path, format!("{number} {unit} there is {shown} here{besides}"));
        }
        if !limit.is_duration && limited.value == 0 {
            self.note(
                Kind::Meaning,
                (at, name),
                &path,
                "nothing is kept; requests with one token still share a call under way",
            );
        }
        limited.value
    }

    /// How long good answers are kept, and how many.
    pub fn cache(&mut self, paths: &Paths) -> (i64, i64) {
        match self.policy.kind {
            PolicyKind::Introspection => (self.limit(&limits::TTL, paths), self.limit(&limits::ENTRIES, paths)),
            PolicyKind::OpenIdConnect => {
                let ttl = self.limit(&limits::FEDERATION_TTL, paths);
                let at = self.find(limits::FEDERATION_TTL.name).map_or(self.policy.config_at(), |(_, at)| at);
                let message = "an answer without exp is not kept there; here it is, for max_ttl";
                self.note(Kind::Meaning, (at, limits::FEDERATION_TTL.name), limits::FEDERATION_TTL.path, message);
                (ttl, self.limit(&limits::SIZE, paths))
            }
        }
    }

    /// Whether the client needs a contract.
    pub fn contract(&mut self, paths: &Paths, has_source: bool) -> bool {
        const NAME: &str = "skipClientIdValidation";
        let path = paths.rule("contract");
        let found = self.find(NAME);
        let skips = match found.map(|(node, at)| (number::flag(node), at)) {
            Some((Some(skips), _)) => skips,
            Some((None, at)) => {
                self.note(Kind::Meaning, (at, NAME), &path, "is neither true nor false: a contract is required");
                false
            }
            None => {
                let skips = self.policy.kind == PolicyKind::OpenIdConnect;
                let message = if skips { "true there: contract: none" } else { "not said: a contract is required" };
                self.absent(NAME, &path, message);
                skips
            }
        };
        if !skips && !has_source {
            let at = found.map_or(self.policy.config_at(), |(_, at)| at);
            let message = "there are no contracts yet, so everybody is refused: see --contracts-url and --contracts";
            self.note(Kind::Meaning, (at, NAME), "contracts", message);
        }
        !skips
    }

    /// The member that names the client, if the policy says which.
    pub fn consumer(&mut self, paths: &Paths) -> Option<&'static str> {
        const NAME: &str = "consumerBy";
        if self.policy.kind == PolicyKind::OpenIdConnect {
            return None;
        }
        let path = format!("{}.claims.client_id", paths.provider);
        let Some((node, at)) = self.find(NAME) else {
            self.absent(NAME, &path, "not said: client_id is written out");
            return Some("client_id");
        };
        match node.text().map(str::trim) {
            Some("client_id" | "clientId") => Some("client_id"),
            Some("username") => Some("username"),
            _ => {
                self.note(Kind::Meaning, (at, NAME), &path, "is neither client_id nor username: client_id counts");
                Some("client_id")
            }
        }
    }

    /// Whether the upstream receives the token's properties.
    pub fn expose(&mut self, paths: &Paths) -> bool {
        const NAME: &str = "exposeHeaders";
        let Some((node, at)) = self.find(NAME) else { return false };
        match number::flag(node) {
            Some(true) => {
                let message = "scope and exp are sent too, and names are in lower case";
                self.note(Kind::Meaning, (at, NAME), &format!("{}.upstream.claims_prefix", paths.api), message);
                true
            }
            Some(false) => false,
            None => {
                self.note(Kind::Meaning, (at, NAME), "", "is neither true nor false: nothing is sent");
                false
            }
        }
    }

    /// The scopes that a token must have.
    pub fn scopes(&mut self, paths: &Paths) -> Scopes {
        let path = paths.rule("scopes");
        let Some((node, at)) = self.find("scopes") else {
            self.absent("scopes", &path, "none there; that is written out");
            return Scopes::All(Vec::new());
        };
        let text = match &node.value {
            Value::Text(text) => Some(text.to_string()),
            Value::Array(elements) => {
                let texts: Option<Vec<&str>> = elements.iter().map(Node::text).collect();
                texts.map(|texts| texts.join(" "))
            }
            _ => None,
        };
        let Some(scopes) = text.as_deref().and_then(scopes::split) else {
            // Left out, it would let everybody pass.
            self.notes.fault(at, "scopes must be a text of scopes, separated by spaces or commas");
            return Scopes::All(Vec::new());
        };
        if scopes.is_empty() { Scopes::All(scopes) } else { self.criteria(scopes, &path) }
    }

    fn criteria(&mut self, scopes: Vec<String>, path: &str) -> Scopes {
        const NAME: &str = "scopeValidationCriteria";
        let Some((node, at)) = self.find(NAME) else {
            self.absent(NAME, path, "AND there: all is written out");
            return Scopes::All(scopes);
        };
        match node.text().map(|text| text.trim().to_ascii_uppercase()).as_deref() {
            Some("AND") => Scopes::All(scopes),
            Some("OR") => Scopes::Any(scopes),
            _ => {
                self.note(Kind::Meaning, (at, NAME), path, "is neither AND nor OR: all scopes are required");
                Scopes::All(scopes)
            }
        }
    }
}
