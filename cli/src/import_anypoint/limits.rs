//! Parameters that are numbers: their defaults and units there, their bounds here.

/// A parameter that is a whole number.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub name: &'static str,
    pub default: i64,
    /// What it counts, as it is shown.
    pub unit: &'static str,
    /// What one of it is here: milliseconds, or entries.
    pub factor: i64,
    pub least: i64,
    pub most: i64,
    /// What stands for "no limit".
    pub endless: fn(i64) -> bool,
    /// Whether the number is a duration here.
    pub is_duration: bool,
    /// Where it goes: in the provider or in `cache`.
    pub path: &'static str,
    /// What is to be said besides.
    pub besides: &'static str,
}

const MONTH: i64 = 30 * 86_400_000;

pub const TIMEOUT: Limit = Limit {
    name: "authenticationTimeout",
    default: 10_000,
    unit: "ms",
    factor: 1,
    least: 1,
    most: 60_000,
    endless: |number| number <= 0,
    is_duration: true,
    path: "introspection.timeout",
    besides: ", without further attempts (retries: 0)",
};

pub const TTL: Limit = Limit {
    name: "validatedTokenTTL",
    default: 600,
    unit: "s",
    factor: 1_000,
    least: 1,
    most: MONTH,
    endless: |_| false,
    is_duration: true,
    path: "cache.max_ttl",
    besides: "",
};

pub const FEDERATION_TTL: Limit =
    Limit { name: "maxFederationExpirationTime", default: -1, endless: |number| number < 0, ..TTL };

pub const ENTRIES: Limit = Limit {
    name: "maxCacheEntries",
    default: 1_000,
    unit: "entries",
    factor: 1,
    least: 0,
    most: 1_000_000,
    endless: |_| false,
    is_duration: false,
    path: "cache.entries",
    besides: "",
};

pub const SIZE: Limit = Limit { name: "maxCacheSize", ..ENTRIES };

/// What a number is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limited {
    pub value: i64,
    /// Whether the number stands for "no limit", which there is not here.
    pub was_endless: bool,
    /// Whether it is beyond what is possible here.
    pub was_outside: bool,
}

impl Limit {
    pub fn apply(&self, number: i64) -> Limited {
        if (self.endless)(number) {
            return Limited { value: self.most, was_endless: true, was_outside: false };
        }
        let value = number.saturating_mul(self.factor);
        let bounded = value.clamp(self.least, self.most);
        Limited { value: bounded, was_endless: false, was_outside: value != bounded }
    }

    /// As it is written here.
    pub fn shown(&self, value: i64) -> String {
        if self.is_duration { super::number::duration(value) } else { value.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_within_the_bounds_and_say_so() {
        for (limit, number, shown, was_endless, was_outside) in [
            (TIMEOUT, 10_000, "10s", false, false),
            (TIMEOUT, 0, "1m", true, false),
            (TIMEOUT, -1, "1m", true, false),
            (TIMEOUT, 120_000, "1m", false, true),
            (TTL, 600, "10m", false, false),
            (TTL, 0, "1ms", false, true),
            (TTL, -1, "1ms", false, true),
            (TTL, i64::MAX, "30d", false, true),
            (FEDERATION_TTL, -1, "30d", true, false),
            (FEDERATION_TTL, 0, "1ms", false, true),
            (FEDERATION_TTL, 90, "90s", false, false),
            (ENTRIES, 0, "0", false, false),
            (ENTRIES, -1, "0", false, true),
            (SIZE, 2_000_000, "1000000", false, true),
        ] {
            let limited = limit.apply(number);
            assert_eq!(limit.shown(limited.value), shown, "{} {number}", limit.name);
            assert_eq!(
                (limited.was_endless, limited.was_outside),
                (was_endless, was_outside),
                "{} {number}",
                limit.name
            );
        }
    }
}
