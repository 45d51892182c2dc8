//! Clients limited by the SLA tier of their contracts, with the filters of `envoy/rate-limit.yaml` as they stand there.

use std::time::Instant;

use http::Method;
use serde_json::{Value, json};
use yaml_rust2::{Yaml, YamlLoader};

use crate::harness::client::{Connection, Request, Response};
use crate::harness::gateway::Gateway;
use crate::harness::http2_client::{self, Http2Request};
use crate::harness::secrecy;
use crate::harness::upstream::Received;

const WORKERS: usize = 2;
/// Of the file: requests a second.
const GOLD: usize = 100;
const BRONZE: usize = 10;
const WITHOUT_TIER: usize = 2;

/// The HTTP filters of the file: Tessera's configuration and the rate limit's.
fn filters() -> (Value, Value) {
    let text = include_str!("../../envoy/rate-limit.yaml");
    let document = to_json(&YamlLoader::load_from_str(text).unwrap()[0]);
    let chain = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";
    let filters = document.pointer(chain).unwrap().as_array().unwrap();
    let names: Vec<_> = filters.iter().map(|filter| filter["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["tessera", "envoy.filters.http.local_ratelimit", "envoy.filters.http.router"]);
    let tessera = filters[0].pointer("/typed_config/config/configuration/value").unwrap();
    (tessera.clone(), filters[1]["typed_config"].clone())
}

fn to_json(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Hash(map) => map.iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), to_json(value))).collect(),
        Yaml::Array(list) => list.iter().map(to_json).collect(),
        Yaml::String(text) => json!(text),
        Yaml::Integer(number) => json!(number),
        Yaml::Boolean(truth) => json!(truth),
        other => panic!("{other:?}"),
    }
}

/// The file's gateway; `batch-2` is one more client of the tier `bronze`.
fn gateway() -> Gateway {
    let (mut tessera, limit) = filters();
    let inline = tessera.pointer_mut("/contracts/inline").unwrap().as_array_mut().unwrap();
    inline.push(json!({"api": "orders-v1", "client_id": "batch-2", "tier": "bronze"}));
    let secret = secrecy::secret("gateway-secret");
    secrecy::register_client("gateway", &secret);
    Gateway::start_with(tessera, |builder| {
        let builder = builder.workers(WORKERS).environment("IDP_CLIENT_SECRET", &secret);
        builder.filter("envoy.filters.http.local_ratelimit", limit)
    })
}

/// What became of many requests, sent one after the other on connections to every worker.
struct Burst {
    passed: Vec<Response>,
    limited: Vec<Response>,
    /// Seconds.
    took: f64,
    /// When the last was sent that was limited, and how many have passed since.
    emptied: Option<(Instant, usize)>,
}

fn burst(connections: &mut [Connection], count: usize, request: impl Fn(usize) -> Request) -> Burst {
    let start = Instant::now();
    let mut burst = Burst { passed: Vec::new(), limited: Vec::new(), took: 0.0, emptied: None };
    for number in 0..count {
        let sent = Instant::now();
        let turn = number % connections.len();
        let response = connections[turn].send(&request(number));
        if response.status == 200 {
            burst.emptied = burst.emptied.map(|(when, since)| (when, since + 1));
            burst.passed.push(response);
        } else {
            assert_eq!(response.status, 429, "{response:?}");
            burst.emptied = Some((sent, 0));
            burst.limited.push(response);
        }
    }
    burst.took = start.elapsed().as_secs_f64();
    burst
}

/// How many are limited of requests that are sent without waiting for the answers before.
fn limited_in_a_flood(port: u16, count: usize, token: &str) -> usize {
    let requests = (0..count).map(|_| Http2Request::new(Method::GET, "/orders/1").bearer(token));
    let statuses: Vec<_> = http2_client::send_all(port, requests).iter().map(|response| response.status).collect();
    assert!(statuses.iter().all(|status| [200, 429].contains(status)), "{statuses:?}");
    statuses.iter().filter(|status| **status == 429).count()
}

impl Burst {
    /// A full bucket of that many a second was emptied, and what has flowed into it since.
    #[track_caller]
    fn assert_limited_to(&self, rate: usize) {
        let most = rate as f64 * (1.0 + self.took) + 1.0;
        let passed = self.passed.len();
        assert!(passed >= rate && passed as f64 <= most && !self.limited.is_empty(), "{passed} in {} s", self.took);
    }

