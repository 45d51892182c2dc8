//! Secrets of an application: each has the number of the attempt that has added it in its name.

use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::domain::time::Time;
use crate::remote::ending::{Good, failure};
use crate::remote::entra::graph::{Session, address, late, not_replicated, not_replicated_yet, unreadable};
use crate::use_case::registrar::{AddedSecret, Called, KeptSecrets};

/// Before the number of each secret that the registry adds.
const SECRET_NAME: &str = "Tessera ";
/// Of the secrets that are not kept: an attempt has its time.
const REMOVED_AT_ONCE: usize = 3;

impl Session<'_> {
    pub async fn add_secret(&mut self, app_id: &str, number: u32) -> Called<AddedSecret> {
        let path = format!("{}/addPassword", address(app_id));
        let name = format!("{SECRET_NAME}{number}");
        let body = json!({"passwordCredential": {"displayName": name, "endDateTime": self.secret_until()}});
        let added = done!(not_replicated(self.call(Method::POST, &path, Some(body), &[]).await));
        let members = match added.object() {
            Ok(members) => members,
            Err(why) => return unreadable(added.status, why),
        };
        let text = |name: &str| members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let (Some(secret), Some(key_id)) = (text("secretText"), text("keyId")) else {
            return unreadable(added.status, "the answer has no secretText, or no keyId".to_owned());
        };
        Called::Done(AddedSecret {
            secret: SecretString::from(secret),
            key_id: key_id.to_owned(),
            expires_at: text("endDateTime").and_then(Time::parse),
        })
    }

    /// Removes what the registry has added and does not keep. Who has added others by hand is asked by nobody.
    pub async fn keep_secrets(&mut self, app_id: &str, kept: &KeptSecrets) -> Called<()> {
        let path = format!("{}?$select=appId,passwordCredentials", address(app_id));
        let found = match self.call(Method::GET, &path, None, &[]).await {
            Called::Refused(failure) if failure.status == Some(404) && !kept.is_patient => return Called::Done(()),
            other => done!(not_replicated(other)),
        };
        let known = match secrets_of(&found) {
            Ok(known) => known,
            Err(why) => return unreadable(found.status, why),
        };
        // A replica that does not know the latest may not know those before it either.
        let is_behind = kept.key_ids.first().is_some_and(|latest| known.iter().all(|secret| secret.key_id != *latest));
        if is_behind && kept.is_patient {
            return not_replicated_yet("the application's secrets lack the latest one");
        }
        let goes = |secret: &&KnownSecret| {
            secret.number.is_some_and(|number| number <= kept.up_to) && !kept.key_ids.contains(&secret.key_id)
        };
        let unwanted: Vec<&KnownSecret> = known.iter().filter(goes).collect();
        for secret in unwanted.iter().take(REMOVED_AT_ONCE) {
            let path = format!("{}/removePassword", address(app_id));
            match self.call(Method::POST, &path, Some(json!({"keyId": secret.key_id})), &[]).await {
                // Gone, or not known there yet: it is on the list the next time, or not.
                Called::Refused(failure) if kept.is_patient && matches!(failure.status, Some(400 | 404)) => {
                    return Called::NotDone(late(failure), None);
                }
                Called::Refused(failure) if failure.status == Some(404) => {}
                other => drop(done!(other)),
            }
        }
        if unwanted.len() > REMOVED_AT_ONCE {
            return Called::NotDone(failure("more_secrets", "there are more that have to be removed"), None);
        }
        Called::Done(())
    }
}

/// A secret that an application has.
struct KnownSecret {
    key_id: String,
    /// Of those that the registry has added.
    number: Option<u32>,
}

/// # Errors
/// What is wrong with the application.
fn secrets_of(application: &Good) -> Result<Vec<KnownSecret>, String> {
    let members = application.object()?;
    let Some(known) = members.get("passwordCredentials").and_then(Value::as_array) else {
        return Err("the answer has no passwordCredentials".to_owned());
    };
    let text = |secret: &Value, name: &str| secret.get(name).and_then(Value::as_str).map(str::to_owned);
    let read = |secret: &Value| {
        let number = text(secret, "displayName").and_then(|name| name.strip_prefix(SECRET_NAME)?.parse().ok());
        Some(KnownSecret { key_id: text(secret, "keyId")?, number })
    };
    Ok(known.iter().filter_map(read).collect())
}
