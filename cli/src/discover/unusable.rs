//! Why nothing can be written.

use tessera_core::base::http::HttpUrl;
use tessera_core::base::printable::Printable;

/// A sentence for people.
pub enum Unusable {
    /// It could not be asked, or nobody answered.
    Unanswered(String),
    /// Something was answered, but it is not what is needed.
    Unsound(String),
}

/// Cleartext stays on this machine.
///
/// # Errors
/// A sentence about `what`.
pub fn check_scheme(url: &HttpUrl, what: &str) -> Result<(), String> {
    let host = url.host().to_ascii_lowercase();
    let is_loopback = matches!(&*host, "localhost" | "[::1]")
        || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    if url.scheme() == "https" || is_loopback {
        return Ok(());
    }
    Err(format!("{what} must begin with \"https://\": only a loopback host may have \"http://\""))
}

/// A foreign text in a message.
pub fn shown(text: &str) -> Printable<'_> {
    Printable { text, limit: 200 }
}
