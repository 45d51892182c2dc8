//! The demo in containers without containers: its Compose file as Compose reads it, and its services' own commands and
//! environments as processes of this machine.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::harness::compose::{Compose, Process};
use crate::harness::eventually::{SOON, eventually};
use crate::harness::example::{Example, Running};
use crate::harness::host::Host;
use crate::harness::port;
use crate::harness::secrecy;

/// The tour waits for its services for a minute by itself.
const TOUR: Duration = Duration::from_secs(180);

#[test]
fn every_service_is_confined_and_reached_by_loopback_only() {
    assert_eq!(Compose::read(&[]).project(), "tessera-demo");
    assert_eq!(published(&Compose::read(&[])), [4000, 4100, 8080, 9901]);
    assert_eq!(published(&Compose::with_registry(&[])), [4000, 4100, 8080, 8088, 9901]);
}

/// The ports by which the confined services are reached.
fn published(compose: &Compose) -> Vec<u64> {
    let mut published = Vec::new();
    for (name, service) in compose.services() {
        for member in ["init", "read_only"] {
            assert_eq!(service.get(member), true, "{name}: {member}");
        }
        assert_eq!(service.get("cap_drop")[0], "ALL", "{name}");
        assert_eq!(service.get("security_opt")[0], "no-new-privileges:true", "{name}");
        let user = service.get("user").as_str().and_then(|user| user.split(':').next()?.parse().ok());
        assert!(user.is_some_and(|user: u32| user > 0), "{name} runs as {user:?}");
        let is_checked = !service.get("healthcheck").is_null();
        assert_eq!(is_checked, name != "tour", "{name}: a health check, unless it ends by itself");
        for (address, port, inside) in service.ports() {
            assert_eq!(address, "127.0.0.1", "{name}");
            published.push((port, inside));
        }
    }
    let mut inside: Vec<_> = published.iter().map(|(_, inside)| *inside).collect();
    inside.sort_unstable();
    assert!(published.iter().all(|(port, inside)| *port == inside.to_string()), "{published:?}");
    inside
}

#[test]
fn the_registry_serves_the_contracts_that_envoy_polls() {
    let compose = Compose::with_registry(&[]);
    let registry = compose.service("contracts");
    let [flag, path, command] = <[String; 3]>::try_from(registry.command()).expect("three words");
    assert_eq!((flag.as_str(), command.as_str()), ("--config", "serve"));
    let mounted = &registry.get("configs")[0];
    assert_eq!((mounted["source"].as_str(), mounted["target"].as_str()), (Some("registry"), Some(path.as_str())));
    assert_eq!(registry.get("build")["dockerfile"], "registry/Dockerfile");
    assert_eq!(registry.get("depends_on")["postgres"]["condition"], "service_healthy");
    let given: Vec<_> = registry.environment().into_iter().map(|(name, _)| name).collect();
    let settings = fs::read_to_string(compose.config("registry")).expect("its configuration");
    let named = |name: &&String| settings.contains(&format!("{{env = \"{name}\"}}"));
    assert_eq!(given.iter().filter(named).count(), 2, "{given:?}");

    // Where Envoy polls is where it listens, and a poll that it holds has the time for that.
    let example = Example::named("envoy.full.yaml").text;
    assert!(
        example.contains("url: http://contracts:4100/v1/contracts\n") && settings.contains("feed = \"0.0.0.0:4100\"")
    );
    assert!(example.contains("prefer: \"wait=20\"") && example.contains("timeout: 25s "), "{example}");
    let check = registry.get("healthcheck")["test"].to_string();
    assert!(
        check.contains("/8082;") && check.contains("GET /readyz ") && settings.contains("ops = \"127.0.0.1:8082\"")
    );
}

#[test]
fn each_port_can_be_moved_and_the_tour_is_told() {
    let moved =
        [("GATEWAY_PORT", "18080"), ("IDP_PORT", "14000"), ("CONTRACTS_PORT", "14100"), ("ADMIN_PORT", "19901")];
    let compose = Compose::read(&moved);
    for (_, service) in compose.services() {
        for (_, port, inside) in service.ports() {
            assert_eq!(port, (10_000 + inside).to_string());
        }
    }
    let tour = compose.service("tour").command().join(" ");
    for port in ["18080", "14000", "19901"] {
        assert!(tour.contains(&format!("-here=http://localhost:{port}")), "{tour}");
    }
}

