//! The second opinion, from the documents alone.

use super::super::super::host::Headers;
use super::super::super::reading::{credentials, is_ambiguous, is_doubtful, plain_host, unescaped};
use super::{PREFIX, Sent, facts};
use serde_json::Value;

const NAMES: [&str; 4] = ["x-client-id", "x-sla-tier", "x-user", "x-open-client"];

/// Under which rule it may have passed.
///
/// # Errors
/// Why it should not have, or not so.
pub fn judge(sent: &Sent, before: &Headers, arrived: &Headers) -> Result<&'static str, String> {
    let path = |target: &[u8]| target.split(|byte| *byte == b'?').next().unwrap_or_default().to_vec();
    let target = arrived.get(":path").unwrap_or_default();
    if path(target) != path(&sent.target) || arrived.get(":method") != Some(&sent.method[..]) {
        return Err("another request line than the one sent".into());
    }
    let found = credentials_of(before);
    let only = || match &found[..] {
        [only] => Ok(only.as_str()),
        other => Err(format!("{} credentials: {other:?}", other.len())),
    };
    let rule = rule(sent, &String::from_utf8_lossy(&path(&sent.target)))?;
    let (name, expected, left) = match rule {
        "open" if found.is_empty() => ("anonymous", Vec::new(), None),
        "public" | "unmatched" => (rule, Vec::new(), None),
        "public users" => ("public", Vec::new(), Some(Vec::new())),
        "write" => ("orders", allowed("orders", only()?, "write")?, Some(found.clone())),
        "orders" => ("orders", allowed("orders", only()?, "read")?, Some(found.clone())),
        "open" | "open with a token" => ("open", allowed("open", only()?, "")?, Some(found.clone())),
        _ => ("users", allowed("users", only()?, "")?, Some(Vec::new())),
    };
    if left.is_some_and(|left| left != credentials_of(arrived)) {
        return Err("other credentials than those that may be left".into());
    }
    compare(before, arrived, expected, rule.ends_with("users"))?;
    Ok(name)
}

fn rule(sent: &Sent, path: &str) -> Result<&'static str, String> {
    const NAMED: [&str; 3] = ["GET", "POST", "DELETE"];
    let method = String::from_utf8_lossy(&sent.method).into_owned();
    if !NAMED.contains(&&*method) && NAMED.contains(&&*method.to_ascii_uppercase()) {
        return Err("a method in another case".into());
    }
    let host = plain_host(&String::from_utf8_lossy(&sent.host))?;
    let ambiguous = is_ambiguous(path);
    if ambiguous && !sent.lenient {
        return Err("an ambiguous path".into());
    }
    let doubtful = ambiguous || is_doubtful(path);
    let path = if ambiguous { path.to_owned() } else { unescaped(path) };
    if host == "api.example.com" && path.starts_with("/orders/") {
        let public = method == "GET" && path == "/orders/health" && !doubtful;
        let write = method == "POST" || method == "DELETE";
        return Ok(if public {
            "public"
        } else if write {
            "write"
        } else {
            "orders"
        });
    }
    if host.ends_with(".example.org") && path.starts_with("/users/") {
        return Ok(if path.starts_with("/users/public/") && !doubtful { "public users" } else { "users" });
    }
    match path.starts_with("/open/") {
        true if doubtful => Ok("open with a token"),
        true => Ok("open"),
        false if sent.lenient && !doubtful => Ok("unmatched"),
        false => Err("no API".into()),
    }
}

