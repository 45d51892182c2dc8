use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::*;
use crate::system::SystemClock;

/// A server with metadata, which calls no token active but `good`, and counts how often it is asked.
struct Server {
    url: String,
    asked: Arc<AtomicUsize>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let (own, counted) = (url.clone(), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &own, &counted);
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn tokens(&self) -> IssuedTokens {
        let auth = Auth {
            issuer: self.url.clone(),
            audience: "registry".to_owned(),
            verify: Verify::Introspection { client_id: "registry".to_owned(), client_secret: "s".into() },
            organisation_claim: None,
            roles_claim: "/roles".to_owned(),
            roles: Default::default(),
        };
        IssuedTokens::new(&auth, Arc::new(SystemClock)).unwrap()
    }
}

fn serve(mut stream: TcpStream, url: &str, asked: &AtomicUsize) {
    let (mut request, mut part) = (Vec::new(), [0; 4096]);
    let body = loop {
        let read = stream.read(&mut part).unwrap();
        request.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            break body.to_owned();
        }
    };
    let answer = if request.starts_with(b"GET") {
        json!({"issuer": url, "introspection_endpoint": format!("{url}/introspect")})
    } else {
        asked.fetch_add(1, Ordering::Relaxed);
        let is_good = body.starts_with("token=good&");
        json!({"active": is_good, "sub": "7", "aud": "registry", "exp": 99_999_999_999_u64, "roles": "admin"})
    };
    let answer = answer.to_string();
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", answer.len());
    stream.write_all((head + &answer).as_bytes()).unwrap();
}

#[tokio::test]
async fn the_server_is_asked_about_what_may_be_valid_and_once_about_what_is_not() {
    let server = Server::start();
    let tokens = server.tokens();
    for asked in 1..=2 {
        let caller = tokens.judge("good", true).await.unwrap().unwrap();
        assert_eq!((caller.principal.to_string().as_str(), server.asked()), ("user:7", asked));
    }
    for _ in 0..3 {
        assert_eq!(tokens.judge("bad", true).await, Ok(None));
        assert_eq!(server.asked(), 3);
    }
    assert_eq!(tokens.judge("worse", true).await, Ok(None));
    for token in ["good", "other"] {
        assert_eq!(tokens.judge(token, false).await, Ok(None), "it may not be asked");
    }
    assert_eq!(server.asked(), 4);
}