#[test]
fn what_is_built_are_stages_with_arguments_of_the_dockerfile() {
    let dockerfile = fs::read_to_string(repository().join("envoy/Dockerfile")).expect("the Dockerfile");
    let images = ["RUST_IMAGE", "NATIVE_RUST_IMAGE", "ENVOY_IMAGE", "NODE_IMAGE", "PYTHON_IMAGE"]
        .map(|name| (name, "registry.example/image"));
    let native = [("ENVOY_TARGET", "envoy-native")];
    for variables in [&[][..], &images, &native] {
        for (name, service) in Compose::read(variables).services() {
            let build = service.get("build");
            let stage = build["target"].as_str().expect("a stage");
            assert!(dockerfile.contains(&format!(" AS {stage}\n")), "{name}: no stage {stage}");
            let given: Vec<_> =
                build["args"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
            for argument in &given {
                assert!(dockerfile.contains(&format!("ARG {argument}=")), "{name}: no argument {argument}");
            }
            // Nothing is said of an image twice: unset means the Dockerfile's.
            assert_eq!(given.is_empty(), variables != images, "{name}: {given:?}");
            assert_eq!(stage == "envoy-native", name == "envoy" && variables == native, "{name}: {stage}");
        }
    }
}

#[test]
fn the_tour_comes_out_as_the_readme_shows_it() {
    let printed = tour_of(Host::of_tests().smallest_example());
    let readme = fs::read_to_string(repository().join("README.md")).expect("the README");
    let shown = table(&readme);
    assert!(shown.len() > 5, "{shown:#?}");
    assert_eq!(table(&printed), shown, "{printed}");
    for hint in
        ["http://localhost:8080/orders/7", "curl -u ", "http://localhost:9901/stats", "--profile tour down --rmi local"]
    {
        assert!(printed.contains(hint), "no {hint}:\n{printed}");
    }
}

#[test]
fn the_full_example_runs_as_it_stands_with_the_services_of_the_demo() {
    let printed = tour_of("envoy.full.yaml");
    assert!(table(&printed).iter().all(|row| row.contains('✓')), "{printed}");
    // Envoy is asked under a name of which the file says that its API is served there.
    let compose = Compose::read(&[]);
    let name = compose.service("envoy").get("networks")["default"]["aliases"][0].as_str().expect("a name").to_owned();
    assert!(compose.service("tour").command().contains(&format!("--gateway=http://{name}:8080")));
    assert!(Example::named("envoy.full.yaml").text.contains(&format!("hosts: [{name}, ")));
}

/// What the tour prints of this example, with secrets in which each character means something to somebody.
fn tour_of(example: &str) -> String {
    let secret = || {
        let secret = format!(r#"{}"\$x${{y}}%41+: '&=#{{}}"#, secrecy::secret("tour"));
        secrecy::register(&secret);
        secret
    };
    let (gateway, portal, guest) = (secret(), secret(), secret());
    let contracts = format!("Bearer {}", secrecy::secret("contracts"));
    let compose = Compose::read(&[
        ("IDP_CLIENT_SECRET", &gateway),
        ("PORTAL_SECRET", &portal),
        ("GUEST_SECRET", &guest),
        ("CONTRACTS_AUTH", &contracts),
        ("ENVOY_CONFIG", example),
    ]);
    let ports = Ports::free();
    let at = |name: &str, old: u16, new: u16| (format!("http://{name}:{old}"), format!("http://127.0.0.1:{new}"));
    let on_own_port = |old: u16, new: u16| vec![(old.to_string(), new.to_string())];

    // The issuer is a name, whoever reaches it and where.
    let mut idp = vec![("http://idp:4000".into(), "http://idp:issuer".into()), ("0.0.0.0".into(), "127.0.0.1".into())];
    idp.extend(on_own_port(4000, ports.idp).into_iter().chain(on_own_port(4001, ports.control)));
    idp.push(("http://idp:issuer".into(), "http://idp:4000".into()));
    let _services: [Process; 3] = [
        compose.service("idp").spawn("tests/oidc-provider", &idp),
        compose.service("contracts").spawn("envoy/demo", &on_own_port(4100, ports.contracts)),
        compose.service("upstream").spawn("envoy/demo", &on_own_port(9000, ports.upstream)),
    ];
    let (mut envoy, arguments) = (Example::named(example), compose.service("envoy").command());
    assert_eq!(arguments[..2], ["--config-path".to_owned(), format!("/etc/envoy/{example}")]);
    envoy.environment = compose.service("envoy").environment();
    envoy = envoy
        .with("address: 0.0.0.0, port_value: 8080", "address: 127.0.0.1, port_value: 0")
        .reaching("idp", 4000, ports.idp)
        .reaching("upstream", 9000, ports.upstream);
    if envoy.text.contains("address: contracts") {
        envoy = envoy.reaching("contracts", 4100, ports.contracts);
    }
    let arguments: Vec<_> = arguments[2..]
        .iter()
        .map(|word| word.replace("address: 0.0.0.0, port_value: 9901", "address: 127.0.0.1, port_value: 0"))
        .collect();
    let mut envoy = Running::spawn(&envoy, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let admin = envoy.admin();
    let listener = eventually(SOON, "Envoy's listener", || admin.listener_port());

    let reached = [at("api.example.com", 8080, listener), at("idp", 4000, ports.idp), at("idp", 4001, ports.control)];
    let mut tour = compose.service("tour").spawn("envoy/demo", &reached);
    let status = eventually(TOUR, "the end of the tour", || tour.child.try_wait().expect("the process's state"));
    let printed = tour.printed();
    assert!(status.success(), "{printed}");
    printed
}

/// The rows of the demo's table: request, expected and given status, how often was asked.
fn table(text: &str) -> Vec<String> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with("    request "));
    let width = lines.next().and_then(|head| head.find("   answer")).expect("the table's head");
    let rows = lines.take_while(|line| !line.is_empty() && !line.starts_with("```"));
    rows.filter(|line| !line.starts_with("     ")).map(|line| line.chars().take(width).collect()).collect()
}

/// Ports that nobody listened on a moment ago.
struct Ports {
    idp: u16,
    control: u16,
    contracts: u16,
    upstream: u16,
}

impl Ports {
    fn free() -> Self {
        let [idp, control, contracts, upstream] = [(); 4].map(|()| port::free());
        Self { idp, control, contracts, upstream }
    }
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
