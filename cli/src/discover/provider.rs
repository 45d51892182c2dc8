//! The provider of the configuration.

use super::server::{Endpoint, Server};
use crate::yaml_text::Yaml;
use tessera_core::jose::algorithm::Algorithm;
use tessera_core::jose::sign::SigningAlgorithm;

/// What the server does not say.
pub struct Names<'a> {
    pub name: &'a str,
    pub cluster: &'a str,
    pub client_id: &'a str,
    pub secret_env: &'a str,
}

/// How the gateway may authenticate, the first is the default.
const METHODS: [&str; 4] = ["client_secret_basic", "client_secret_post", "private_key_jwt", "client_secret_jwt"];

const SIGNING: &str = "introspection_endpoint_auth_signing_alg_values_supported";
const ID_TOKENS: &str = "id_token_signing_alg_values_supported";

pub fn provider(server: &Server, names: &Names<'_>) -> Yaml {
    let name = Yaml::text(names.name).with_comment("in metrics, contracts and headers; choose any");
    let issuer = Yaml::text(&server.issuer).with_comment("issuer, which tokens must have as iss");
    let source = match &server.endpoint {
        Endpoint::Introspection(url) => ("introspection", introspection(server, url, names)),
        Endpoint::Keys(url) => ("jwt", jwt(server, url, names)),
    };
    let audiences = Yaml::texts::<String>([]).with_comment("SET IT to what the server puts into aud for this API");
    Yaml::object([("name", name), ("issuer", issuer), source, ("audiences", audiences)])
}

fn introspection(server: &Server, url: &str, names: &Names<'_>) -> Yaml {
    let client = client(server, names).with_comment("the gateway, as registered there");
    Yaml::object([
        ("endpoint", Yaml::text(url).with_comment("introspection_endpoint")),
        ("cluster", Yaml::text(names.cluster).with_comment("the Envoy cluster that reaches it")),
        ("client", client),
    ])
    .with_comment("RFC 7662")
}

fn client(server: &Server, names: &Names<'_>) -> Yaml {
    let listed = server.methods();
    let (method, from) = match listed.iter().find(|method| METHODS.contains(method)) {
        Some(method) => (*method, "introspection_endpoint_auth_methods_supported"),
        None if listed.is_empty() => ("client_secret_basic", "a guess: the server lists none"),
        None => ("client_secret_basic", "a guess: the server lists none that the gateway knows"),
    };
    let mut members = vec![
        ("auth", Yaml::text(method).with_comment(from)),
        ("id", Yaml::text(names.client_id).with_comment("--client-id")),
    ];
    let secret = Yaml::object([("env", Yaml::text(names.secret_env).with_comment("--secret-env"))]);
    match method {
        "private_key_jwt" => {
            members.push(("algorithm", algorithm(server, "ES256", |algorithm| algorithm.key_kind().is_some())));
            members.push(("key", secret.with_comment("private key: PEM (PKCS #8) or a JWK")));
        }
        "client_secret_jwt" => {
            members.push(("algorithm", algorithm(server, "HS256", |algorithm| algorithm.key_kind().is_none())));
            members.push(("secret", secret.with_comment("client secret")));
        }
        _ => members.push(("secret", secret.with_comment("client secret"))),
    }
    Yaml::object(members)
}

fn algorithm(server: &Server, guess: &'static str, fits: fn(SigningAlgorithm) -> bool) -> Yaml {
    let listed = server.list(SIGNING).unwrap_or_default();
    let known = |name: &&str| SigningAlgorithm::NAMED.iter().any(|(known, is)| known == name && fits(*is));
    match listed.into_iter().find(known) {
        Some(name) => Yaml::text(name).with_comment(SIGNING),
        None => Yaml::text(guess).with_comment("a guess: the server lists none that the gateway knows"),
    }
}

fn jwt(server: &Server, url: &str, names: &Names<'_>) -> Yaml {
    let keys = Yaml::object([
        ("url", Yaml::text(url).with_comment("jwks_uri")),
        ("cluster", Yaml::text(names.cluster).with_comment("the Envoy cluster that reaches it")),
    ]);
    let listed = server.list(ID_TOKENS).unwrap_or_default();
    let known: Vec<&str> =
        Algorithm::ALL.into_iter().map(Algorithm::name).filter(|name| listed.contains(name)).collect();
    let algorithms = if known.is_empty() {
        Yaml::texts(["RS256"]).with_comment("a guess: RFC 9068 section 4 asks every server for it")
    } else {
        Yaml::texts(known).with_comment(ID_TOKENS)
    };
    Yaml::object([("keys", keys), ("algorithms", algorithms)]).with_comment("RFC 9068; no introspection_endpoint")
}
