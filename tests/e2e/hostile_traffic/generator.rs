//! Hostile requests: a good one, bent in a few ways by somebody who knows the configuration.

use super::random::Random;
use super::request::{NUMBER, Sent};
use super::scene::Token;
use crate::harness::http2_frames::field;

/// What the upstreams of all APIs take for the caller's identity.
pub const NAMES: [&str; 9] = [
    "x-client-id",
    "x-sla-tier",
    "x-scope",
    "x-user",
    "x-tenant",
    "x-provider",
    "x-files-client",
    "x-files-tier",
    "x-open-client",
];
pub const PREFIX: &str = "x-agw-";

/// Method, host, path, and the indices of tokens that are good for it.
const GOOD: [(&str, &str, &str, &[usize]); 15] = [
    ("GET", "api.example.com", "/orders/1", &[0, 1, 2]),
    ("POST", "api.example.com", "/orders/", &[1]),
    ("DELETE", "API.example.com:8443", "/orders/1/lines/2", &[1]),
    ("GET", "api.example.com", "/orders/admin/x", &[1, 2]),
    ("GET", "api.example.com", "/orders/health", &[]),
    ("GET", "api.example.com", "/users/7", &[2, 3]),
    ("PUT", "eu.west.example.org", "/users/7", &[2, 3]),
    ("GET", "api.example.com", "/users/public/a", &[]),
    ("GET", "files.example.net", "/files/a%20b", &[0, 1, 2]),
    ("PUT", "files.example.net", "/files/%C3%A9", &[1]),
    ("GET", "api.example.com", "/~files/a", &[0, 1, 2]),
    ("GET", "api.example.com", "/%7Efiles/a", &[0, 1, 2]),
    ("GET", "api.example.com", "/open/a", &[]),
    ("GET", "api.example.com", "/open/a", &[0, 1, 2]),
    ("GET", "api.example.com", "/open/staff/a", &[2]),
];

/// On which no API is found.
const ELSEWHERE: [(&str, &str); 4] =
    [("api.example.com", "/elsewhere"), ("other.example.com", "/orders/1"), ("example.org", "/users/1"), ("x", "/")];

const PIECES: [&str; 41] = [
    "//",
    "/./",
    "/../",
    "/..",
    "/.",
    "%2e%2e/",
    "%2E%2e",
    "%2f",
    "%2F",
    "%5c",
    "\\",
    ";",
    ";x=1",
    "%3b",
    "%00",
    "%0a",
    "%252e",
    "%252f",
    "%25252e",
    "%255c",
    "%253b",
    "%2500",
    "%zz",
    "%",
    "%4",
    "%c0%ae",
    "%c0%af",
    "%ef%bc%8f",
    "%ef%bc%8e",
    "%ff",
    "%e0%80%ae",
    "%20",
    "%C3%A9",
    "%7e",
    "%2D",
    "%6f",
    "%u002e",
    "*",
    "/orders/health",
    "/users/public/",
    "/open/",
];

const METHODS: [&str; 16] = [
    "get", "Get", "post", "Post", "pOST", "delete", "DELETe", "put", "Patch", "HEAD", "OPTIONS", "PATCH", "TRACE",
    "QUERY", "POSTS", "x",
];

const HOSTS: [&str; 12] = [
    "API.EXAMPLE.COM",
    "api.example.com.",
    "api.example.com:80",
    "user@api.example.com",
    "api.example.com..",
    "a b",
    "",
    "api%2eexample.com",
    "x.api.example.com",
    "eu.example.org",
    "example.org",
    "api.example.com,other.example.com",
];

const VALUES: [&[u8]; 12] = [
    b"spoofed",
    b"",
    b"portal",
    b"gold",
    b"\xff\xfe",
    b"a,b",
    b"\xc3\xa9",
    b"root, portal",
    b"\"portal\"",
    b"%70ortal",
    b"\t",
    b"0",
];

const CLAIMS: [&str; 8] = ["admin", "client_id", "client-id", "role", "", "sub", "x_admin", "active"];

pub struct Generator<'a> {
    pub random: Random,
    pub tokens: &'a [Token],
    pub http2: bool,
}

