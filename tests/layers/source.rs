//! What a Rust file says of other files: its imports, the paths in its code, the modules that it declares.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path as File, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Segments from the crate's root.
pub type Path = Vec<String>;

/// One name that a `use` brings in.
pub struct Import {
    /// What the file calls it; `None` for a glob.
    pub name: Option<String>,
    pub path: Path,
    /// `pub use`, in any of its forms.
    pub public: bool,
}

#[derive(Default)]
pub struct Source {
    pub imports: Vec<Import>,
    /// Paths outside of `use`.
    pub paths: Vec<Path>,
    /// Modules that the file declares and that have files of their own.
    pub modules: Vec<String>,
    /// Every identifier outside of `use`.
    pub identifiers: BTreeSet<String>,
}

/// Whether code under `#[cfg(test)]` counts.
#[derive(Clone, Copy, PartialEq)]
pub enum Tests {
    Read,
    Skip,
}

/// Reads `text`, the source of the module at `at`. Panics when it is not Rust.
pub fn read(at: &[String], text: &str, tests: Tests) -> Source {
    let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{}: {error}", at.join("::")));
    let mut reader = Reader { source: Source::default(), tests };
    reader.module(&tokens.into_iter().collect::<Vec<_>>(), at);
    reader.source
}

/// The Rust files in `folder` and below.
pub fn files(folder: &File) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

struct Reader {
    source: Source,
    tests: Tests,
}

impl Reader {
    /// The tokens of a module, of a file or in place.
    fn module(&mut self, tokens: &[TokenTree], at: &[String]) {
        let scope = Scope { at, children: children(tokens) };
        self.tokens(tokens, &scope);
    }

    fn tokens(&mut self, mut tokens: &[TokenTree], scope: &Scope) {
        let mut public = false;
        while let [token, rest @ ..] = tokens {
            tokens = rest;
            match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    if let [TokenTree::Group(attribute), rest @ ..] = tokens {
                        let skip = self.tests == Tests::Skip && is_cfg_test(attribute.stream());
                        tokens = if skip { behind_item(rest) } else { rest };
                    }
                }
                TokenTree::Group(group) => {
                    self.tokens(&group.stream().into_iter().collect::<Vec<_>>(), scope);
                    // `pub(crate)` is as public as `pub`.
                    public &= group.delimiter() == Delimiter::Parenthesis;
                    continue;
                }
                TokenTree::Ident(word) if word == "pub" => {
                    public = true;
                    continue;
                }
                TokenTree::Ident(word) if word == "use" && !begins_with(tokens, '<') => {
                    let end = tokens.iter().position(|token| is_punct(token, ';')).unwrap_or(tokens.len());
                    let (tree, rest) = tokens.split_at(end);
                    self.use_tree(tree, &[], public, scope);
                    tokens = rest;
                }
                TokenTree::Ident(word) if word == "mod" => tokens = self.declaration(tokens, scope),
                TokenTree::Ident(word) => {
                    let (segments, rest) = path(word.to_string(), tokens);
                    tokens = rest;
                    if segments.len() > 1 {
                        self.source.paths.extend(self.absolute(&segments, scope));
                    }
                    self.source.identifiers.extend(segments);
                }
                // What stands behind `>::` or `::std::` is no path of this crate.
                TokenTree::Punct(_) if token_pair(token, tokens) => tokens = behind_path(tokens),
                _ => {}
            }
            public = false;
        }
    }

    /// `mod name;` or `mod name { … }`, whose `mod` has been read.
    fn declaration<'a>(&mut self, tokens: &'a [TokenTree], scope: &Scope) -> &'a [TokenTree] {
        let [TokenTree::Ident(name), what, rest @ ..] = tokens else { return tokens };
        match what {
            TokenTree::Group(body) => {
                let at: Path = scope.at.iter().cloned().chain([name.to_string()]).collect();
                self.module(&body.stream().into_iter().collect::<Vec<_>>(), &at);
            }
            _ => self.source.modules.push(name.to_string()),
        }
        rest
    }

    fn use_tree(&mut self, tokens: &[TokenTree], before: &[String], public: bool, scope: &Scope) {
        let mut segments = before.to_vec();
        let mut name = None;
        let mut tokens = tokens;
        while let [token, rest @ ..] = tokens {
            tokens = rest;
            match token {
                TokenTree::Ident(word) if word == "as" => {
                    name = rest.first().map(ToString::to_string);
                    break;
                }
                TokenTree::Ident(word) if word == "self" && !segments.is_empty() => {}
                TokenTree::Ident(word) => segments.push(word.to_string()),
                TokenTree::Punct(punct) if punct.as_char() == '*' => {
                    let path = self.absolute(&segments, scope);
                    self.source.imports.extend(path.map(|path| Import { name: None, path, public }));
                    return;
                }
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    for tree in inner.split(|token| is_punct(token, ',')).filter(|tree| !tree.is_empty()) {
                        self.use_tree(tree, &segments, public, scope);
                    }
                    return;
                }
                _ => {}
            }
        }
        let name = name.or_else(|| segments.last().cloned());
        let path = self.absolute(&segments, scope);
        self.source.imports.extend(path.map(|path| Import { name, path, public }));
    }

    /// `segments` from the crate's root; `None` for what is not of this crate.
    fn absolute(&self, segments: &[String], scope: &Scope) -> Option<Path> {
        let (first, rest) = segments.split_first()?;
        let mut path = match first.as_str() {
            "crate" => Path::new(),
            "self" => scope.at.to_vec(),
            "super" => scope.at.split_last()?.1.to_vec(),
            name if scope.children.contains(name) => scope.at.iter().chain([first]).cloned().collect(),
            name => {
                let named = |import: &&Import| import.name.as_deref() == Some(name);
                self.source.imports.iter().find(named)?.path.clone()
            }
        };
        for segment in rest {
            if segment == "super" {
                path.pop();
            } else {
                path.push(segment.clone());
            }
        }
        Some(path)
    }
}

