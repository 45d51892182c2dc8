//! What the worker's known tokens take from the allocator: nothing on a hit, and never more than their bound.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use tessera_core::base::time::Timestamp;
use tessera_core::cache::local::BYTES_PER_ENTRY;
use tessera_core::cache::{CacheSettings, Lifetime, LocalCache, Remembered};
use tessera_core::token::facts::{Facts, TokenState};

/// Counts what the current thread asks for and holds.
struct Counting;

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
    static HELD: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
    let _ = HELD.try_with(|held| held.set(held.get() + bytes));
}

// SAFETY: every call is handed to the system allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn settings(entries: usize) -> CacheSettings {
    CacheSettings {
        entries,
        max_ttl: Duration::from_secs(300),
        negative_ttl: Duration::from_secs(10),
        stale_if_error: Duration::ZERO,
        refresh_ahead: true,
        respect_cache_control: false,
    }
}

fn answer(state: TokenState) -> Remembered {
    let until = Timestamp::from_secs(1_300);
    let lifetime = Lifetime { asked_at: Timestamp::from_secs(1_000), fresh_until: until, stale_until: until };
    Remembered { state, lifetime }
}

fn good(scopes: usize) -> Remembered {
    let facts = Facts {
        client_id: Some("portal".into()),
        subject: Some("alice".into()),
        scope: (0..scopes).map(|n| format!("scope.{n}").into()).collect(),
        ..Facts::default()
    };
    answer(TokenState::Active(facts.into()))
}

#[test]
fn a_hit_and_a_miss_do_not_allocate() {
    let mut tokens = LocalCache::new(&settings(1_000), 7);
    let names: Vec<_> = (0..1_000).map(|n| format!("token-{n:037}")).collect();
    for name in &names {
        tokens.insert(0, name.as_bytes(), good(3));
    }
    let before = CALLS.get();
    for name in &names {
        assert!(tokens.get(0, name.as_bytes()).is_some());
        assert!(tokens.get(1, name.as_bytes()).is_none());
    }
    assert_eq!(CALLS.get(), before);
}

#[test]
fn what_is_held_never_exceeds_what_is_counted() {
    for (length, scopes) in [(43, 0), (43, 5), (900, 3), (8_000, 40)] {
        let before = HELD.get();
        let settings = settings(500);
        let mut tokens = LocalCache::new(&settings, 7);
        let bound = (settings.entries + settings.negative_entries()) * BYTES_PER_ENTRY;
        let mut half = 0;
        for number in 0..20_000 {
            let token = format!("{number:0length$}");
            match number % 2 {
                0 => tokens.insert(0, token.as_bytes(), good(scopes)),
                _ => tokens.insert(0, token.as_bytes(), answer(TokenState::Inactive)),
            }
            drop(token);
            let held = (HELD.get() - before) as usize;
            // Tables start with a few places before their first entry.
            assert!(held <= tokens.bytes() + 16 * 1_024, "{held}: {length}, {scopes}");
            assert!(held <= bound, "{held} of {bound}: {length}, {scopes}");
            match number {
                0..10_000 => half = half.max(held),
                _ => assert!(held <= half + half / 20, "no growth in the second half"),
            }
        }
    }
}
