//! Follows the feed by its cursors alone.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use crate::rows::Rows;
use crate::wire::send;

const PATIENCE: Duration = Duration::from_secs(60);

/// What a follower has learnt.
#[derive(Clone, Debug, Default)]
pub struct Follower {
    pub rows: Rows,
    cursor: Option<String>,
}

impl Follower {
    /// Asks from where it stands, or for everything if it stands nowhere. How many rows it was told.
    pub fn follow(&mut self, feed: SocketAddr, token: &str) -> i64 {
        let begin = "/v1/contracts".to_owned();
        let mut path = self.cursor.as_ref().map_or(begin.clone(), |cursor| format!("{begin}?since={cursor}"));
        let (mut told, mut page) = (0, 0);
        loop {
            let authorization = format!("Bearer {token}");
            let reply = send(feed, ("GET", &path), &[("authorization", &authorization)], "", PATIENCE).unwrap();
            let json = reply.json();
            assert_eq!(reply.status, 200, "{path}: {json}");
            if page == 0 && json.get("contracts").is_some() {
                self.rows.clear();
            }
            page += 1;
            for row in json.get("contracts").or(json.get("changes")).unwrap().as_array().unwrap() {
                told += 1;
                self.learn(row);
            }
            self.cursor = Some(json["cursor"].as_str().unwrap().to_owned());
            match reply.header("link") {
                Some(link) => path = link.split(['<', '>']).nth(1).unwrap().to_owned(),
                None => return told,
            }
        }
    }

    fn learn(&mut self, row: &Value) {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let key = (text("api"), text("client_id"));
        match text("status").as_str() {
            "removed" => drop(self.rows.remove(&key)),
            _ => drop(self.rows.insert(key, (text("status"), text("tier"), text("name")))),
        }
    }

    pub fn epoch(&self) -> &str {
        self.part(0)
    }

    pub fn position(&self) -> i64 {
        self.part(1).parse().unwrap()
    }

    fn part(&self, number: usize) -> &str {
        self.cursor.as_ref().unwrap().split('.').nth(number).unwrap()
    }
}