/// Where relative paths begin.
struct Scope<'a> {
    at: &'a [String],
    children: BTreeSet<String>,
}

/// The modules that `tokens` declare at their top.
fn children(tokens: &[TokenTree]) -> BTreeSet<String> {
    let declared = |pair: &[TokenTree]| match pair {
        [TokenTree::Ident(word), TokenTree::Ident(name)] if word == "mod" => Some(name.to_string()),
        _ => None,
    };
    tokens.windows(2).filter_map(declared).collect()
}

/// The path that begins with `first`, and what follows it.
fn path(first: String, mut tokens: &[TokenTree]) -> (Path, &[TokenTree]) {
    let mut segments = vec![first];
    while let [colon, second, TokenTree::Ident(name), rest @ ..] = tokens
        && is_punct(colon, ':')
        && is_punct(second, ':')
    {
        segments.push(name.to_string());
        tokens = rest;
    }
    (segments, tokens)
}

/// What follows the path whose first `:` has been read.
fn behind_path(tokens: &[TokenTree]) -> &[TokenTree] {
    match tokens {
        [_, TokenTree::Ident(name), rest @ ..] => path(name.to_string(), rest).1,
        _ => tokens,
    }
}

/// What follows the item, whose first attribute has been read.
fn behind_item(mut tokens: &[TokenTree]) -> &[TokenTree] {
    while let [hash, TokenTree::Group(_), rest @ ..] = tokens
        && is_punct(hash, '#')
    {
        tokens = rest;
    }
    let ends_with_body = !tokens.iter().take(3).any(|token| matches!(token, TokenTree::Ident(word) if word == "use"));
    let is_end = |token: &TokenTree| match token {
        TokenTree::Group(group) => ends_with_body && group.delimiter() == Delimiter::Brace,
        token => is_punct(token, ';'),
    };
    let end = tokens.iter().position(is_end).map_or(tokens.len(), |last| last + 1);
    &tokens[end..]
}

fn is_cfg_test(attribute: TokenStream) -> bool {
    attribute.to_string().split_whitespace().collect::<String>() == "cfg(test)"
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

fn begins_with(tokens: &[TokenTree], character: char) -> bool {
    tokens.first().is_some_and(|token| is_punct(token, character))
}

/// Whether `token` and the first of `tokens` are `::`.
fn token_pair(token: &TokenTree, tokens: &[TokenTree]) -> bool {
    is_punct(token, ':') && begins_with(tokens, ':')
}