impl Generator<'_> {
    pub fn request(&mut self, number: usize) -> Sent {
        let (method, host, path, good) = GOOD[self.random.below(GOOD.len())];
        let mut sent = Sent {
            number,
            http2: self.http2,
            method: method.into(),
            target: path.into(),
            host: host.into(),
            fields: vec![field(NUMBER, number.to_string())],
            body: None,
            trailers: Vec::new(),
            is_good: true,
        };
        if !good.is_empty() {
            let token = self.tokens[good[self.random.below(good.len())]].text.clone();
            self.credential(&mut sent, &token);
        }
        let bends = [0, 1, 1, 2, 2, 3, 5][self.random.below(7)];
        for _ in 0..bends {
            self.bend(&mut sent);
        }
        sent.is_good = bends == 0;
        sent
    }

    /// In one of the places, as it should be.
    fn credential(&mut self, sent: &mut Sent, token: &str) {
        match self.random.below(8) {
            0 => sent.fields.push(field("x-access-token", token)),
            1 => sent.add_query(
                &form_urlencoded::Serializer::new(String::new()).append_pair("access_token", token).finish(),
            ),
            2 => sent.fields.push(field("cookie", format!("theme=dark; at={token}"))),
            3 => sent.fields.push(field("authorization", format!("bEARER   {token}"))),
            _ => sent.fields.push(field("authorization", format!("Bearer {token}"))),
        }
    }

    fn bend(&mut self, sent: &mut Sent) {
        match self.random.below(20) {
            0..4 => self.spoof(sent),
            4..6 => self.second_credential(sent),
            6..9 => self.bend_path(sent),
            9 => sent.method = self.random.pick(&METHODS).to_owned(),
            10 => sent.host = self.random.pick(&HOSTS).into(),
            11 => {
                let (host, path) = ELSEWHERE[self.random.below(ELSEWHERE.len())];
                (sent.host, sent.target) = (host.into(), path.into());
            }
            12 => self.other_token(sent),
            13 => sent.fields.retain(|(name, _)| name == NUMBER.as_bytes()),
            14 => self.garbage(sent),
            15..17 => self.body(sent),
            17..19 => {
                self.body(sent);
                self.trailers(sent);
            }
            _ => self.bend_credential(sent),
        }
    }

    /// A name of an identity header, as it is or as it is read the same by some.
    fn identity(&mut self) -> Vec<u8> {
        let name = match self.random.below(3) {
            0 => format!("{PREFIX}{}", self.random.pick(&CLAIMS)),
            _ => self.random.pick(&NAMES).to_owned(),
        };
        let twin = self.random.below(4);
        let mut letters = name.into_bytes();
        for (at, letter) in letters.iter_mut().enumerate() {
            match (twin, *letter) {
                (1, b'-') => *letter = b'_',
                (2, b'-') if self.random.chance(50) => *letter = b'_',
                (3, _) if !self.http2 && at % 2 == 0 => *letter = letter.to_ascii_uppercase(),
                _ => {}
            }
        }
        letters
    }

    fn value(&mut self) -> Vec<u8> {
        match self.random.below(30) {
            0 => vec![b'y'; 20_000],
            _ => self.random.pick(&VALUES).to_vec(),
        }
    }

    fn spoof(&mut self, sent: &mut Sent) {
        for _ in 0..=self.random.below(3) {
            let spoofed = (self.identity(), self.value());
            let at = self.random.below(sent.fields.len() + 1);
            sent.fields.insert(at, spoofed.clone());
            if self.random.chance(20) {
                sent.fields.push(spoofed);
            }
        }
    }

    fn any_token(&mut self) -> String {
        match self.random.below(3) {
            0 => "EVIL".into(),
            _ => self.tokens[self.random.below(self.tokens.len())].text.clone(),
        }
    }

    fn second_credential(&mut self, sent: &mut Sent) {
        let token = self.any_token();
        let value = match self.random.below(16) {
            0 => return sent.fields.push(field("authorization", format!("Bearer {token}"))),
            1 => return sent.fields.push(field("authorization", format!("Basic Zm9v, Bearer {token}"))),
            2 => return sent.fields.insert(0, field("authorization", "Basic Zm9vOmJhcg==")),
            3 => return sent.fields.push(field("x-access-token", token)),
            4 => return sent.fields.push(field("x_access_token", token)),
            5 => return sent.fields.push(field("x-access_token", token)),
            6 => return sent.add_query(&format!("access_token={token}")),
            7 => return sent.add_query(&format!("x=1;access_token={token}")),
            8 => return sent.add_query(&format!("access%5Ftoken={token}&y")),
            9 => format!("at={token}"),
            10 => format!("theme=x,at={token}"),
            11 => format!("a=1; at ={token}"),
            12 => format!("a=\"1; at={token}; b=2\"; c=3"),
            13 => format!("a=1;\tat=\"{token}\""),
            14 => "at=".to_owned(),
            _ => format!(" at={token},"),
        };
        sent.fields.push(field("cookie", value));
    }

    fn bend_path(&mut self, sent: &mut Sent) {
        let end = sent.target.iter().position(|byte| *byte == b'?').unwrap_or(sent.target.len());
        let at = 1 + self.random.below(end);
        match self.random.below(3) {
            0 if at < end => {
                let escaped = format!("%{:02x}", sent.target[at]);
                sent.target.splice(at..=at, escaped.into_bytes());
            }
            1 => {
                let at = if self.random.chance(50) { end } else { at };
                sent.target.splice(at..at, self.random.pick(&PIECES).bytes());
            }
            _ => {
                // At the border of a segment.
                let borders: Vec<_> = (0..end).filter(|at| sent.target[*at] == b'/').collect();
                let at = borders[self.random.below(borders.len())];
                sent.target.splice(at..at, self.random.pick(&PIECES).bytes());
                if sent.target[0] != b'/' {
                    sent.target.insert(0, b'/');
                }
            }
        }
    }

    fn other_token(&mut self, sent: &mut Sent) {
        let token = self.any_token();
        sent.fields.retain(|(name, _)| name != b"authorization" && name != b"x-access-token" && name != b"cookie");
        self.credential(sent, &token);
    }

    fn bend_credential(&mut self, sent: &mut Sent) {
        let token = self.any_token();
        sent.fields.retain(|(name, _)| name != b"authorization");
        let value = match self.random.below(8) {
            0 => format!("Bearer{token}"),
            1 => format!("Bearer {token} x"),
            2 => format!("Bearer {token},"),
            3 => format!("Bearer {token}="),
            4 => format!("DPoP {token}"),
            5 => "Bearer".into(),
            6 => format!("Bearer\t{token}"),
            _ => token,
        };
        sent.fields.push(field("authorization", value));
    }

    fn garbage(&mut self, sent: &mut Sent) {
        let (name, value): (&str, Vec<u8>) = match self.random.below(12) {
            0 => ("x-other", vec![b'z'; 30_000]),
            1 => ("x-other", b"\xff\x80".to_vec()),
            2 => ("authorization", b"Bearer \xff\xfe".to_vec()),
            3 => ("cookie", b"\xff=\xfe; at".to_vec()),
            4 => ("cookie", vec![b';'; 3000]),
            5 => ("x-http-method-override", b"DELETE".to_vec()),
            6 => ("x-original-url", b"/orders/health".to_vec()),
            7 => ("accept", b"".to_vec()),
            8 => ("x-forwarded-host", b"files.example.net".to_vec()),
            9 => ("x-envoy-original-path", b"/orders/health".to_vec()),
            10 => return sent.add_query("a=%ff&b=%zz&&=;&access_tokens=1&Access_token=2"),
            _ if self.http2 => ("x-other", b"1".to_vec()),
            // Envoy refuses these itself.
            _ => ("x bad", b"\x01".to_vec()),
        };
        sent.fields.push(field(name, value));
    }

    fn body(&mut self, sent: &mut Sent) {
        let length = [0, 1, 100, 5000][self.random.below(4)];
        sent.body = Some(vec![b'b'; length]);
    }

    fn trailers(&mut self, sent: &mut Sent) {
        for _ in 0..=self.random.below(3) {
            let trailer = match self.random.below(4) {
                0 => field("x-checksum", "1"),
                _ => (self.identity(), self.value()),
            };
            // Envoy reads an empty trailer of HTTP/1 as a mistake in the body.
            if !trailer.1.trim_ascii().is_empty() && trailer.1.is_ascii() {
                sent.trailers.push(trailer);
            }
        }
    }
}
