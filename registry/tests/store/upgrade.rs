//! A database of the first schema with data in it, and the processes of this version that meet it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};

use serde_json::Value;
use tessera_registry::store::Database;

use crate::database::{TestDatabase, every};

const BINARY: &str = env!("CARGO_BIN_EXE_tessera-registry");
const FIRST: &str = include_str!("../../src/store/migrations/0001.sql");
/// As the first version has left them: an adopted contract, a request that a webhook could not be told of, a gateway.
const ROWS: &str = include_str!("upgrade/rows.sql");
const TOKEN: &str = "trg_XIJsXcMtJZGCSwKf8WDNczQ_RPxIvMmvgYWYa1aKi10";
const TIMELINE: &str = "INSERT INTO state (name, value) VALUES ('timeline', '00000001')";
const EPOCH: &str = "26aaec54118eace7";

/// A database of the first schema, with a configuration that names it.
struct Old {
    database: TestDatabase,
    folder: PathBuf,
}

impl Old {
    async fn each() -> Vec<Self> {
        let mut all = Vec::new();
        for database in every() {
            // On PostgreSQL texts compare byte by byte, as on SQLite, and the epoch has a timeline.
            let (first, timeline) = match database.url.starts_with("sqlite:") {
                true => (FIRST.to_owned(), ""),
                false => (FIRST.replace(" TEXT", " TEXT COLLATE \"C\""), TIMELINE),
            };
            // Makes the file.
            Database::open(&database.url, 1).await.unwrap().close().await;
            database.run(first.leak()).await;
            database.run(ROWS).await;
            database.run(timeline).await;
            let folder = std::env::temp_dir().join(format!("tessera-registry-{}", uuid::Uuid::now_v7()));
            fs::create_dir(&folder).unwrap();
            let old = Self { database, folder };
            old.configure("");
            all.push(old);
        }
        all
    }

    fn configure(&self, more: &str) {
        let configuration = format!(
            "listen = {{api = \"127.0.0.1:0\", feed = \"127.0.0.1:0\", ops = \"127.0.0.1:0\"}}\n\
             public.url = \"http://127.0.0.1\"\ndatabase.url = \"{}\"\n{more}\n\
             sealing_keys = [{{id = \"k1\", key = {{env = \"SEALING_KEY\"}}}}]\n",
            self.database.url
        );
        fs::write(self.folder.join("registry.toml"), configuration).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.arg("--config").arg(self.folder.join("registry.toml")).args(arguments).stdin(Stdio::null());
        command.env("SEALING_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=");
        command
    }

    /// What it prints.
    #[track_caller]
    fn ends(&self, arguments: &[&str], code: i32) -> String {
        let output = self.command(arguments).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        String::from_utf8_lossy(&output.stdout).into_owned() + &told
    }
}

impl Drop for Old {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A process that serves, or soon will.
struct Replica {
    child: Child,
    lines: BufReader<ChildStderr>,
    feed: String,
}

impl Replica {
    fn begin(old: &Old) -> Self {
        let mut child = old.command(&["serve"]).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap());
        Self { child, lines, feed: String::new() }
    }

    fn await_listening(&mut self) {
        for line in self.lines.by_ref().lines() {
            let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
            if line["listener"] == "feed" && line["message"] == "listening" {
                self.feed = line["address"].as_str().unwrap().to_owned();
                return;
            }
        }
        panic!("it ended: {}", self.child.wait().unwrap());
    }

    fn poll(&self, query: &str) -> String {
        let mut stream = TcpStream::connect(&self.feed).unwrap();
        let head = format!("GET /v1/contracts{query} HTTP/1.1\r\nhost: registry\r\nconnection: close\r\n");
        write!(stream, "{head}authorization: Bearer {TOKEN}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn replicas_that_start_together_bring_an_older_schema_up_to_date_and_serve_what_it_has() {
    for old in Old::each().await {
        let mut replicas = [Replica::begin(&old), Replica::begin(&old)];
        for replica in &mut replicas {
            replica.await_listening();
            let answer = replica.poll("");
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
            assert!(answer.contains(r#""client_id":"portal""#) && answer.contains(r#""tier":"gold""#), "{answer}");
            assert!(answer.contains(&format!(r#""cursor":"{EPOCH}.1."#)), "{answer}");
            // A gateway goes on from where the older version left it.
            let cursor = answer.split(r#""cursor":""#).nth(1).unwrap().split('"').next().unwrap();
            assert!(replica.poll(&format!("?since={cursor}")).contains(r#""changes":[]"#));
        }
        drop(replicas);
        assert_eq!(old.ends(&["migrate", "--dry-run"], 0), "");
        // The delivery that had waited is found stuck, and refused, as soon as a replica comes to it.
        let audit = old.ends(&["check", "--audit"], 0);
        let is_whole = |count| audit.contains(&format!("audit of default: {count} entries, ok"));
        assert!((16..=18).any(is_whole), "{audit}");
        let export = old.ends(&["export"], 0);
        for id in [r#""kind":"webhook""#, "Customer portal", "nightly", "production/orders-v1/gold"] {
            assert!(export.contains(id), "{id}");
        }
    }
}

#[tokio::test]
async fn an_older_schema_is_left_alone_where_only_migrate_may_change_it() {
    for old in Old::each().await {
        old.configure("database.migrate = false");
        for command in [&["serve"][..], &["token", "list"], &["export"], &["check", "--audit"]] {
            let told = old.ends(command, 5);
            assert!(told.contains("tessera-registry migrate"), "{told}");
        }
        let pending = old.ends(&["migrate", "--dry-run"], 4);
        assert!(!pending.contains("0001") && pending.contains("0002"), "{pending}");
        assert_eq!(old.ends(&["migrate"], 0), pending);
        assert_eq!(old.ends(&["migrate", "--dry-run"], 0), "");
        old.ends(&["token", "list"], 0);
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused_by_every_command() {
    for old in Old::each().await {
        old.database.run("UPDATE state SET value = '99' WHERE name = 'schema'").await;
        for migrates in ["database.migrate = true", "database.migrate = false"] {
            old.configure(migrates);
            for command in [&["serve"][..], &["migrate"], &["migrate", "--dry-run"], &["token", "list"], &["export"]] {
                let told = old.ends(command, 5);
                assert!(told.contains("99"), "{told}");
            }
        }
    }
}
