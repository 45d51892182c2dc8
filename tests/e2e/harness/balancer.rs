//! One address for several servers, as a load balancer of TCP has it.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::harness::port::ClosedPort;

/// Each connection goes to the next of the servers that takes it. Dropping it refuses new ones.
pub struct Balancer {
    port: u16,
    servers: Arc<Servers>,
}

#[derive(Default)]
struct Servers {
    ended: AtomicBool,
    /// In turn; their ports.
    ports: Mutex<Vec<u16>>,
    /// How many connections each has had.
    taken: Mutex<BTreeMap<u16, usize>>,
}

impl Balancer {
    pub fn start() -> Self {
        let own = ClosedPort::new();
        let (port, listener) = (own.number(), own.listen());
        let servers = Arc::<Servers>::default();
        let shared = Arc::clone(&servers);
        thread::spawn(move || accept(&listener, &shared));
        Self { port, servers }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// New connections go to these from now on; those that are open stay where they are.
    pub fn turn_to(&self, ports: &[u16]) {
        ports.clone_into(&mut self.servers.ports.lock().unwrap());
    }

    /// How many connections each server has had so far.
    pub fn taken(&self) -> BTreeMap<u16, usize> {
        self.servers.taken.lock().unwrap().clone()
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.servers.ended.store(true, Ordering::SeqCst);
        // Wakes the acceptor, which then sees the flag.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
    }
}

fn accept(listener: &TcpListener, servers: &Arc<Servers>) {
    for stream in listener.incoming() {
        if servers.ended.load(Ordering::SeqCst) {
            return;
        }
        let (Ok(stream), servers) = (stream, Arc::clone(servers)) else { continue };
        thread::spawn(move || {
            // Where nobody takes it, the end of the connection says so.
            let Some(server) = servers.next() else { return };
            let _ = joined(stream, server);
        });
    }
}

impl Servers {
    fn next(&self) -> Option<TcpStream> {
        let count = self.ports.lock().unwrap().len();
        (0..count).find_map(|_| {
            let port = {
                let mut ports = self.ports.lock().unwrap();
                ports.rotate_left(1);
                *ports.last()?
            };
            let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
            *self.taken.lock().unwrap().entry(port).or_default() += 1;
            Some(server)
        })
    }
}

/// What the one sends, the other gets, until both have said all.
fn joined(one: TcpStream, other: TcpStream) -> io::Result<()> {
    for stream in [&one, &other] {
        stream.set_nodelay(true)?;
    }
    let (from, to) = (one.try_clone()?, other.try_clone()?);
    let forth = thread::spawn(move || forward(from, to));
    forward(other, one);
    let _ = forth.join();
    Ok(())
}

fn forward(mut from: TcpStream, mut to: TcpStream) {
    let is_whole = io::copy(&mut from, &mut to).is_ok();
    // A connection that breaks on the one side breaks on the other.
    let _ = to.shutdown(if is_whole { Shutdown::Write } else { Shutdown::Both });
}
