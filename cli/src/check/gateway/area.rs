//! Which requests a route is for, and whether an API may match some of them.

use super::cursor::Cursor;
use tessera_core::base::http::split_port;
use tessera_core::policy::hosts::HostPattern;
use tessera_core::policy::paths::PathPattern;

/// The requests that a route is for, or more.
#[derive(Clone, Debug)]
pub struct Area<'a> {
    /// Names, `*.name`, `name.*`; empty for every host.
    pub hosts: Vec<&'a str>,
    /// Any of these.
    pub paths: Vec<PathArea>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathArea {
    Any,
    Exact(String),
    Prefix(String),
    /// This path, and those with further segments.
    Segments(String),
}

impl PathArea {
    /// The paths that begin as all do that the expression matches.
    pub fn of_regex(expression: &str) -> Self {
        let expression = expression.strip_prefix('^').unwrap_or(expression);
        if expression.contains('|') {
            return Self::Any;
        }
        let end = expression.find(|letter| ".^$*+?()[]{}\\".contains(letter)).unwrap_or(expression.len());
        let (literal, rest) = expression.split_at_checked(end).unwrap_or((expression, ""));
        let mut literal = literal.to_owned();
        if rest.starts_with(['*', '?', '{']) {
            literal.pop();
        }
        if rest.is_empty() { Self::Exact(literal) } else { Self::Prefix(literal) }
    }

    fn overlaps(&self, pattern: &PathPattern) -> bool {
        let longer = |path: &str, segments: &str| path.strip_prefix(segments).is_some_and(|rest| rest.starts_with('/'));
        let has_segments = |path: &str, segments: &str| path == segments || longer(path, segments);
        match (self, pattern) {
            (Self::Any, _) => true,
            (Self::Exact(path), pattern) => pattern.matches(path.as_bytes()),
            (Self::Prefix(prefix), PathPattern::Exact(path)) => path.starts_with(&**prefix),
            (Self::Prefix(prefix), PathPattern::Prefix(other)) => {
                prefix.starts_with(&**other) || other.starts_with(&**prefix)
            }
            (Self::Segments(segments), PathPattern::Exact(path)) => has_segments(path, segments),
            (Self::Segments(segments), PathPattern::Prefix(prefix)) => {
                segments.starts_with(&**prefix) || longer(prefix, segments)
            }
        }
    }
}

/// The requests that an API matches. Patterns that cannot be read are mistakes of their own, and match everything here.
#[derive(Debug)]
pub struct Guard {
    hosts: Vec<HostPattern>,
    paths: Vec<PathPattern>,
}

impl Guard {
    pub fn of(api: &Cursor<'_>) -> Self {
        Self {
            hosts: patterns(api, "hosts", HostPattern::parse).unwrap_or_default(),
            paths: patterns(api, "paths", PathPattern::parse).unwrap_or_default(),
        }
    }
}

/// What is listed there; `None` where that leaves nothing out.
fn patterns<T, E>(api: &Cursor<'_>, key: &str, parse: fn(&str) -> Result<T, E>) -> Option<Vec<T>> {
    let list = api.dig(&["match", key])?;
    list.elements().filter_map(|element| element.text()).map(|text| parse(text).ok()).collect()
}

impl Area<'_> {
    /// Whether one of these APIs may match a request of it.
    pub fn is_guarded(&self, apis: &[Guard]) -> bool {
        let domains: Vec<String> = self.hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
        let domains: Vec<&str> = domains.iter().map(|host| split_port(host).0).collect();
        let at_path = |pattern: &PathPattern| self.paths.iter().any(|area| area.overlaps(pattern));
        let at_host = |pattern: &HostPattern| domains.is_empty() || domains.iter().any(|domain| is_at(pattern, domain));
        apis.iter().any(|api| {
            (api.paths.is_empty() || api.paths.iter().any(at_path))
                && (api.hosts.is_empty() || api.hosts.iter().any(at_host))
        })
    }
}

/// Whether a host may be both of this domain, which is in lower case and has no port, and of the API's.
fn is_at(pattern: &HostPattern, domain: &str) -> bool {
    if domain == "*" {
        return true;
    }
    match (pattern, domain.strip_prefix('*'), domain.strip_suffix('*')) {
        (HostPattern::Exact(host), Some(suffix), _) => host.len() > suffix.len() && host.ends_with(suffix),
        (HostPattern::Exact(host), None, Some(prefix)) => host.len() > prefix.len() && host.starts_with(prefix),
        (HostPattern::Exact(host), None, None) => **host == *domain,
        (HostPattern::Below(below), Some(suffix), _) => below.ends_with(suffix) || suffix.ends_with(&**below),
        (HostPattern::Below(_), None, Some(_)) => true,
        (HostPattern::Below(below), None, None) => domain.len() > below.len() && domain.ends_with(&**below),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlaps(area: &PathArea, pattern: &str) -> bool {
        area.overlaps(&PathPattern::parse(pattern).unwrap())
    }

    #[test]
    fn paths_overlap_where_one_request_is_for_both() {
        let exact = PathArea::Exact("/orders/7".to_owned());
        let prefix = PathArea::Prefix("/orders".to_owned());
        let segments = PathArea::Segments("/orders".to_owned());
        for (area, pattern, expected) in [
            (&exact, "/orders/", true),
            (&exact, "/orders/7", true),
            (&exact, "/orders/8", false),
            (&prefix, "/orders/", true),
            (&prefix, "/o*", true),
            (&prefix, "/ordersX", true),
            (&prefix, "/users/", false),
            (&segments, "/orders", true),
            (&segments, "/orders/", true),
            (&segments, "/orders/7", true),
            (&segments, "/orders*", true),
            (&segments, "/ordersX", false),
            (&segments, "/ordersX*", false),
            (&segments, "*", true),
            (&PathArea::Any, "/x", true),
        ] {
            assert_eq!(overlaps(area, pattern), expected, "{area:?} {pattern}");
        }
    }

    #[test]
    fn of_an_expression_its_beginning_counts() {
        for (expression, area) in [
            ("/orders/.*", PathArea::Prefix("/orders/".to_owned())),
            ("^/orders$", PathArea::Prefix("/orders".to_owned())),
            ("/orders/?", PathArea::Prefix("/orders".to_owned())),
            ("/orders", PathArea::Exact("/orders".to_owned())),
            ("/a|/b", PathArea::Any),
            ("/v\\d+/x", PathArea::Prefix("/v".to_owned())),
        ] {
            assert_eq!(PathArea::of_regex(expression), area, "{expression}");
        }
    }

    #[test]
    fn hosts_overlap_where_one_name_is_of_both() {
        for (pattern, domain, expected) in [
            ("api.example.com", "API.example.com:8080", true),
            ("api.example.com", "*.example.com", true),
            ("api.example.com", "api.*", true),
            ("api.example.com", "*", true),
            ("api.example.com", "www.example.com", false),
            ("example.com", "*.example.com", false),
            ("*.example.com", "api.example.com:*", true),
            ("*.example.com", "*.a.example.com", true),
            ("*.a.example.com", "*.example.com", true),
            ("*.example.com", "*.example.org", false),
            ("*.example.com", "example.com", false),
        ] {
            let area = Area { hosts: vec![domain], paths: vec![PathArea::Any] };
            let guard = Guard { hosts: vec![HostPattern::parse(pattern).unwrap()], paths: Vec::new() };
            assert_eq!(area.is_guarded(&[guard]), expected, "{pattern} {domain}");
        }
    }
}
