//! Webhooks, signed by Standard Webhooks.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Client;
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;

use crate::configuration::Webhook;
use crate::measures::WEBHOOK_DELIVERIES;
use crate::remote::fetch::{client, status};
use crate::use_case::ports::{Message, Messenger, Told};

const WITHIN: Duration = Duration::from_secs(10);

/// Who has subscribed, each with the secret that signs what he is told.
pub struct HttpMessenger {
    client: Client,
    secrets: BTreeMap<(String, String), SecretSlice<u8>>,
}

impl HttpMessenger {
    /// # Errors
    /// The machine has no usable trust store.
    pub fn new(webhooks: &[Webhook]) -> Result<Self, reqwest::Error> {
        let secrets = webhooks.iter().map(|webhook| {
            let subscriber = &webhook.subscriber;
            ((subscriber.organisation.clone(), subscriber.url.clone()), webhook.secret.clone())
        });
        Ok(Self { client: client(WITHIN)?, secrets: secrets.collect() })
    }
}

/// `v1,` and the HMAC-SHA256 over id, time and body, in base64.
fn signature(secret: &[u8], message: &Message) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(format!("{}.{}.{}", message.id, message.timestamp, message.body).as_bytes());
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[async_trait]
impl Messenger for HttpMessenger {
    async fn tell(&self, message: &Message) -> Told {
        let secret = self.secrets.get(&(message.organisation.clone(), message.url.clone()));
        let signed = secret.and_then(|secret| signature(secret.expose_secret(), message));
        let Some(signature) = signed else { return Told::NobodyThere };
        let request = self
            .client
            .post(&message.url)
            .header("content-type", "application/json")
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", message.timestamp.to_string())
            .header("webhook-signature", signature)
            .body(message.body.clone());
        let told = status(request).await.map_or_else(Told::Failed, Told::Status);
        let result = if matches!(told, Told::Status(200..=299)) { "done" } else { "failed" };
        metrics::counter!(WEBHOOK_DELIVERIES, "result" => result).increment(1);
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::webhook::Subscriber;

    #[tokio::test]
    async fn the_status_counts_and_not_what_follows() {
        use std::io::{Read, Write};
        for (head, told) in [
            ("200 OK\r\ncontent-length: 999999999", Told::Status(200)),
            ("204 No Content", Told::Status(204)),
            ("200 OK\r\ntransfer-encoding: chunked", Told::Status(200)),
            ("503 Not Now\r\ncontent-length: 999999999", Told::Status(503)),
        ] {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("http://{}/", listener.local_addr().unwrap());
            std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 4096]);
                let _ = write!(stream, "HTTP/1.1 {head}\r\n\r\n");
                // Whoever reads on, waits for more.
                let _ = stream.read(&mut [0; 4096]);
            });
            let subscriber = Subscriber { organisation: "default".into(), url: url.clone(), events: None };
            let webhook = Webhook { subscriber, secret: vec![7; 32].into() };
            let messenger = HttpMessenger::new(&[webhook]).unwrap();
            let message =
                Message { organisation: "default".into(), url, id: "m".into(), timestamp: 0, body: "{}".into() };
            assert_eq!(messenger.tell(&message).await, told, "{head}");
        }
    }

    /// The example of the specification of Standard Webhooks.
    #[test]
    fn messages_are_signed_as_the_specification_does() {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let message = Message {
            organisation: "default".into(),
            url: "https://x".into(),
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek".into(),
            timestamp: 1_614_265_330,
            body: r#"{"test": 2432232314}"#.into(),
        };
        assert_eq!(signature(&secret, &message).unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
