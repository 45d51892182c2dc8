//! The example of docs/mcp.md: an MCP client that knows a URL and nothing else, and an MCP server that knows nothing of
//! tokens. Nothing is ours but the filter between them.

use serde_json::Value;

use crate::harness::eventually::{SOON, eventually};
use crate::harness::example::{Example, Running};
use crate::harness::mcp::{McpServer, call};
use crate::harness::oidc::{Client, OidcProvider};
use crate::harness::port::ClosedPort;
use crate::harness::secrecy;

#[test]
fn a_client_finds_out_where_to_register_and_log_in_and_calls_a_tool() {
    // Its number is part of all that refers to the resource.
    let port = ClosedPort::new();
    let gateway = format!("http://127.0.0.1:{}", port.number());
    let url = format!("{gateway}/mcp");
    let client = Client::gateway("gateway");
    let idp = OidcProvider::start_with_people(std::slice::from_ref(&client), &url);
    let server = McpServer::start();
    let _envoy = start(&port, &client, &idp, &server);

    let lines = call(&url);
    let issuer = idp.issuer();
    let mut steps = vec![
        format!("POST {url} 401"),
        format!("GET {gateway}/.well-known/oauth-protected-resource/mcp 200"),
        format!("POST {issuer}/reg 201"),
        format!("POST {issuer}/token 200"),
        format!("POST {url} 200"),
    ]
    .into_iter()
    .peekable();
    for line in &lines {
        steps.next_if(|step| step == line);
    }
    assert_eq!(steps.next(), None, "the steps are not these, in this order: {lines:#?}");

    let said = |what: &str| lines.iter().find_map(|line| line.strip_prefix(what)).expect(what);
    secrecy::register(said("token "));
    let caller: Value = serde_json::from_str(said("whoami ")).expect("JSON");
    assert_eq!(caller["user"], "alice");
    assert!(caller["client"].as_str().is_some_and(|client| !client.is_empty()), "{caller}");
    assert_eq!(caller.get("token"), None, "the token is not forwarded");
}

/// Envoy with the example, as it stands but for ports.
#[track_caller]
fn start(port: &ClosedPort, client: &Client, idp: &OidcProvider, server: &McpServer) -> Running {
    let mut example = Example::named("mcp.yaml")
        .reaching("127.0.0.1", 8080, port.number())
        .reaching("127.0.0.1", 9901, 0)
        .reaching("127.0.0.1", 4000, idp.port())
        .reaching("127.0.0.1", 3000, server.port());
    for (shown, own) in [(8080, port.number()), (4000, idp.port())] {
        example.text = example.text.replace(&format!("http://127.0.0.1:{shown}"), &format!("http://127.0.0.1:{own}"));
    }
    example.environment = vec![("IDP_CLIENT_SECRET".into(), client.secret().into())];
    let mut envoy = Running::spawn(&example, &["--concurrency", "2"]);
    let admin = envoy.admin();
    eventually(SOON, "Envoy's listener", || admin.listener_port());
    envoy
}
