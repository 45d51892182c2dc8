//! Who is told of what happens.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretSlice};

use super::secret::required_secret;
use super::section::Section;
use crate::domain::principal::{DEFAULT_ORGANISATION, is_slug};
use crate::domain::text::is_safe_url;
use crate::domain::webhook::{NoticeKind, Subscriber};

/// A receiver, and what signs what it is told.
#[derive(Debug)]
pub struct Webhook {
    pub subscriber: Subscriber,
    /// The bytes behind `whsec_`.
    pub secret: SecretSlice<u8>,
}

pub(super) fn webhooks(root: &mut Section<'_>) -> Vec<Webhook> {
    let mut known = BTreeSet::new();
    root.sections("webhooks").into_iter().filter_map(|section| webhook(section, &mut known)).collect()
}

fn webhook(mut section: Section<'_>, known: &mut BTreeSet<(String, String)>) -> Option<Webhook> {
    let organisation = section.text("organisation").unwrap_or_else(|| DEFAULT_ORGANISATION.to_owned());
    if !is_slug(&organisation) {
        section.fault("organisation", "must be a slug: letters a to z, digits and hyphens");
    }
    let url = section.required("url").filter(|url| {
        let is_safe = is_safe_url(url);
        if !is_safe {
            section.fault("url", "must be an https URL, or http on a loopback host, without a user");
        }
        is_safe
    });
    // A delivery names its receiver by these two: they say which secret signs it.
    if let Some(url) = &url
        && !known.insert((organisation.clone(), url.clone()))
    {
        section.fault("url", "is there twice for the organisation");
    }
    let secret = required_secret(&mut section, "secret").and_then(|secret| {
        let bytes = secret.expose_secret().strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok());
        let bytes = bytes.filter(|bytes| (24..=64).contains(&bytes.len()));
        if bytes.is_none() {
            section.fault("secret", "must be whsec_ and 24 to 64 bytes as base64");
        }
        bytes.map(SecretSlice::from)
    });
    let events = section.texts("events").map(|texts| {
        let known = |text: &String| NoticeKind::WORDS.iter().find(|(word, _)| word == text).map(|(_, kind)| *kind);
        let events: Option<Vec<NoticeKind>> = texts.iter().map(known).collect();
        events.filter(|events| !events.is_empty()).unwrap_or_else(|| {
            let words: Vec<_> = NoticeKind::WORDS.iter().map(|(word, _)| *word).collect();
            section.fault("events", format!("must be some of {}", words.join(", ")));
            Vec::new()
        })
    });
    section.finish();
    Some(Webhook { subscriber: Subscriber { organisation, url: url?, events }, secret: secret? })
}
