//! Ports of 127.0.0.1 that belong to a test for as long as it runs.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use socket2::{Domain, Socket, Type};

use crate::harness::eventually::{SOON, eventually};

/// One for a program that cannot choose by itself. It is below those that the system gives away of its own accord: nobody
/// gets it before the program does.
pub fn free() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = process::id().wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = 10_000 + u16::try_from(number % 10_000).expect("a port");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// A port that is ours but refuses connections: bound, not listening. No other process can take it meanwhile.
pub struct ClosedPort {
    socket: Socket,
    number: u16,
}

impl ClosedPort {
    pub fn new() -> Self {
        Self::bind(0).expect("a free port of 127.0.0.1")
    }

    /// Takes over `number` from a listener that has just been closed.
    pub fn reclaim(number: u16) -> Self {
        eventually(SOON, "taking over a closed listener's port", || Self::bind(number).ok())
    }

    fn bind(number: u16) -> std::io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, number)).into())?;
        let number = socket.local_addr()?.as_socket().expect("an IP socket").port();
        Ok(Self { socket, number })
    }

    pub fn number(&self) -> u16 {
        self.number
    }

    pub fn listen(self) -> TcpListener {
        self.socket.listen(1024).expect("listen");
        self.socket.into()
    }
}
