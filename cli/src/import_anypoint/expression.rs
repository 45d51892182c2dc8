//! Regular expressions for paths and methods, as far as they say what patterns here can say.

use super::region::Pattern;
use tessera_core::policy::paths::PathPattern;

/// What an expression matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said<T> {
    /// Empty for everything.
    pub list: Vec<T>,
    /// Whether it holds for more here.
    pub is_wider: bool,
}

impl<T> Said<T> {
    fn everything() -> Self {
        Self { list: Vec::new(), is_wider: false }
    }
}

/// The paths below `base` whose rest the expression matches as a whole. `None` if that cannot be said.
pub fn paths(base: &str, expression: &str) -> Option<Said<Pattern>> {
    let expression = without_anchors(expression);
    let patterns = if let Some(head) = expression.strip_suffix("(/.*)?") {
        let (start, has_tail) = literal(head)?;
        if start.is_empty() || has_tail {
            return (start.is_empty() && !has_tail).then(Said::everything);
        }
        vec![Pattern::Exact(format!("{base}{start}")), Pattern::Below(format!("{base}{start}/"))]
    } else {
        match literal(expression)? {
            (start, true) if start.is_empty() || start == "/" => return Some(Said::everything()),
            (start, true) => vec![Pattern::Below(format!("{base}{start}"))],
            (start, false) if start.is_empty() => return Some(Said::everything()),
            (path, false) => vec![Pattern::Exact(format!("{base}{path}"))],
        }
    };
    let is_sound = |pattern: &Pattern| PathPattern::parse(&pattern.written()).is_ok_and(|pattern| pattern.is_plain());
    let begins =
        patterns.iter().all(|pattern| pattern.written().strip_prefix(base).is_some_and(|rest| rest.starts_with('/')));
    // A path that ends in a slash is a prefix here.
    let is_wider = patterns.iter().any(|pattern| matches!(pattern, Pattern::Exact(path) if path.ends_with('/')));
    let below = |pattern| match pattern {
        Pattern::Exact(path) if path.ends_with('/') => Pattern::Below(path),
        pattern => pattern,
    };
    (begins && patterns.iter().all(is_sound))
        .then(|| Said { list: patterns.into_iter().map(below).collect(), is_wider })
}

/// The methods that the expression matches as a whole. `None` if that cannot be said.
pub fn methods(expression: &str) -> Option<Vec<String>> {
    let expression = without_anchors(expression);
    let expression = expression.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(expression);
    if expression == ".*" || expression.is_empty() {
        return Some(Vec::new());
    }
    let mut methods: Vec<String> = Vec::new();
    for method in expression.split('|').map(without_anchors) {
        if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        if !methods.iter().any(|other| other == method) {
            methods.push(method.into());
        }
    }
    Some(methods)
}

/// The expression is matched as a whole anyway.
fn without_anchors(expression: &str) -> &str {
    let expression = expression.trim();
    let expression = expression.strip_prefix('^').unwrap_or(expression);
    expression.strip_suffix('$').filter(|rest| !rest.ends_with('\\')).unwrap_or(expression)
}

/// The text that the expression matches, groups or not, and whether `.*` follows at its end.
fn literal(expression: &str) -> Option<(String, bool)> {
    let mut text = String::new();
    let mut letters = expression.chars().peekable();
    let mut depth = 0_usize;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.push(letters.next().filter(|escaped| !escaped.is_alphanumeric())?),
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1)?,
            '.' => {
                letters.next_if_eq(&'*')?;
                let rest: String = letters.collect();
                return (rest == ")".repeat(depth)).then_some((text, true));
            }
            '[' | ']' | '{' | '}' | '*' | '+' | '?' | '^' | '$' | '|' => return None,
            letter => text.push(letter),
        }
    }
    (depth == 0).then_some((text, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(base: &str, expression: &str) -> Option<Vec<String>> {
        paths(base, expression).map(|said| said.list.iter().map(Pattern::written).collect())
    }

    #[test]
    fn literal_paths_and_what_is_below_them_are_said() {
        for (expression, expected) in [
            ("/orders", vec!["/orders"]),
            ("/orders(/.*)", vec!["/orders/"]),
            ("/orders(/.*)?", vec!["/orders", "/orders/"]),
            ("/orders/.*", vec!["/orders/"]),
            ("/api(/users/.*)", vec!["/api/users/"]),
            ("/api(/users)(/all)", vec!["/api/users/all"]),
            ("^/orders$", vec!["/orders"]),
            ("/orders.*", vec!["/orders*"]),
            (r"/v1\.0/orders\-old", vec!["/v1.0/orders-old"]),
            ("/orders/", vec!["/orders/"]),
            (".*", vec![]),
            ("(.*)", vec![]),
            ("/.*", vec![]),
            ("(/.*)?", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(written("", expression).unwrap(), expected, "{expression}");
        }
        assert!(paths("", "/orders/").unwrap().is_wider);
        assert!(!paths("", "/orders(/.*)?").unwrap().is_wider);
        assert_eq!(written("/shop", "/orders(/.*)?").unwrap(), ["/shop/orders", "/shop/orders/"]);
        assert!(written("/shop", "/.*").unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_said_is_not_guessed() {
        for expression in [
            "/v1.0/orders",
            "/users*",
            "/orders/[0-9]+",
            "/orders/{id}",
            "/(a|b)",
            "/a|/b",
            r"/\d+",
            "(?i)/orders",
            "/orders(/x)?",
            "/orders/?",
            "/a.*b",
            "/orders(/.*)*",
            "/orders(",
            "/orders)",
            "orders",
            "orders/.*",
            "/a(/.*)?(/.*)?",
            "/a/../b",
            "/a//b",
            "/a;b",
            "/a b",
            "/é",
            "/a?x=1",
            "/%61",
            "/a%2fb",
            "/orders/.*?",
            "\\",
            ".*/orders",
            "/a\\",
            "/.*(/.*)?",
        ] {
            assert_eq!(written("", expression), None, "{expression}");
        }
    }

    #[test]
    fn methods_are_lists() {
        for (expression, expected) in [
            ("GET", vec!["GET"]),
            ("GET|POST|GET", vec!["GET", "POST"]),
            ("(PUT|DELETE)", vec!["PUT", "DELETE"]),
            ("^GET$|^HEAD$", vec!["GET", "HEAD"]),
            (".*", vec![]),
        ] {
            assert_eq!(methods(expression).unwrap(), expected, "{expression}");
        }
        for expression in ["get", "GET|", "P.*", "[A-Z]+", "GET POST", "(?i)GET", "!GET"] {
            assert_eq!(methods(expression), None, "{expression}");
        }
    }
}
