//! `docs/registry-clients.md` as somebody follows it who has nothing yet: its files, its commands, and its configuration in
//! the smallest example, up to a request that passes.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::contracts::outcome;
use crate::harness::client::Request;
use crate::harness::eventually::{SOON, eventually};
use crate::harness::example::{Example, Running};
use crate::harness::port;
use crate::harness::prerequisites;
use crate::harness::scratch::Scratch;
use crate::harness::secrecy;
use crate::harness::upstream::Upstream;

/// Seconds for all commands together: some of them wait for what may never come.
const MOST: &str = "240";
/// What ends the output of a block.
const MARK: &str = "@@ ";

#[test]
fn the_way_to_the_first_registered_client_leads_through_the_gateway() {
    let page = page_of("registry-clients.md");
    let ports = Ports::free();
    let scratch = Scratch::new("registry-clients");
    let write = |name: &str, text: &str| fs::write(scratch.file(name), text).expect("write a file");
    write("registry.toml", &ports.put_into(&blocks(&page_of("registry.md"), "toml")[0]));
    let [provider, catalogue, ..] = &blocks(&page, "toml")[..] else { panic!("two files") };
    write("provider.toml", &ports.put_into(provider));
    write("catalogue.toml", catalogue);
    // The first block builds; that has been done.
    let [_, serve, probe, apply, ask, grant, fetch, poll, later] =
        blocks(&page, "shell").try_into().expect("nine blocks of commands");
    let mut shell = Shell::start(&scratch, &ports);
    for block in [&serve, &probe] {
        shell.run(block);
    }
    let found = fs::read_to_string(scratch.file("found.toml")).expect("what was found");
    assert!(found.contains("parallel = 4") && found.contains("env = \"REGISTRATION_TOKEN\""), "{found}");
    for block in [&apply, &ask] {
        shell.run(block);
    }
    assert!(shell.run("see \"$developer\" \"/clients/$client\"").contains(r#""waiting_for":"approval""#));
    for block in [&grant, &fetch, &poll] {
        shell.run(block);
    }

    let upstream = Upstream::start();
    let configuration = blocks(&page, "yaml configuration").remove(0);
    let mut envoy = Running::spawn(&example(&configuration, &ports, &mut shell, &upstream), &["--concurrency", "1"]);
    let admin = envoy.admin();
    let gateway = eventually(SOON, "Envoy's listener", || admin.listener_port());
    let token = shell.secret("token");
    let passes = || {
        let response = Request::get("/orders/7").bearer(&token).send(gateway);
        (outcome(&response) == "allowed gold").then_some(())
    };
    eventually(SOON, "a request with the token passing", passes);
    shell.run(&later);
    eventually(SOON, "a request with the token passing again", passes);
    shell.end();
}

fn page_of(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).expect("the page")
}

/// The blocks of a language, in order.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("```").next().expect("a block").to_owned()).collect()
}

/// The smallest example with this configuration in the place of its own, and what the page says that it needs.
fn example(configuration: &str, ports: &Ports, shell: &mut Shell, upstream: &Upstream) -> Example {
    let (registry, configuration) = (ports.of("8081"), ports.put_into(configuration));
    let own: String = configuration.lines().map(|line| format!("{}{line}\n", " ".repeat(20))).collect();
    let mut example = Example::named("envoy.yaml")
        .with("[IDP_CLIENT_SECRET]", "[IDP_CLIENT_SECRET, CONTRACTS_AUTH]")
        .with("address: 0.0.0.0, port_value: 8080", "address: 127.0.0.1, port_value: 0")
        .with("port_value: 9901", "port_value: 0")
        .reaching("idp", 4000, ports.of("4000"))
        .reaching("upstream", 9000, upstream.port());
    let (before, rest) = example.text.split_once("                  value:\n").expect("its configuration");
    let (_, after) = rest.split_once("          - name: envoy.filters.http.router").expect("the router");
    example.text = format!(
        "{before}                  value:\n{own}          - name: envoy.filters.http.router{after}  - name: registry\n    \
         type: STATIC\n    load_assignment:\n      cluster_name: registry\n      endpoints: [{{lb_endpoints: [{{endpoint: \
         {{address: {{socket_address: {{address: 127.0.0.1, port_value: {registry}}}}}}}}}]}}]\n",
    );
    example.environment =
        ["IDP_CLIENT_SECRET", "CONTRACTS_AUTH"].map(|name| (name.to_owned(), shell.secret(name))).into();
    example
}

/// Those that the pages name, and the ones that are used in their place.
#[derive(Clone)]
struct Ports([(&'static str, u16); 4]);

impl Ports {
    fn free() -> Self {
        Self(["4000", "8080", "8081", "8082"].map(|named| (named, port::free())))
    }

    fn of(&self, named: &str) -> u16 {
        self.0.iter().find(|(name, _)| *name == named).expect("a port of the pages").1
    }

    fn put_into(&self, text: &str) -> String {
        // Not one by one: a port that is used may have one that is named among its digits.
        let (mut rest, mut done) = (text, String::new());
        while let Some(next) = rest.chars().next() {
            let found = self.0.iter().find(|(named, _)| rest.starts_with(named));
            let taken = found.map_or(next.len_utf8(), |(named, _)| named.len());
            done.push_str(&found.map_or(next.to_string(), |(_, port)| port.to_string()));
            rest = &rest[taken..];
        }
        done
    }
}

/// A shell that is given one block after the other. What it has started ends with it.
struct Shell {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    ports: Ports,
    script: String,
}

impl Shell {
    fn start(scratch: &Scratch, ports: &Ports) -> Self {
        let programs = prerequisites::registry();
        let programs = programs.parent().expect("a folder").display();
        let path = format!("{programs}:{}", std::env::var("PATH").expect("a path"));
        let log = fs::File::create(scratch.file("shell.log")).expect("a log file");
        let folder = scratch.file("shell.log");
        let mut process = Command::new("timeout")
            .args([MOST, "bash"])
            .current_dir(folder.parent().expect("a folder"))
            .env("PATH", path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("start a shell");
        let (input, output) = (process.stdin.take(), process.stdout.take().expect("its output"));
        let server = prerequisites::oidc_provider().join("server.mjs").display().to_string();
        let mut shell = Self { process, input, output: BufReader::new(output), ports: ports.clone(), script: server };
        shell.run("set -euo pipefail\ntrap 'kill $(jobs -p); wait' EXIT\n");
        shell
    }

    /// What a block prints.
    #[track_caller]
    fn run(&mut self, block: &str) -> String {
        let block = self.ports.put_into(block).replace("tests/oidc-provider/server.mjs", &self.script);
        let input = self.input.as_mut().expect("its input");
        writeln!(input, "{block}\nprintf '\\n{MARK}\\n'").expect("write a block");
        let mut printed = String::new();
        while !printed.ends_with(&format!("\n{MARK}\n")) {
            let read = self.output.read_line(&mut printed).expect("a line");
            assert!(read > 0, "the shell ended, see shell.log: {block}\n{printed}");
        }
        printed.trim_end_matches(&format!("\n{MARK}\n")).to_owned()
    }

    /// The value of a variable, which is to be seen nowhere.
    #[track_caller]
    fn secret(&mut self, name: &str) -> String {
        let value = self.run(&format!("printf '%s' \"${name}\""));
        secrecy::register(&value);
        value
    }

    #[track_caller]
    fn end(mut self) {
        drop(self.input.take());
        eventually(SOON, "the shell's end", || self.process.try_wait().expect("its state"));
    }
}
