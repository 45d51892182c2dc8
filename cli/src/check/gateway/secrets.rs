//! Where a configuration has secrets, and which variables they come from.

use super::cursor::Cursor;

/// The values in places for a secret.
pub fn of<'a>(root: &Cursor<'a>) -> Vec<Cursor<'a>> {
    let introspections = root.list("providers").filter_map(|provider| provider.get("introspection"));
    let of_providers = introspections.flat_map(|introspection| {
        let client = introspection.get("client");
        let own = ["secret", "key"].map(|key| client.as_ref().and_then(|client| client.get(key)));
        own.into_iter().flatten().chain(headers(&introspection)).collect::<Vec<_>>()
    });
    let source = root.dig(&["contracts", "source"]);
    of_providers.chain(source.iter().flat_map(headers)).collect()
}

fn headers<'a>(section: &Cursor<'a>) -> Vec<Cursor<'a>> {
    section.get("headers").into_iter().flat_map(|headers| headers.members()).map(|(_, value)| value).collect()
}

/// The name of the variable that a secret comes from.
pub fn variable<'a>(secret: &Cursor<'a>) -> Option<Cursor<'a>> {
    secret.get("env").filter(|name| name.text().is_some())
}
