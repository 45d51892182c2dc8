//! The connections of the listeners: how many there may be, and for how long one may say or take nothing.
//!
//! All listeners share the process's file descriptors. Each has its part of them, so that whoever fills one listener with
//! connections takes nothing from another: gateways are served while the administration is under attack.

use std::future::{Ready, ready};
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum_server::accept::Accept;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_service::Service;

/// The head of a request has so long, the first one and the next one alike: longer than gateways and proxies keep a
/// connection that they do not use.
pub const HEAD_WITHIN: Duration = Duration::from_secs(75);
/// What was sent has so long to be taken.
const TAKEN_WITHIN: Duration = Duration::from_secs(30);
/// More descriptors than these are of no use.
const MOST: u64 = 65_536;
/// For files, the database's own ones, webhooks and the authorization server.
const RESERVED: u64 = 64;

/// How many connections each listener may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    pub api: usize,
    pub feed: usize,
    pub ops: usize,
}

impl Room {
    /// As many as the process can have beside `pool` connections to the database; raises what it may have first.
    pub fn of_process(pool: u32) -> Self {
        Self::of(descriptors(), pool)
    }

    /// A quarter for the administration, a sixteenth for health and metrics, the rest for gateways.
    fn of(descriptors: u64, pool: u32) -> Self {
        let free = descriptors.saturating_sub(RESERVED + 2 * u64::from(pool)).max(16);
        let (api, ops) = (free / 4, free / 16);
        let sized = |count| usize::try_from(count).unwrap_or(Semaphore::MAX_PERMITS);
        Self { api: sized(api), feed: sized(free - api - ops), ops: sized(ops) }
    }
}

/// The descriptors that the process may have open.
fn descriptors() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(MOST).min(MOST);
    let has = limit.current.unwrap_or(MOST);
    if wanted <= has {
        return has.min(MOST);
    }
    match setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..limit }) {
        Ok(()) => wanted,
        Err(_) => has,
    }
}

/// Takes connections while there is room; others are closed at once.
#[derive(Clone, Debug)]
pub struct Bounded(Arc<Semaphore>);

impl Bounded {
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Semaphore::new(most)))
    }
}

impl<S> Accept<TcpStream, S> for Bounded {
    type Stream = TcpStream;
    type Service = Counted<S>;
    type Future = Ready<io::Result<(TcpStream, Counted<S>)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let Ok(room) = Arc::clone(&self.0).try_acquire_owned() else {
            return ready(Err(io::Error::other("the listener has no room for another connection")));
        };
        ready(set_up(&stream).map(|()| (stream, Counted { service, _room: Arc::new(room) })))
    }
}

fn set_up(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    SockRef::from(stream).set_tcp_user_timeout(Some(TAKEN_WITHIN))?;
    Ok(())
}

/// What answers on a connection; has its place for as long as it lasts.
#[derive(Clone, Debug)]
pub struct Counted<S> {
    service: S,
    _room: Arc<OwnedSemaphorePermit>,
}

impl<R, S: Service<R>> Service<R> for Counted<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.service.call(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gateways_have_most_of_the_room() {
        assert_eq!(Room::of(1024, 10), Room { api: 235, feed: 647, ops: 58 });
        assert_eq!(Room::of(0, 200), Room { api: 4, feed: 11, ops: 1 });
    }

    #[test]
    fn a_place_is_free_again_with_its_connection() {
        let bounded = Bounded::new(1);
        let place = Counted { service: (), _room: Arc::new(Arc::clone(&bounded.0).try_acquire_owned().unwrap()) };
        let running = place.clone();
        drop(place);
        assert_eq!(bounded.0.available_permits(), 0);
        drop(running);
        assert_eq!(bounded.0.available_permits(), 1);
    }
}
