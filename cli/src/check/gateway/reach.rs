//! What is known of a cluster, whichever control plane makes it.

use super::cursor::Cursor;
use std::time::Duration;

/// What the files say of a cluster's name.
#[derive(Clone, Debug)]
pub enum Provided<'a> {
    /// It is provided elsewhere, or nothing here could provide it.
    Elsewhere,
    Missing,
    Here(Reach<'a>),
}

/// How a cluster reaches its servers.
#[derive(Clone, Debug)]
pub struct Reach<'a> {
    pub protection: Protection,
    /// Whether each known address is of this machine; `None` where none is known.
    pub is_local: Option<bool>,
    /// TLS that does not check whom it talks to.
    pub unchecked: Vec<Unchecked<'a>>,
    pub connect_timeout: Option<ConnectTimeout<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    None,
    /// From proxy to proxy, with the mesh's own certificates: nothing for a server that itself wants TLS.
    Mesh,
    Tls,
    /// Something else makes it, or changes it.
    Unknown,
}

/// TLS settings without a check.
#[derive(Clone, Debug)]
pub struct Unchecked<'a> {
    pub at: Cursor<'a>,
    /// What is missing, as a phrase.
    pub lack: &'static str,
}

/// How long a connection may take to come about.
#[derive(Clone, Debug)]
pub struct ConnectTimeout<'a> {
    pub at: Cursor<'a>,
    pub value: Duration,
}
