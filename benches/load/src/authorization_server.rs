//! An authorization server that reads its answer off the token: introspection (RFC 7662) and an `ext_authz` endpoint.

use crate::server::{Reply, Request, serve};
use crate::token::MARK;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Tokens live for a day: longer than any run.
const LIFETIME_SECONDS: u64 = 86_400;

/// What the server saw, told by `GET /state`.
#[derive(Default)]
struct State {
    introspections: u64,
    last_answer_unix_us: u64,
}

/// Serves until standard input closes; every introspection takes `delay_ms` longer.
pub fn run(delay_ms: u64) -> Result<(), String> {
    let state = Mutex::new(State::default());
    let expires_at = unix_time().as_secs() + LIFETIME_SECONDS;
    serve(move |request| match request.target.split('?').next().unwrap_or_default() {
        "/introspect" | "/bound" => {
            if delay_ms > 0 {
                std::thread::sleep(Duration::from_millis(delay_ms));
            }
            if let Ok(mut state) = state.lock() {
                state.introspections += 1;
                state.last_answer_unix_us = micros(unix_time());
            }
            introspect(request, expires_at)
        }
        "/state" => Reply::json(match state.lock() {
            Ok(state) => format!(
                r#"{{"introspections":{},"last_answer_unix_us":{}}}"#,
                state.introspections, state.last_answer_unix_us
            ),
            Err(_) => "null".into(),
        }),
        _ => admit(),
    })
}

fn introspect(request: &Request, expires_at: u64) -> Reply {
    let body = String::from_utf8_lossy(&request.body);
    let token = body
        .split('&')
        .find_map(|field| field.strip_prefix("token="))
        .unwrap_or_default()
        .replace("%7E", "~")
        .replace("%7e", "~");
    let client = match token.split_once(MARK) {
        Some(("bad", _)) => return Reply::json(r#"{"active":false}"#),
        Some((client, _)) => client,
        None => "portal",
    };
    // A client whose tokens are bound to its key names the key in the endpoint's address.
    let bound = request.target.split_once("?jkt=").map(|(_, key)| format!(r#","cnf":{{"jkt":"{key}"}}"#));
    let bound = bound.unwrap_or_default();
    Reply::json(format!(
        r#"{{"active":true,"client_id":"{client}","scope":"orders.read","token_type":"Bearer","exp":{expires_at}{bound}}}"#
    ))
}

/// The answer to `ext_authz`: any request is allowed, as client `portal` with tier `gold`.
fn admit() -> Reply {
    let mut reply = Reply::empty("200 OK");
    reply.headers = vec![("x-client-id", "portal".into()), ("x-sla-tier", "gold".into())];
    reply
}

/// Time since the Unix epoch.
pub fn unix_time() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Whole microseconds.
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
