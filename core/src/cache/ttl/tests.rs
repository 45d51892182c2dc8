use super::*;
use crate::cache::samples;
use crate::token::facts::Facts;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_secs(1_000);

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn settings() -> CacheSettings {
    CacheSettings { stale_if_error: secs(60), respect_cache_control: true, ..CacheSettings::default() }
}

fn until(exp: Option<u64>) -> TokenState {
    TokenState::Active(Facts { expires_at: exp.map(Timestamp::from_secs), ..Facts::default() }.into())
}

/// The seed whose jitter is next to nothing, found once by trying.
fn calm_seed() -> u64 {
    (0..u64::MAX).find(|seed| jittered(secs(3_600), *seed) > secs(3_599)).unwrap()
}

fn fresh_for(settings: &CacheSettings, state: &TokenState, header: &str) -> Option<u64> {
    let control = CacheControl::from_lines([header.as_bytes()]);
    let lifetime = settings.lifetime(state, control, NOW, calm_seed())?;
    Some(lifetime.fresh_until.since(NOW).as_secs_f64().round() as u64)
}

#[test]
fn a_good_answer_lives_for_max_ttl_and_never_past_exp() {
    let settings = settings();
    assert_eq!(fresh_for(&settings, &until(None), ""), Some(300));
    assert_eq!(fresh_for(&settings, &until(Some(9_999)), ""), Some(300));
    assert_eq!(fresh_for(&settings, &until(Some(1_030)), ""), Some(30));
}

#[test]
fn an_answer_past_its_exp_is_not_kept() {
    for exp in [0, 1, 999, 1_000] {
        assert_eq!(fresh_for(&settings(), &until(Some(exp)), ""), None, "{exp}");
    }
}

#[test]
fn a_negative_answer_lives_for_negative_ttl() {
    assert_eq!(fresh_for(&settings(), &TokenState::Inactive, ""), Some(10));
    let off = CacheSettings { negative_ttl: Duration::ZERO, ..settings() };
    assert_eq!(fresh_for(&off, &TokenState::Inactive, ""), None);
    assert_eq!(fresh_for(&off, &until(None), ""), Some(300));
}

#[test]
fn a_negative_answer_is_never_stale() {
    let lifetime = settings().lifetime(&TokenState::Inactive, CacheControl::default(), NOW, 7).unwrap();
    assert_eq!(lifetime.fresh_until, lifetime.stale_until);
}

#[test]
fn cache_control_only_shortens() {
    let settings = settings();
    for (header, good, bad) in [
        ("max-age=5", Some(5), Some(5)),
        ("max-age=100000", Some(300), Some(10)),
        ("max-age=0", None, None),
        ("no-store", None, None),
        ("no-cache", None, None),
        ("private", Some(300), Some(10)),
    ] {
        assert_eq!(fresh_for(&settings, &until(None), header), good, "{header}");
        assert_eq!(fresh_for(&settings, &TokenState::Inactive, header), bad, "{header}");
    }
}

#[test]
fn cache_control_that_is_ignored_takes_nothing_away() {
    let ignoring = CacheSettings { respect_cache_control: false, ..settings() };
    for header in ["no-store", "no-cache, max-age=0", "max-age=5, must-revalidate", "="] {
        assert_eq!(fresh_for(&ignoring, &until(None), header), Some(300), "{header}");
        assert_eq!(fresh_for(&ignoring, &TokenState::Inactive, header), Some(10), "{header}");
        let control = CacheControl::from_lines([header.as_bytes()]);
        let lifetime = ignoring.lifetime(&until(None), control, NOW, 7).unwrap();
        assert_eq!(lifetime.stale_until.since(lifetime.fresh_until), secs(60), "{header}");
    }
}

#[test]
fn nothing_is_kept_without_a_lifetime_or_without_entries() {
    let no_time = CacheSettings { max_ttl: Duration::ZERO, ..settings() };
    assert_eq!(fresh_for(&no_time, &until(None), ""), None);
    let no_room = CacheSettings { entries: 0, ..settings() };
    assert_eq!(fresh_for(&no_room, &until(None), ""), None);
    assert_eq!(no_room.negative_entries(), 0);
}

#[test]
fn stale_time_ends_at_exp() {
    let lifetime = |exp| settings().lifetime(&until(exp), CacheControl::default(), NOW, calm_seed()).unwrap();
    let open = lifetime(None);
    assert_eq!(open.stale_until, open.fresh_until.plus(secs(60)));
    let short = lifetime(Some(1_310));
    assert_eq!(short.stale_until, Timestamp::from_secs(1_310));
}

#[test]
fn must_revalidate_forbids_stale_use() {
    let control = CacheControl::from_lines([b"must-revalidate".as_slice()]);
    let lifetime = settings().lifetime(&until(None), control, NOW, 3).unwrap();
    assert_eq!(lifetime.stale_until, lifetime.fresh_until);
}

#[test]
fn endless_times_saturate() {
    let endless = CacheSettings { max_ttl: Duration::MAX, stale_if_error: Duration::MAX, ..settings() };
    let far = Timestamp::from_millis(u64::MAX - 5);
    for now in [Timestamp::default(), NOW, far] {
        let lifetime = endless.lifetime(&until(None), CacheControl::default(), now, 1).unwrap();
        assert!(lifetime.fresh_until > now);
        assert_eq!(lifetime.stale_until, Timestamp::MAX);
    }
}

#[test]
fn seeds_spread_lifetimes_over_a_tenth() {
    let lives: Vec<_> = (0..1_000).map(|seed| jittered(secs(100), seed)).collect();
    let (low, high) = (lives.iter().min().unwrap(), lives.iter().max().unwrap());
    assert!(*low >= secs(90) && *low < secs(91), "{low:?}");
    assert!(*high <= secs(100) && *high > secs(99), "{high:?}");
    let early = lives.iter().filter(|life| **life < secs(95)).count();
    assert!((400..600).contains(&early), "{early}");
}

#[test]
fn what_others_stored_is_cut_to_the_settings() {
    let stored = Remembered {
        state: until(None),
        lifetime: Lifetime { asked_at: NOW, fresh_until: NOW.plus(secs(3_600)), stale_until: NOW.plus(secs(7_200)) },
    };
    let shortened = settings().shorten(stored).lifetime;
    assert_eq!(shortened.fresh_until, NOW.plus(secs(300)));
    assert_eq!(shortened.stale_until, NOW.plus(secs(360)));
}

proptest! {
    #[test]
    fn no_lifetime_breaks_its_bounds(
        state in samples::state(), now in 0..4_000_000_000_000_u64, seed: u64,
        max_ttl in 0..10_000_u64, stale in 0..10_000_u64, max_age in prop::option::of(0..10_000_u64),
    ) {
        let settings = CacheSettings {
            max_ttl: Duration::from_millis(max_ttl),
            stale_if_error: Duration::from_millis(stale),
            ..settings()
        };
        let control = CacheControl { max_age: max_age.map(Duration::from_millis), ..CacheControl::default() };
        let now = Timestamp::from_millis(now);
        if let Some(lifetime) = settings.lifetime(&state, control, now, seed) {
            let limit = settings.ttl(&state).min(control.max_age.unwrap_or(Duration::MAX));
            prop_assert!(lifetime.fresh_until > now);
            prop_assert!(lifetime.fresh_until <= now.plus(limit));
            prop_assert!(lifetime.fresh_until <= lifetime.stale_until);
            prop_assert!(lifetime.stale_until <= end_of(&state));
            let entry = Remembered { state, lifetime };
            prop_assert_eq!(settings.shorten(entry.clone()), entry);
        }
    }
}
