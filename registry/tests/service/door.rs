//! In front of a server: open, silent, or closed, so that nobody can connect.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::postgres::free_port;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    Open,
    /// Whoever comes is not answered, until it is another manner.
    Silent,
    Closed,
    /// For good.
    Gone,
}

pub struct Door {
    pub url: String,
    manner: Arc<Mutex<Manner>>,
}

impl Door {
    /// Open.
    pub fn to(server: &str) -> Self {
        let to: SocketAddr = server.trim_start_matches("http://").parse().unwrap();
        let at = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let manner = Arc::new(Mutex::new(Manner::Open));
        let kept = Arc::clone(&manner);
        let listener = listening(at);
        thread::spawn(move || keep(listener, (at, to), &kept));
        Self { url: format!("http://{at}"), manner }
    }

    pub fn be(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.be(Manner::Gone);
    }
}

fn listening(at: SocketAddr) -> TcpListener {
    let listener = TcpListener::bind(at).unwrap();
    listener.set_nonblocking(true).unwrap();
    listener
}

fn keep(listener: TcpListener, (at, to): (SocketAddr, SocketAddr), manner: &Mutex<Manner>) {
    let (mut listener, mut held) = (Some(listener), Vec::new());
    loop {
        let now = *manner.lock().unwrap();
        match now {
            Manner::Gone => return,
            Manner::Closed => listener = None,
            Manner::Open | Manner::Silent => {}
        }
        if now != Manner::Silent {
            held.clear();
        }
        let came = match now {
            Manner::Closed => None,
            _ => listener.get_or_insert_with(|| listening(at)).accept().ok(),
        };
        match came {
            Some((stream, _)) if now == Manner::Silent => held.push(stream),
            Some((stream, _)) => lead(stream, to),
            None => thread::sleep(Duration::from_millis(5)),
        }
    }
}

fn lead(caller: TcpStream, to: SocketAddr) {
    caller.set_nonblocking(false).unwrap();
    let server = TcpStream::connect(to).unwrap();
    for (mut from, mut into) in [(&caller, &server), (&server, &caller)]
        .map(|(from, into)| (from.try_clone().unwrap(), into.try_clone().unwrap()))
    {
        thread::spawn(move || {
            let _ = io::copy(&mut from, &mut into);
            let _ = into.shutdown(Shutdown::Write);
        });
    }
}
