//! `cache`: how long and how much is cached.

use super::key::keys;
use super::kind::{FLAG, Of, Span, Whole, Word};
use super::section::Section;
use crate::cache::CacheSettings;
use std::time::Duration;

const MONTH: Duration = Duration::from_secs(30 * 86_400);

keys! {
    /// What is remembered of tokens.
    CACHE: CacheKeys at "cache";
    /// Good answers kept, by each worker and by the process; with 0, nothing is kept.
    entries: Whole = or(Whole(0, 1_000_000), "10000");
    /// Longest life of a good answer; never past its `exp`.
    max_ttl: Span = or(Span(Duration::from_millis(1), MONTH), "\"5m\"");
    /// Life of an answer that a token is not active; with `0s`, it is not kept.
    negative_ttl: Span = or(Span(Duration::ZERO, MONTH), "\"10s\"");
    /// How long past its life a good answer may serve while the authorization server is down; never past its `exp`.
    stale_if_error: Span = or(Span(Duration::ZERO, MONTH), "\"0s\"");
    /// Whether tokens in use are asked about shortly before their answer expires, off the request's path.
    refresh_ahead: Of<bool> = or(FLAG, "true");
    /// Whether `Cache-Control` of an answer shortens its life.
    cache_control: Word<bool> = or(Word(&[("ignore", false), ("respect", true)]), "\"ignore\"");
}

pub(super) fn read(section: &Section<'_>) -> Option<CacheSettings> {
    let entries = section.get(&CACHE.entries);
    let max_ttl = section.get(&CACHE.max_ttl);
    let negative_ttl = section.get(&CACHE.negative_ttl);
    let stale_if_error = section.get(&CACHE.stale_if_error);
    let refresh_ahead = section.get(&CACHE.refresh_ahead);
    let respect_cache_control = section.get(&CACHE.cache_control);
    Some(CacheSettings {
        entries: usize::try_from(entries?).ok()?,
        max_ttl: max_ttl?,
        negative_ttl: negative_ttl?,
        stale_if_error: stale_if_error?,
        refresh_ahead: refresh_ahead?,
        respect_cache_control: respect_cache_control?,
    })
}
