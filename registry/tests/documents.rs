//! What the documents show is so: their configurations are read, and their commands run.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use tessera_registry::configuration::Configuration;
use tessera_registry::domain::catalogue_file::CatalogueFile;
use tessera_registry::domain::members::Members;
use tessera_registry::domain::provider::Provider;
use tessera_registry::domain::time::Time;

const BINARY: &str = env!("CARGO_BIN_EXE_tessera-registry");
const PAGES: [&str; 7] = [
    "registry.md",
    "registry-clients.md",
    "registry-from-anypoint.md",
    "registry-operating.md",
    "registry-providers.md",
    "registry-security.md",
    "registry-watching.md",
];

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs").join(name);
    fs::read_to_string(path).unwrap()
}

/// The blocks of a language, in order.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// Without an end that tests do not wait for.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_way_to_the_first_contract_leads_there() {
    let folder = Folder(std::env::temp_dir().join(format!("tessera-registry-{}", uuid::Uuid::now_v7())));
    fs::create_dir(&folder.0).unwrap();
    let text = page("registry.md");
    let [configuration, catalogue] = blocks(&text, "toml").try_into().unwrap();
    let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let ports = listeners.map(|listener| listener.local_addr().unwrap().port());
    let here = |text: &str| {
        let named = ["127.0.0.1:8080", "127.0.0.1:8081", "127.0.0.1:8082"];
        named
            .iter()
            .zip(ports)
            .fold(text.to_owned(), |text, (old, port)| text.replace(old, &format!("127.0.0.1:{port}")))
    };
    fs::write(folder.0.join("registry.toml"), here(&configuration)).unwrap();
    fs::write(folder.0.join("catalogue.toml"), catalogue).unwrap();
    // The first block builds; that has been done.
    let steps: Vec<_> = blocks(&text, "shell").iter().skip(1).map(|block| here(block)).collect();
    let seen = r#"test "$(curl --silent http://127.0.0.1:8081/v1/contracts --header "Authorization: Bearer $feed" | member status)" ="#;
    let after = |index: usize| match index {
        3 => format!("{} active\n", here(seen)),
        4 => format!("{} ''\n", here(seen)),
        _ => String::new(),
    };
    let script: String = steps.iter().enumerate().map(|(index, step)| format!("{step}{}", after(index))).collect();
    let script = format!("set -euo pipefail\ntrap 'kill %1; wait' EXIT\n{script}");
    let path = format!("{}:{}", Path::new(BINARY).parent().unwrap().display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash").arg("-c").arg(script).current_dir(&folder.0).env("PATH", path).output().unwrap();
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}");
    assert!(told.contains(r#""contracts":[{"#) && told.contains(r#""tier":"gold""#), "{told}");
}

#[test]
fn configurations_are_read() {
    let environment = |_: &str| Ok("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=".to_owned());
    let first = blocks(&page("registry.md"), "toml").remove(0);
    Configuration::read(&first, &environment).unwrap();
}

/// Each block of TOML is a part of a file that says what there has to be.
#[test]
fn providers_are_read() {
    let [kinds, servers] = ["registry-providers.md", "registry-clients.md"].map(|name| blocks(&page(name), "toml"));
    assert_eq!((kinds.len(), servers.len()), (3, 4));
    for text in kinds.into_iter().chain(servers) {
        let secret = |value: &toml::Value| Ok(value["env"].as_str().unwrap().to_owned());
        let file = CatalogueFile::parse(&text, &secret).unwrap_or_else(|problems| panic!("{problems:?}"));
        for object in &file.providers {
            let mut members = Members::of_new(object);
            let mut provider = Provider::blank(Time::from_millis(0));
            provider.read(&mut members, &|_, credential| credential.to_owned());
            members.finish().unwrap();
        }
    }
}

/// Each member of a provider has a row, or a place in one.
#[test]
fn every_member_of_a_provider_is_described() {
    let text = page("registry-providers.md");
    let document = tessera_registry::http::openapi::document();
    let of = |name: &str| {
        let members = document.pointer(&format!("/components/schemas/{name}/properties")).unwrap().as_object().unwrap();
        members.keys().cloned().collect::<Vec<_>>()
    };
    for member in [of("NewProvider"), of("NewAuthorization"), of("NewIntrospection")].concat() {
        assert!(["`", "\"", "."].iter().any(|before| text.contains(&format!("{before}{member}"))), "{member}");
    }
}

fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(name)).unwrap()
}

