//! The client that is registered to try a provider, with how it is managed.

use serde_json::{Map, Value};

use crate::domain::client::{AUTH_METHODS, AppClient, AuthMethod};
use crate::domain::probe_report::ScopeFinding;
use crate::domain::provider::Management;
use crate::domain::registration::{ClientNames, Registration};
use crate::domain::tier::{GRANTS, Grant};
use crate::domain::words::word_of;
use crate::use_case::probe::trial::Trial;
use crate::use_case::registrar::{Called, ClientCredentials, Issued, Managed};

/// Scopes of OpenID Connect, which say nothing about an API.
const OF_SIGN_IN: [&str; 6] = ["openid", "offline_access", "profile", "email", "address", "phone"];

/// One that is there.
pub struct Tried {
    pub managed: Managed,
    pub credentials: ClientCredentials,
    pub registration: Registration,
    /// It may do more than was asked.
    pub is_wider: bool,
}

impl Tried {
    pub fn gets_tokens(&self) -> bool {
        self.registration.grants.contains(&Grant::ClientCredentials)
    }
}

/// A registration with this method, as a client of the registry would be registered.
pub fn registration(trial: &Trial<'_>, method: AuthMethod, scopes: &[String], jwks: Option<Value>) -> Registration {
    let (now, randomness) = (trial.ports.clock.now(), trial.ports.randomness);
    let settings = trial.settings();
    let is_alone = |grant: &&Grant| **grant == Grant::ClientCredentials || jwks.is_none();
    let mut client = AppClient::brought(randomness.id(now), String::new(), now);
    client.auth_method = Some(method);
    client.grants = settings.grants.iter().filter(is_alone).copied().collect();
    client.scopes = scopes.to_vec();
    if client.grants.contains(&Grant::AuthorizationCode) {
        client.redirect_uris = vec!["https://client.example/callback".to_owned()];
    }
    client.jwks = jwks;
    let mut marker = [0; 8];
    randomness.fill(&mut marker);
    let marker: String = marker.iter().map(|byte| format!("{byte:02x}")).collect();
    let organisation = &trial.open.organisation;
    let names = ClientNames { application: "Probe", group: "root", organisation, marker: &marker };
    Registration::of(&client, &names, &settings.metadata)
}

/// A method with a secret, by which a token can be got.
fn main_method(methods: &[AuthMethod]) -> AuthMethod {
    let with_secret = [AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost];
    let offered = with_secret.into_iter().find(|method| methods.contains(method));
    offered.unwrap_or(AuthMethod::ClientSecretBasic)
}

/// Registers a client, and learns from the answer.
pub async fn registered(trial: &mut Trial<'_>, metadata: &Map<String, Value>) -> Option<Tried> {
    // Its own address counts where it has one.
    let wanted = trial.settings().management;
    trial.change(|settings| settings.management = Management::RegistrationToken);
    let registration = registration(trial, main_method(&trial.settings().auth_methods), &scopes(metadata), None);
    let begun = trial.begin();
    let mut called = trial.ports.registrar.register(&trial.open, None, registration.metadata()).await;
    if let (Called::Refused(failure), true) = (&called, trial.has_standing_credential())
        && let Some(client_id) = failure.client_id.clone()
    {
        // There is one all the same, whatever its address is.
        let why = failure.description.clone().unwrap_or_default();
        trial.warn(format!("the first registration could not be used: {why}"));
        trial.left_behind.push(client_id);
        trial.change(|settings| settings.management = Management::Credential);
        called = trial.ports.registrar.register(&trial.open, None, registration.metadata()).await;
    }
    let issued = match trial.end("register", begun, called, None) {
        Ok(issued) => issued,
        Err(failure) => {
            trial.left_behind.extend(failure.client_id);
            trial.warn("no client could be registered");
            trial.change(|settings| settings.management = wanted);
            return None;
        }
    };
    learn_management(trial, &issued);
    Some(learn(trial, registration, issued))
}

/// One scope of an API, where the server tells of any.
fn scopes(metadata: &Map<String, Value>) -> Vec<String> {
    let supported = metadata.get("scopes_supported").and_then(Value::as_array).into_iter().flatten();
    let of_api = supported.filter_map(Value::as_str).find(|scope| !OF_SIGN_IN.contains(scope));
    of_api.filter(|scope| crate::domain::text::is_scope(scope)).map(str::to_owned).into_iter().collect()
}

fn learn_management(trial: &mut Trial<'_>, issued: &Issued) {
    let management = match (&issued.managed.uri, &issued.managed.token) {
        (Some(_), Some(_)) => Management::RegistrationToken,
        _ if trial.has_standing_credential() => Management::Credential,
        _ => Management::None,
    };
    trial.change(|settings| settings.management = management);
}

