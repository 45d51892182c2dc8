//! What a caller receives who asks for the metadata of a protected resource (RFC 9728 §3).

use super::Reply;

const METHODS: &str = "GET, HEAD, OPTIONS";

/// For how long clients may keep the metadata, in seconds.
const MAX_AGE: u32 = 3600;

/// The reply to a request with this method. That to `HEAD` is as that to `GET`: the host leaves out the body.
pub fn reply(method: &[u8], document: &str) -> Reply {
    // There is nothing in it that a page of any origin must not see.
    let mut headers = vec![("access-control-allow-origin", "*".to_owned())];
    let (status, body) = match method {
        b"GET" | b"HEAD" => {
            headers.push(("content-type", "application/json".to_owned()));
            headers.push(("cache-control", format!("public, max-age={MAX_AGE}")));
            (200, document.to_owned())
        }
        // A preflight of a browser: clients send headers of their own, such as `mcp-protocol-version`.
        b"OPTIONS" => {
            headers.push(("allow", METHODS.to_owned()));
            headers.push(("access-control-allow-methods", METHODS.to_owned()));
            headers.push(("access-control-allow-headers", "*".to_owned()));
            headers.push(("access-control-max-age", MAX_AGE.to_string()));
            (204, String::new())
        }
        _ => {
            headers.push(("allow", METHODS.to_owned()));
            (405, String::new())
        }
    };
    Reply { status, headers, body }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_read_by_everybody_and_changed_by_nobody() {
        for method in ["GET", "HEAD"] {
            let Reply { status, headers, body } = reply(method.as_bytes(), "{}");
            assert_eq!((status, body.as_str()), (200, "{}"));
            assert!(headers.contains(&("content-type", "application/json".to_owned())));
            assert!(headers.contains(&("cache-control", "public, max-age=3600".to_owned())));
        }
        let preflight = reply(b"OPTIONS", "{}");
        assert_eq!((preflight.status, preflight.body.as_str()), (204, ""));
        assert!(preflight.headers.contains(&("access-control-allow-methods", METHODS.to_owned())));
        for method in ["POST", "PUT", "DELETE", "get", "TRACE", "CONNECT", "", "\u{e9}"] {
            let Reply { status, headers, body } = reply(method.as_bytes(), "{}");
            assert_eq!((status, body.as_str()), (405, ""), "{method}");
            assert!(headers.contains(&("allow", METHODS.to_owned())));
        }
        for method in ["GET", "HEAD", "OPTIONS", "POST"] {
            assert!(reply(method.as_bytes(), "").headers.contains(&("access-control-allow-origin", "*".to_owned())));
        }
    }
}
