//! Applies edits to the bases and asks the command.

use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, process};

const MARK: char = '⟦';

/// Sound files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    Plain,
    Envoy,
    /// With the configuration as text.
    EnvoyText,
    /// Files of listeners, clusters and extensions.
    Discovery,
    WasmPlugin,
    TrafficExtension,
    EnvoyFilter,
    Policy,
    /// A dynamic module in the place of the Wasm filter.
    EnvoyNative,
    PolicyNative,
}

/// A text that is there once, and what stands in its place.
pub type Edit = (&'static str, &'static str);

#[derive(Clone, Copy, Debug)]
pub struct Variant {
    pub base: Base,
    /// One for all marks, or one for each, apart by a space.
    pub code: &'static str,
    /// The path that is reported, in the configuration if it does not begin with `@`, else in the document.
    pub path: &'static str,
    /// Those with a mark say where.
    pub edits: &'static [Edit],
    /// Edits that are not reported.
    pub quiet: &'static [&'static [Edit]],
}

/// What is reported, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub file: String,
    pub line: u64,
    pub column: u64,
    pub code: String,
    pub path: String,
}

impl Base {
    pub const ALL: [Self; 10] = [
        Self::Plain,
        Self::Envoy,
        Self::EnvoyText,
        Self::Discovery,
        Self::WasmPlugin,
        Self::TrafficExtension,
        Self::EnvoyFilter,
        Self::Policy,
        Self::EnvoyNative,
        Self::PolicyNative,
    ];

    fn files(self) -> &'static [&'static str] {
        match self {
            Self::Plain => &["plain.yaml"],
            Self::Envoy => &["envoy.yaml"],
            Self::EnvoyText => &["envoy-text.yaml"],
            Self::Discovery => &["lds.yaml", "cds.yaml", "ecds.yaml"],
            Self::WasmPlugin => &["wasm-plugin.yaml", "mesh.yaml", "ingress.yaml"],
            Self::TrafficExtension => &["traffic-extension.yaml", "mesh.yaml", "ingress.yaml"],
            Self::EnvoyFilter => &["envoy-filter.yaml", "mesh.yaml", "ingress.yaml"],
            Self::Policy => &["policy.yaml", "callouts.yaml"],
            Self::EnvoyNative => &["envoy-native.yaml"],
            Self::PolicyNative => &["native-policy.yaml", "callouts.yaml"],
        }
    }

    /// The files with these edits, marks included.
    fn edited(self, edits: &[Edit]) -> Vec<(&'static str, String)> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/variants/bases");
        let mut texts: Vec<(&str, String)> =
            self.files().iter().map(|name| (*name, fs::read_to_string(folder.join(name)).unwrap())).collect();
        for (from, to) in edits {
            let count: usize = texts.iter().map(|(_, text)| text.matches(*from).count()).sum();
            assert_eq!(count, 1, "{self:?}: {:?} is there {count} times", from);
            texts.iter_mut().for_each(|(_, text)| *text = text.replacen(from, to, 1));
        }
        texts
    }

    /// What the command says of the files with these edits.
    pub fn check(self, edits: &[Edit]) -> Vec<Place> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("tessera-variants-{}-{count}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in self.edited(edits) {
            fs::write(folder.join(name), text.replace(MARK, "")).unwrap();
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_tessera"));
        command.current_dir(&folder).args(["check", "--json"]).args(self.files()).env_remove("CONTRACTS_AUTH");
        if edits.iter().any(|(_, to)| to.contains("IDP_CLIENT_SECRET_UNSET")) {
            command.arg("--with-env").env("CONTRACTS_AUTH", "Bearer x");
        }
        let output = command.output().unwrap();
        fs::remove_dir_all(&folder).unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        answer["diagnostics"].as_array().unwrap().iter().map(place).collect()
    }
}

fn place(diagnostic: &Value) -> Place {
    let text = |key: &str| diagnostic[key].as_str().unwrap().to_owned();
    let is_inside = diagnostic["configuration"].is_u64();
    Place {
        file: text("file"),
        line: diagnostic["line"].as_u64().unwrap(),
        column: diagnostic["column"].as_u64().unwrap(),
        code: text("code"),
        path: if is_inside { text("path") } else { format!("@{}", text("path")) },
    }
}

impl Variant {
    /// One diagnostic for each mark; several paths stand apart by a space.
    pub fn expected(&self) -> Vec<Place> {
        let mut paths = self.path.split(' ');
        let mut codes = self.code.split(' ').cycle();
        let mut expected = Vec::new();
        for (file, text) in self.base.edited(self.edits) {
            for (number, line) in text.lines().enumerate() {
                for (earlier, (at, _)) in line.match_indices(MARK).enumerate() {
                    expected.push(Place {
                        file: file.to_owned(),
                        line: number as u64 + 1,
                        column: (line[..at].chars().count() - earlier) as u64 + 1,
                        code: codes.next().unwrap().to_owned(),
                        path: paths.next().expect("a path for each mark").to_owned(),
                    });
                }
            }
        }
        assert!(!expected.is_empty() && paths.next().is_none(), "{self:?}");
        expected
    }
}