    /// Nothing but what has flowed into the bucket that the burst before had emptied.
    #[track_caller]
    fn assert_nothing_but_the_trickle(&self, rate: usize, before: &Self) {
        let (emptied, since) = before.emptied.expect("an empty bucket");
        let (passed, most) = (since + self.passed.len(), rate as f64 * emptied.elapsed().as_secs_f64() + 1.0);
        assert!(passed as f64 <= most && !self.limited.is_empty(), "{passed} passed");
    }
}

#[test]
fn each_client_is_limited_by_its_tier_and_told_so() {
    let gateway = gateway();
    let mut connections = gateway.envoy.connections_on_every_worker();
    let token = |client: &str| gateway.token(json!({"client_id": client, "scope": "orders.read"}));
    let [portal, batch, batch_2, guest] = ["portal", "batch", "batch-2", "guest"].map(token);
    let orders = |token: &str| Request::get("/orders/1").bearer(token);

    let bronze = burst(&mut connections, 5 * BRONZE, |_| orders(&batch));
    bronze.assert_limited_to(BRONZE);
    // Its neighbour's bucket is full, and the better tier's is larger.
    burst(&mut connections, 5 * BRONZE, |_| orders(&batch_2)).assert_limited_to(BRONZE);
    let gold = burst(&mut connections, 5 * BRONZE, |_| orders(&portal));
    assert!(gold.limited.is_empty() && gold.passed.len() > bronze.passed.len());
    assert!(limited_in_a_flood(gateway.envoy.port(), 4 * GOLD, &portal) > 0);
    burst(&mut connections, 5 * WITHOUT_TIER, |_| orders(&guest)).assert_limited_to(WITHOUT_TIER);
    eprintln!(
        "of {} each in {:.2} s: bronze {}, gold {}",
        5 * BRONZE,
        bronze.took,
        bronze.passed.len(),
        gold.passed.len()
    );

    let refused = bronze.limited.last().unwrap();
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.header("x-ratelimit-remaining"), Some("0"));
    assert!(refused.header("x-ratelimit-limit").unwrap().starts_with("10"), "{refused:?}");
    assert!(refused.header("x-ratelimit-reset").is_some());
    let passed = &bronze.passed[0];
    assert_eq!((passed.header("retry-after"), passed.header("x-ratelimit-remaining")), (None, Some("9")));
    gateway.envoy.assert_no_vm_reload();
}

#[test]
fn headers_of_the_clients_own_choose_no_bucket() {
    let gateway = gateway();
    let mut connections = gateway.envoy.connections_on_every_worker();
    let token = |client: &str| gateway.token(json!({"client_id": client, "scope": "orders.read"}));
    let [batch, guest] = ["batch", "guest"].map(token);
    // Another tier, another client's name, and a new name each time, in any spelling and more than once.
    let spoofed = |token: &str, number: usize| {
        let client = if number.is_multiple_of(2) { "portal".to_owned() } else { format!("client-{number}") };
        Request::get("/orders/1")
            .header("x-sla-tier", "gold")
            .header("X-SLA-Tier", "gold")
            .header("X-Client-Id", &client)
            .header("x-client-id", "portal")
            .bearer(token)
    };
    let bronze = burst(&mut connections, 5 * BRONZE, |number| spoofed(&batch, number));
    bronze.assert_limited_to(BRONZE);
    for response in &bronze.passed {
        let received = Received::from(response);
        let identity = ["x-client-id", "x-sla-tier"].map(|name| received.headers.only(name));
        assert_eq!(identity, [Some("batch"), Some("bronze")]);
    }
    burst(&mut connections, 5 * BRONZE, |_| Request::get("/orders/1").bearer(&batch))
        .assert_nothing_but_the_trickle(BRONZE, &bronze);
    burst(&mut connections, 5 * WITHOUT_TIER, |number| spoofed(&guest, number)).assert_limited_to(WITHOUT_TIER);
    // And nobody has emptied the bucket of the client whose name was used.
    let portal = token("portal");
    let gold = burst(&mut connections, 5 * BRONZE, |_| Request::get("/orders/1").bearer(&portal));
    assert!(gold.limited.is_empty());
    gateway.envoy.assert_no_vm_reload();
}