#[test]
fn the_configurations_of_containers_are_read() {
    let environment = |name: &str| match name {
        "DATABASE_URL" => Ok("postgres://registry:secret@postgres/registry".to_owned()),
        "SEALING_KEY" => Ok("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=".to_owned()),
        _ => Err(std::env::VarError::NotPresent),
    };
    Configuration::read(&file("envoy/registry.toml"), &environment).unwrap();
    let map = file("envoy/kubernetes/registry/configuration.yaml");
    let lines = map.split("registry.toml: |\n").nth(1).unwrap().lines();
    let configuration: String = lines.map(|line| format!("{}\n", line.trim_start())).collect();
    Configuration::read(&configuration, &environment).unwrap();
    // Each variable that a pod is given is read, and none else.
    let pod = file("envoy/kubernetes/registry/deployment.yaml");
    for name in ["DATABASE_URL", "SEALING_KEY"] {
        assert!(pod.contains(&format!("- name: {name}\n")) && configuration.contains(name), "{name}");
    }
    assert_eq!(pod.matches("secretKeyRef").count(), 2);
}

/// It cannot be built by a test: what it names is there, and it is as the filter's is.
#[test]
fn the_dockerfile_copies_what_there_is_and_ends_as_nobody() {
    let (own, filters) = (file("registry/Dockerfile"), file("envoy/Dockerfile"));
    let copied = |text: &str| -> Vec<String> {
        let stage = text.split("AS build\n").nth(1).unwrap().split("\nFROM ").next().unwrap();
        stage
            .lines()
            .filter(|line| line.starts_with("COPY ") || line.starts_with("RUN sed"))
            .map(str::to_owned)
            .collect()
    };
    assert!(copied(&own).len() > 6);
    assert_eq!(copied(&own), copied(&filters));
    let after =
        |text: &str, start: &str| text.split(start).nth(1).unwrap().split(['"', '\n']).next().unwrap().to_owned();
    assert_eq!(after(&own, "ARG RUST_IMAGE="), format!("{}-trixie", after(&filters, "ARG RUST_IMAGE=")));
    assert_eq!(after(&own, "image.version=\""), env!("CARGO_PKG_VERSION"));
    // The tool that releases are built by.
    let tool = after(&file("xtask/src/auditable.rs"), "name: \"cargo-auditable\", version: \"");
    assert!(own.contains(&format!("cargo-auditable@{tool}\n")) && own.contains("cargo auditable build"), "{tool}");
    let last = own.split("AS registry\n").nth(1).unwrap();
    assert!(last.contains("\nUSER 65534:65534\n") && !last.contains("RUN "), "{last}");
    for name in ["/usr/local/bin/tessera-registry", "/etc/ssl/certs/ca-certificates.crt"] {
        assert!(last.contains(name), "{name}");
    }
}

#[test]
fn every_command_is_understood() {
    let mut shown = 0;
    for name in PAGES {
        for line in blocks(&page(name), "shell").iter().flat_map(|block| block.lines()) {
            let Some(rest) = line.strip_prefix("tessera-registry ") else { continue };
            let words = rest.split(" 2>").flat_map(|part| part.split(" > ")).next().unwrap().split(' ');
            // Help ends the reading of a line without doing what it says, if all before it is understood.
            let run = Command::new(BINARY).args(words).arg("--help").output().unwrap();
            assert!(run.status.success(), "{name}: {line}\n{}", String::from_utf8_lossy(&run.stderr));
            shown += 1;
        }
    }
    assert!(shown > 12, "only {shown} commands were found");
}

#[test]
fn every_metric_is_described() {
    let page = page("registry-watching.md");
    let rows = page.lines().filter(|line| line.starts_with("| `tessera_registry_"));
    let described: Vec<_> = rows.map(|row| row.split(" | ").take(2).collect::<Vec<_>>().join(" ")).collect();
    let known = tessera_registry::measures::MEASURES.iter();
    let known: Vec<_> =
        known.map(|(name, kind, _)| format!("| `{name}` {}", format!("{kind:?}").to_lowercase())).collect();
    assert_eq!(described, known);
}

#[test]
fn every_key_is_described() {
    let text = page("registry-operating.md");
    for key in [
        "listen.api",
        "listen.feed",
        "listen.ops",
        "public.url",
        "public.trusted_proxies",
        "tls.cert",
        "tls.key",
        "database.url",
        "database.pool",
        "database.migrate",
        "sealing_keys[]",
        "auth.issuer",
        "auth.audience",
        "auth.verify",
        "auth.algorithms",
        "auth.client_id",
        "auth.client_secret",
        "auth.organisation_claim",
        "auth.roles_claim",
        "auth.roles",
        "limits.requests_per_second",
        "limits.burst",
        "limits.failed_authentications",
        "limits.clients_per_application",
        "limits.open_requests",
        "feed.page_rows",
        "feed.max_held",
        "feed.removals_kept",
        "tasks.workers",
        "tasks.stuck_after",
        "webhooks[]",
        "log.level",
        "log.format",
    ] {
        assert!(text.contains(&format!("`{key}`")), "{key}");
    }
}
