//! Doing what a plan says.

use crate::abi::{HttpFilter, Map};
use crate::edits::EditList;
use crate::plan::{End, Plan};
use crate::plugin::Plugin;
use tessera_core::port::RequestHead;

/// Changes a request as a plan says, and tells how it ends then. `by` is whose plan it is, if there is anybody to make
/// another one. The request is still there when this returns.
pub fn prepare(map: Map, plan: Plan, filter: &mut HttpFilter<'_>, by: Option<(&Plugin, usize)>) -> End {
    let Plan { edits, states, end, .. } = plan;
    if edits.apply(map, filter).is_err() && !matches!(end, End::Reply(..)) {
        // The headers could not be made trustworthy: it must not pass.
        let plan = by.map_or_else(Plan::fail, |(plugin, shard)| plugin.fail(shard, None, filter));
        return prepare(map, Plan { edits: EditList::default(), ..plan }, filter, None);
    }
    for (name, value) in &states {
        // The names that Proxy-Wasm's properties have in the filter state.
        filter.set_state(&format!("wasm.{name}"), value);
    }
    end
}

/// Ends a request so; whether it passes, which has been held back or not. Envoy may have ended it when this returns.
pub fn finish(end: End, mut filter: HttpFilter<'_>, is_held: bool) -> bool {
    match end {
        End::Wait => false,
        End::Pass | End::PassAnew => {
            if matches!(end, End::PassAnew) {
                filter.clear_route_cache();
            }
            if is_held {
                filter.resume();
            }
            true
        }
        End::Reply(mut reply, outcome) => {
            let details = format!("tessera.{}", outcome.name());
            // Envoy would give a caller that speaks gRPC a status of 0, which is success, for every reply of a dynamic
            // module; one that is there it keeps.
            if filter.head(Map::Headers).is_ok_and(|head| speaks_grpc(&head)) {
                reply.headers.push(("grpc-status", grpc_status(reply.status).to_string()));
            }
            filter.reply(reply.status, &reply.headers, &reply.body, &details);
            false
        }
    }
}

/// As Envoy tells it: `application/grpc`, alone or with a `+` or `;` behind it.
fn speaks_grpc(head: &impl RequestHead) -> bool {
    let rest = head.first("content-type").and_then(|value| value.strip_prefix(b"application/grpc"));
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

/// What a status of HTTP is in gRPC (its document "HTTP to gRPC Status Code Mapping").
fn grpc_status(status: u16) -> u8 {
    match status {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502 | 503 | 504 => 14,
        _ => 2,
    }
}