fn learn(trial: &mut Trial<'_>, registration: Registration, issued: Issued) -> Tried {
    let judged = registration.compare(&issued.metadata);
    for difference in &judged.differences {
        let (asked, got) = (&difference.asked, &difference.got);
        trial.warn(format!("{} is `{got}` where `{asked}` was asked for", difference.member));
    }
    if let Some(why) = &judged.wider {
        trial.warn(format!("clients would be refused: {why}"));
    }
    let is_less = judged.differences.iter().any(|difference| difference.member == "scope");
    let is_wider = is_less && judged.wider.as_ref().is_some_and(|why| why.starts_with("scope"));
    trial.found.scope = match issued.metadata.get("scope") {
        _ if registration.scopes.is_empty() && !is_wider => None,
        None | Some(Value::Null) => Some(ScopeFinding::Missing),
        Some(_) if is_wider => Some(ScopeFinding::Wider),
        Some(_) if is_less => Some(ScopeFinding::Fewer),
        Some(_) => Some(ScopeFinding::Kept),
    };
    let has = |grant: &Grant| match issued.metadata.get("grant_types").and_then(Value::as_array) {
        Some(grants) => grants.iter().any(|word| word.as_str() == Some(word_of(GRANTS, *grant))),
        None => true,
    };
    trial.found.grants = Some(registration.grants.iter().copied().filter(has).collect());
    let method = registration.auth_method;
    let is_other = judged.differences.iter().any(|difference| difference.member == "token_endpoint_auth_method");
    trial.found.auth_methods = Some(if is_other { Vec::new() } else { vec![method] });
    let credentials =
        ClientCredentials { client_id: issued.managed.client_id.clone(), method, secret: issued.secret.clone() };
    Tried { managed: issued.managed, credentials, is_wider: judged.wider.is_some(), registration }
}

/// Reads the client and changes nothing of it, by whatever manages it.
pub async fn managed(trial: &mut Trial<'_>, client: &mut Tried) {
    if trial.settings().management == Management::None {
        trial.found.management = Some(Management::None);
        return;
    }
    let mut is_managed = false;
    let begun = trial.begin();
    let called = trial.ports.registrar.read(&trial.open, &client.managed).await;
    if let Ok(issued) = trial.end("read", begun, called, None) {
        is_managed = true;
        trial.found.secret_in_read = Some(issued.secret.is_some());
        follow(trial, client, issued);
    }
    let begun = trial.begin();
    let metadata = client.registration.metadata().clone();
    let called = trial.ports.registrar.update(&trial.open, &client.managed, &metadata).await;
    let ended = trial.end("update", begun, called, None);
    trial.found.can_update = Some(ended.is_ok());
    if let Ok(issued) = ended {
        is_managed = true;
        if issued.secret.is_some() {
            client.credentials.secret.clone_from(&issued.secret);
        }
        follow(trial, client, issued);
    }
    if is_managed {
        trial.found.management = Some(trial.settings().management);
    }
    let can_update = trial.found.can_update.unwrap_or_default();
    trial.change(|settings| settings.can_update = can_update);
}

fn follow(trial: &mut Trial<'_>, client: &mut Tried, issued: Issued) {
    use secrecy::ExposeSecret;
    if trial.settings().management == Management::RegistrationToken {
        let token = |managed: &Managed| managed.token.as_ref().map(|token| token.expose_secret().to_owned());
        let has_rotated = token(&issued.managed) != token(&client.managed);
        let before = trial.found.registration_token_rotates.unwrap_or_default();
        trial.found.registration_token_rotates = Some(before || has_rotated);
    }
    client.managed = issued.managed;
}

/// Deletes a client, and asks again.
pub async fn deleted(trial: &mut Trial<'_>, client: &Tried) {
    let begun = trial.begin();
    let called = trial.ports.registrar.delete(&trial.open, &client.managed).await;
    let mut is_gone = trial.end("delete", begun, called, None).is_ok();
    if is_gone {
        let begun = trial.begin();
        let called = trial.ports.registrar.read(&trial.open, &client.managed).await;
        let is_there = matches!(called, Called::Done(_));
        let _ = trial.end("after_delete", begun, called, is_there.then(|| "the client is there still".to_owned()));
        is_gone = !is_there;
    }
    if !is_gone {
        trial.left_behind.push(client.managed.client_id.clone());
        let others = std::mem::take(&mut trial.said_to_be_deleted);
        trial.left_behind.extend(others);
        trial.warn("clients cannot be deleted there: what is deleted here becomes an orphan");
    } else if trial.found.management.is_none() {
        trial.found.management = Some(trial.settings().management);
    }
    trial.found.can_delete = Some(is_gone);
    trial.change(|settings| settings.can_delete = is_gone);
}

/// The word of a method.
pub fn method_word(method: AuthMethod) -> &'static str {
    word_of(AUTH_METHODS, method)
}
