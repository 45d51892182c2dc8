//! Which addresses are of this machine.

use std::net::IpAddr;

/// Whether the host is `localhost` or a loopback address; an IPv6 address may stand in brackets.
pub fn is_this(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    match bare.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => bare.strip_suffix('.').unwrap_or(bare).eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_this_machine_and_nothing_else_is() {
        for host in ["localhost", "LOCALHOST.", "127.0.0.1", "127.9.9.9", "::1", "[::1]", "::ffff:127.0.0.1"] {
            assert!(is_this(host), "{host}");
        }
        for host in ["", "idp", "localhost.example.com", "128.0.0.1", "0.0.0.0", "::2", "127.0.0.1.example.com"] {
            assert!(!is_this(host), "{host}");
        }
    }
}
