//! `cache`: how long and how much is remembered.

use super::reader::{Field, Object};
use crate::cache::CacheSettings;
use std::time::Duration;

/// Reads the object.
pub fn read(object: &Object<'_>) -> Option<CacheSettings> {
    let default = CacheSettings::default();
    let month = Duration::from_secs(30 * 86_400);
    let entries = object.or("entries", 10_000, |field| field.integer(0..=1_000_000));
    let max_ttl = object.or("max_ttl", default.max_ttl, |field| field.duration(Duration::from_millis(1)..=month));
    let negative_ttl = object.or("negative_ttl", default.negative_ttl, |field| field.duration(Duration::ZERO..=month));
    let stale_if_error =
        object.or("stale_if_error", default.stale_if_error, |field| field.duration(Duration::ZERO..=month));
    let refresh_ahead = object.or("refresh_ahead", default.refresh_ahead, Field::boolean);
    let respect_cache_control = object.or("cache_control", default.respect_cache_control, |field| {
        field.word(&[("ignore", false), ("respect", true)])
    });
    Some(CacheSettings {
        entries: usize::try_from(entries?).ok()?,
        max_ttl: max_ttl?,
        negative_ttl: negative_ttl?,
        stale_if_error: stale_if_error?,
        refresh_ahead: refresh_ahead?,
        respect_cache_control: respect_cache_control?,
    })
}