/// The identity that arrives, if the token is good for it.
fn allowed(api: &str, token: &str, scope: &str) -> Result<Vec<(String, String)>, String> {
    let facts = facts(token);
    let text = |name: &str| facts[name].as_str().unwrap_or_default().to_owned();
    let scopes = text("scope");
    if facts["active"] != true || !scope.is_empty() && !scopes.split(' ').any(|has| has == scope) {
        return Err(format!("a token that is not good: {token:?}"));
    }
    if api == "orders" && text("client_id") != "portal" {
        return Err("no contract".into());
    }
    if api == "open" && text("sub").is_empty() {
        return Err("a token that does not say who".into());
    }
    let lines = match api {
        "orders" => vec![("x-client-id", text("client_id")), ("x-sla-tier", "gold".into())],
        "open" => vec![("x-open-client", text("client_id"))],
        _ => {
            let claims = ["active", "client_id", "scope", "sub", "role"].map(|name| match &facts[name] {
                Value::Bool(flag) => (name, flag.to_string()),
                _ => (name, text(name)),
            });
            let claims = claims.map(|(name, value)| (format!("{PREFIX}{name}"), value));
            return Ok(claims
                .into_iter()
                .chain([("x-user".to_owned(), text("sub"))])
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (name, value.replace('%', "%25")))
                .collect());
        }
    };
    Ok(lines.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Whether any reader understands the request alike, and it has to pass.
pub fn is_beyond_doubt(sent: &Sent, before: &Headers) -> bool {
    let is_plain = |text: &[u8]| text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/-.".contains(byte));
    let plain_lines = sent.lines.iter().all(|(name, value)| match &name[..] {
        b"authorization" => value.strip_prefix(b"Bearer ").is_some_and(|token| !token.is_empty() && is_plain(token)),
        name => is_identity(&String::from_utf8_lossy(name)),
    });
    if !plain_lines
        || !sent.target.starts_with(b"/")
        || !is_plain(&sent.target)
        || !is_plain(&sent.host)
        || !is_plain(&sent.method)
    {
        return false;
    }
    let found = credentials_of(before);
    let token = found.first().map(String::as_str);
    let allows = |api: &str, scope: &str| token.is_some_and(|token| allowed(api, token, scope).is_ok());
    match rule(sent, &String::from_utf8_lossy(&sent.target)) {
        Ok("public" | "public users" | "unmatched") => true,
        Ok("open") if found.is_empty() => true,
        _ if found.len() > 1 => false,
        Ok("write") => allows("orders", "write"),
        Ok("orders") => allows("orders", "read"),
        Ok("open") => allows("open", ""),
        Ok("users") => allows("users", ""),
        _ => false,
    }
}

fn folded(name: &str) -> String {
    name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-")
}

fn is_identity(name: &str) -> bool {
    NAMES.contains(&&*folded(name)) || folded(name).starts_with(PREFIX)
}

/// The headers by which an upstream knows who calls.
pub fn identities(headers: &Headers) -> Vec<(String, String)> {
    let lines = headers.pairs().filter(|(name, _)| is_identity(name));
    lines.map(|(name, value)| (name.to_owned(), String::from_utf8_lossy(value).into_owned())).collect()
}

fn credentials_of(headers: &Headers) -> Vec<String> {
    let target = String::from_utf8_lossy(headers.get(":path").unwrap_or_default()).into_owned();
    credentials(&target, headers.pairs().map(|(name, value)| (name.as_bytes(), value)))
}

/// Exactly the expected identity arrives, and everything that is neither identity nor credential is as it was.
fn compare(
    before: &Headers,
    arrived: &Headers,
    mut expected: Vec<(String, String)>,
    hides: bool,
) -> Result<(), String> {
    let mut found = identities(arrived);
    found.sort();
    expected.sort();
    if found != expected {
        return Err(format!("identity headers {found:?} instead of {expected:?}"));
    }
    let carries = |name: &str| {
        let names = ["authorization", "x-access-token", "cookie", ":path", "dpop"];
        hides && names.contains(&&*if name.starts_with(':') { name.to_owned() } else { folded(name) })
    };
    let others = |headers: &Headers| -> Vec<_> {
        let lines = headers.pairs().filter(|(name, _)| !is_identity(name) && !carries(name));
        lines.map(|(name, value)| (name.to_owned(), value.to_vec())).collect()
    };
    let scheme = |headers: Vec<(String, Vec<u8>)>| -> Vec<_> {
        headers.into_iter().filter(|(name, _)| name != ":scheme").collect()
    };
    match scheme(others(before)) == scheme(others(arrived)) {
        true => Ok(()),
        false => Err("something that has nothing to do with tokens was changed".into()),
    }
}
