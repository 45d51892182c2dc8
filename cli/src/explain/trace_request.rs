//! The checks of a request before anybody vouches for its token: where it falls, and which token it has.

use super::check::Passing;
use super::trace::{Found, Step, Trace};
use std::ops::ControlFlow::{Break, Continue};
use std::rc::Rc;
use tessera_core::outcome::Outcome;
use tessera_core::policy::api::{Access, Api, Guard};
use tessera_core::policy::hosts::{self, HostPattern};
use tessera_core::policy::paths::PathPattern;
use tessera_core::policy::selection::{DoubtfulPart, Reads, Selection, Target};
use tessera_core::token::bearer::Bearer;
use tessera_core::token::extract::{TokenError, TokenSettings, TokenSource, extract};

impl Trace<'_, '_> {
    /// `request`, `api` and `operation`.
    pub(super) fn selection(&mut self) -> Step<Guard> {
        let (settings, request) = (Rc::clone(&self.settings), self.request);
        if let Some(target) = settings.resources.target(&self.head)
            && let Some((api, _)) = settings.resources.at(&request.authority, target)
        {
            self.api = Some(api.id.to_string());
            self.ok("request", None, "for the metadata of a protected resource")?;
            let path = self.written.member(&format!("apis[{}]", api.slot), "resource");
            self.ok("api", path, &format!("{}, whose metadata is at this address", api.id))?;
            return Break(Some(Outcome::ResourceMetadata));
        }
        let target = Target { method: &request.method, authority: &request.authority, path: &request.path };
        let path = match settings.policy.read(target) {
            Ok(path) => path,
            Err(part) => {
                let detail = match part {
                    DoubtfulPart::Host => "the host can be read in several ways",
                    DoubtfulPart::Method => "the method differs from a configured one by its case, or is none",
                    DoubtfulPart::Path => "the path can be read in several ways",
                };
                return self.failed("request", None, detail, Outcome::InvalidRequest);
            }
        };
        self.request_is_plain(settings.policy.reads())?;
        let Some(place) = settings.policy.place(target, &path) else {
            if matches!(settings.policy.select(target), Selection::Unmatched) {
                self.ok("api", self.written.member("", "no_match"), "none matches, and such requests pass")?;
                return Break(Some(Outcome::Unmatched));
            }
            let detail = format!("none of {} matches", settings.policy.apis().len());
            return self.failed("api", None, &detail, Outcome::UnknownApi);
        };
        let (api, operation) = (Rc::clone(place.api), place.operation);
        let index = operation.and_then(|found| api.operations.iter().position(|one| std::ptr::eq(one, found)));
        self.place = (api.slot, index);
        self.api = Some(api.id.to_string());
        let matched = matched(&api, hosts::name(&request.authority), &path.compared);
        self.ok(
            "api",
            self.written.member(&format!("apis[{}]", api.slot), "match"),
            &format!("{}, {matched}", api.id),
        )?;
        self.operation(&api, index, operation.is_some_and(|operation| matches!(operation.access, Access::Public)))?;
        match settings.policy.select(target) {
            Selection::Guarded(guard) => Continue(guard),
            // Cannot be: a public operation has ended the walk.
            _ => Break(None),
        }
    }

    fn request_is_plain(&mut self, reads: Reads) -> Step {
        let parts = [(reads.authority, "host"), (reads.path, "path"), (reads.method, "method")];
        let parts: Vec<&str> = parts.into_iter().filter_map(|(wanted, name)| wanted.then_some(name)).collect();
        match parts.is_empty() {
            true => self.skipped("request", None, "every request is judged alike"),
            false => self.ok("request", None, &format!("{} can be read in one way only", parts.join(", "))),
        }
    }

    fn operation(&mut self, api: &Api, index: Option<usize>, is_public: bool) -> Step {
        let path = index.map(|index| format!("apis[{}].operations[{index}]", api.slot));
        match index {
            None if api.operations.is_empty() => self.skipped("operation", None, "the API has none")?,
            None => self.ok("operation", None, "none matches, the API's own rule holds")?,
            Some(index) if is_public => {
                self.ok("operation", path, &format!("number {index} is the first that matches, and public"))?;
                return Break(Some(Outcome::Public));
            }
            Some(index) => self.ok("operation", path, &format!("number {index} is the first that matches"))?,
        }
        Continue(())
    }

    /// `token`.
    pub(super) fn token(&mut self, guard: &Guard) -> Step<Found> {
        let settings = Rc::clone(&self.settings);
        let path = self.written.member("token", "sources");
        let candidate = match extract(&settings.token, &self.head) {
            Ok(candidate) => (candidate.token.into_owned(), candidate.by_dpop),
            Err(TokenError::Missing) if guard.waives_token() => {
                self.note("token", Passing::Ok, self.rule("token"), "none, and none is required");
                return Break(Some(Outcome::Anonymous));
            }
            Err(error) => {
                let by = match error {
                    TokenError::Missing => Outcome::MissingToken,
                    TokenError::Doubtful if !guard.waives_token() => Outcome::MissingToken,
                    _ => Outcome::InvalidRequest,
                };
                return self.failed("token", path, error.text(), by);
            }
        };
        let (token, by_dpop) = candidate;
        let (index, place) = self.source_of(&settings.token, by_dpop);
        let path = path.map(|path| format!("{path}[{index}]"));
        let detail = format!("{place}, {} bytes", token.len());
        match Bearer::parse(&token) {
            Some(token) => {
                self.ok("token", path, &detail)?;
                Continue(Found { token, by_dpop })
            }
            None => {
                let detail = format!("{detail} that are not those of an access token (b64token)");
                self.failed("token", path, &detail, Outcome::InvalidRequest)
            }
        }
    }

    /// Which source has the token, and what it is called.
    fn source_of(&self, settings: &TokenSettings, by_dpop: bool) -> (usize, String) {
        let has = |source: &TokenSource| {
            let alone = TokenSettings { sources: vec![source.clone()], ..settings.clone() };
            extract(&alone, &self.head).is_ok()
        };
        let found = settings.sources.iter().enumerate().find(|(_, source)| has(source));
        let place = match found.map(|(_, source)| source) {
            Some(TokenSource::Header { name, schemes }) => {
                let scheme = if by_dpop { Some("DPoP") } else { schemes.first().map(|scheme| &**scheme) };
                scheme.map_or_else(|| name.to_string(), |scheme| format!("{name}, {scheme}"))
            }
            Some(TokenSource::Query(name)) => format!("query parameter {name}"),
            Some(TokenSource::Cookie(name)) => format!("cookie {name}"),
            None => "found".to_owned(),
        };
        (found.map_or(0, |(index, _)| index), place)
    }
}

/// Which patterns of the API match.
fn matched(api: &Api, host: &[u8], path: &[u8]) -> String {
    let host = api.hosts().iter().find(|pattern| pattern.matches(host)).map_or_else(
        || "every host".to_owned(),
        |pattern| match pattern {
            HostPattern::Exact(name) => format!("host matches {name:?}"),
            HostPattern::Below(suffix) => format!("host matches \"*{suffix}\""),
        },
    );
    let path = api.paths().iter().find(|pattern| pattern.matches(path)).map_or_else(
        || "every path".to_owned(),
        |pattern| match pattern {
            PathPattern::Exact(text) => format!("path matches {text:?}"),
            PathPattern::Prefix(text) if text.ends_with('/') => format!("path matches {text:?}"),
            PathPattern::Prefix(text) => format!("path matches \"{text}*\""),
        },
    );
    format!("{host}, {path}")
}
