//! A contract source of any size: rows are made when asked for, pages are linked (RFC 8288), versions have an ETag.
//!
//! `/v1/contracts` is the document. `/advance` makes the next version, in which every contract has another tier;
//! `/state` tells the version and when its first page was first asked for.

use crate::authorization_server::{micros, unix_time};
use crate::server::{Reply, Request, serve};
use crate::token::client;
use std::fmt::Write;
use std::sync::Mutex;

const TIERS: [&str; 2] = ["gold", "silver"];

#[derive(Default)]
struct State {
    version: u64,
    polls: u64,
    /// When the current version was first sent, in microseconds since the Unix epoch; 0 = not yet.
    first_sent_unix_us: u64,
}

/// Serves `rows` contracts in pages of `page_rows` until standard input closes.
pub fn run(rows: u64, page_rows: u64) -> Result<(), String> {
    let page_rows = page_rows.max(1);
    let state = Mutex::new(State::default());
    serve(move |request| {
        let Ok(mut state) = state.lock() else {
            return Reply::empty("500 Internal Server Error");
        };
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        match path {
            "/advance" => {
                state.version += 1;
                state.first_sent_unix_us = 0;
                Reply::empty("200 OK")
            }
            "/state" => Reply::json(format!(
                r#"{{"version":{},"polls":{},"first_sent_unix_us":{},"tier":"{}"}}"#,
                state.version,
                state.polls,
                state.first_sent_unix_us,
                tier(state.version)
            )),
            "/v1/contracts" => document(&mut state, request, query, rows, page_rows),
            _ => Reply::empty("404 Not Found"),
        }
    })
}

fn document(state: &mut State, request: &Request, query: &str, rows: u64, page_rows: u64) -> Reply {
    let page = query.split('&').find_map(|field| field.strip_prefix("page=")?.parse().ok()).unwrap_or(0_u64);
    let etag = format!("\"{}\"", state.version);
    if page == 0 {
        state.polls += 1;
        if request.header("if-none-match") == Some(etag.as_str()) {
            return Reply::empty("304 Not Modified");
        }
        if state.first_sent_unix_us == 0 {
            state.first_sent_unix_us = micros(unix_time());
        }
    }
    let from = page.saturating_mul(page_rows).min(rows);
    let to = from.saturating_add(page_rows).min(rows);
    let mut reply = Reply::json(body(from, to, tier(state.version)));
    reply.headers.push(("etag", etag));
    if to < rows {
        let link = format!("</v1/contracts?page={}>; rel=\"next\"", page + 1);
        reply.headers.push(("link", link));
    }
    reply
}

fn tier(version: u64) -> &'static str {
    let [even, odd] = TIERS;
    if version.is_multiple_of(2) { even } else { odd }
}

fn body(from: u64, to: u64, tier: &str) -> String {
    let mut text = String::from(r#"{"contracts":["#);
    for row in from..to {
        let comma = if row == from { "" } else { "," };
        let client = client(row);
        // Writing to a String cannot fail.
        let _ =
            write!(text, r#"{comma}{{"api":"orders-v1","client_id":"{client}","status":"active","tier":"{tier}"}}"#);
    }
    text.push_str("]}");
    text
}
