//! Providers: where clients are made, and whose tokens the filter takes.

mod authorization;
mod credential;
mod dcr;
mod entra;
mod introspection;
mod one_time;
mod template;
mod view;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::domain::members::Members;
use crate::domain::reader::{or_null, set, slug, span, text, text_that, word};
use crate::domain::text::{MAX_TITLE, SAFE_URL, Span, is_safe_url};
use crate::domain::time::Time;

pub use authorization::{Authorization, AuthorizationView, authorization_place, signing};
pub use dcr::{DcrSettings, DcrView, Management, OnDelete, Verification};
pub use entra::{EntraSettings, EntraView, entra_place};
pub use introspection::{EndpointAuth, Introspection, IntrospectionView, introspection_place};
pub use one_time::{MAX_ONE_TIME, OneTimeToken, given_tokens, one_time_place};
pub use template::Template;
pub use view::{ProviderBrief, ProviderKind, ProviderView};

const KINDS: &[(&str, ProviderKind)] =
    &[("manual", ProviderKind::Manual), ("dcr", ProviderKind::Dcr), ("entra", ProviderKind::Entra)];

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    pub id: String,
    pub title: String,
    pub kind: ProviderKind,
    /// All when absent.
    pub environments: Option<Vec<String>>,
    pub issuer: Option<String>,
    /// Of those where clients are registered.
    #[serde(default)]
    pub registration: Option<DcrSettings>,
    /// Of Entra ID.
    #[serde(default)]
    pub entra: Option<EntraSettings>,
    /// Tokens are JWTs when absent.
    pub introspection: Option<Introspection>,
    pub client_id_claims: Vec<String>,
    pub timeout: Span,
    pub created_at: Time,
    pub updated_at: Time,
}

/// Claims that name the client of a token, the first that is there.
const CLAIMS: [&str; 4] = ["client_id", "azp", "appid", "cid"];

impl Provider {
    /// Of which nothing is known yet.
    pub fn blank(now: Time) -> Self {
        Self {
            id: String::new(),
            title: String::new(),
            kind: ProviderKind::default(),
            environments: None,
            issuer: None,
            registration: None,
            entra: None,
            introspection: None,
            client_id_claims: CLAIMS.map(str::to_owned).into(),
            timeout: Span::seconds(10),
            created_at: now,
            updated_at: now,
        }
    }

    /// Whether there are such environments is not asked. `seal` is given each new credential, with its place.
    pub fn read(&mut self, members: &mut Members<'_>, seal: &dyn Fn(&str, &str) -> String) {
        members.fixed("id", &mut self.id, slug);
        members.optional("title", &mut self.title, self.id.clone(), text(1..=MAX_TITLE));
        members.nullable("environments", &mut self.environments, set(0..=1000, slug));
        members.made_here(&["created_at", "updated_at"]);
        let mut kind = members.is_patch().then_some(self.kind);
        members.fixed("kind", &mut kind, |value| word(KINDS)(value).map(Some));
        let Some(kind) = kind else { return members.leave_rest() };
        self.kind = kind;
        self.read_issuer(members);
        self.read_settings(members, seal);
        let id = self.id.clone();
        let seal = |credential: &str| seal(&introspection_place(&id), credential);
        members.part("introspection", &mut self.introspection, Introspection::default(), |members, introspection| {
            introspection.read(members, self.issuer.is_some(), &seal);
        });
        let claims = CLAIMS.map(str::to_owned).into();
        members.optional("client_id_claims", &mut self.client_id_claims, claims, set(1..=16, text(1..=200)));
        members.optional("timeout", &mut self.timeout, Span::seconds(10), span("1s", "60s"));
    }

    /// Those of its kind.
    fn read_settings(&mut self, members: &mut Members<'_>, seal: &dyn Fn(&str, &str) -> String) {
        let id = &self.id;
        self.registration = self.registration.take().filter(|_| self.kind == ProviderKind::Dcr);
        self.entra = self.entra.take().filter(|_| self.kind == ProviderKind::Entra);
        match self.kind {
            ProviderKind::Manual => {}
            ProviderKind::Dcr => {
                let seal = |credential: &str| seal(&authorization_place(id), credential);
                self.registration.get_or_insert_default().read(members, &seal);
            }
            ProviderKind::Entra => {
                let seal = |credential: &str| seal(&entra_place(id), credential);
                self.entra.get_or_insert_default().read(members, &seal);
            }
        }
    }

    fn read_issuer(&mut self, members: &mut Members<'_>) {
        let url = text_that(is_safe_url, SAFE_URL);
        if members.is_patch() {
            members.unchanged("issuer", &self.issuer, or_null(url));
        } else if self.kind == ProviderKind::Manual {
            members.nullable("issuer", &mut self.issuer, url);
        } else {
            members.required("issuer", &mut self.issuer, |value| url(value).map(Some));
        }
    }

    /// Whether clients are registered there by tokens of a pool.
    pub fn takes_one_time_tokens(&self) -> bool {
        self.registration.as_ref().is_some_and(|settings| settings.authorization == Authorization::OneTime)
    }

    /// How clients are registered there, whatever its kind. `None` where none are.
    pub fn registering(&self) -> Option<Cow<'_, DcrSettings>> {
        let entra = || self.entra.as_ref().map(|settings| Cow::Owned(settings.registering()));
        self.registration.as_ref().map(Cow::Borrowed).or_else(entra)
    }

    /// Whether a client is one there however often it is registered.
    pub fn registers_once(&self) -> bool {
        self.kind == ProviderKind::Entra
    }

    /// Whether a client has several secrets there at a time, given beside its registration.
    pub fn overlaps_secrets(&self) -> bool {
        self.kind == ProviderKind::Entra
    }

    pub fn serves(&self, environment: &str) -> bool {
        self.environments.as_ref().is_none_or(|served| served.iter().any(|one| one == environment))
    }

    /// What is sealed, with the places that it is sealed for.
    pub fn credentials(&mut self) -> Vec<(String, &mut String)> {
        let authorization = self.registration.as_mut().and_then(|settings| settings.authorization.credential_mut());
        let entra = self.entra.as_mut().map(|settings| &mut settings.credential);
        let introspection = self.introspection.as_mut().map(|introspection| &mut introspection.credential);
        let of = |place: fn(&str) -> String| place(&self.id);
        let authorization = authorization.map(|sealed| (of(authorization_place), sealed));
        let entra = entra.map(|sealed| (of(entra_place), sealed));
        let introspection = introspection.map(|sealed| (of(introspection_place), sealed));
        authorization.into_iter().chain(entra).chain(introspection).collect()
    }

    pub fn brief(&self) -> ProviderBrief {
        let Self { id, title, environments, .. } = self.clone();
        ProviderBrief { id, title, environments }
    }

    pub fn view(&self) -> ProviderView {
        let own = self.clone();
        ProviderView {
            id: own.id,
            title: own.title,
            kind: own.kind,
            environments: own.environments,
            issuer: own.issuer,
            registration: own.registration.map(DcrSettings::view),
            entra: own.entra.map(EntraSettings::view),
            introspection: own.introspection.map(Introspection::view),
            client_id_claims: own.client_id_claims,
            timeout: own.timeout,
            created_at: own.created_at,
            updated_at: own.updated_at,
        }
    }
}
