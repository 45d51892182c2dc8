//! Points in time, and time spans, as configuration and tokens write them.

use std::time::Duration;

/// Milliseconds since the Unix epoch, by the host's wall clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The last representable moment: a later time saturates to it.
    pub const MAX: Self = Self(u64::MAX);

    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// From seconds since the Unix epoch (RFC 7519 §2, NumericDate), saturating.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The span since `earlier`; zero when the clock has gone backwards.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// `span` later, saturating.
    pub const fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }

    /// `span` earlier, saturating at the epoch.
    pub const fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }
}

/// A span in whole milliseconds, saturating. Without 128-bit arithmetic, as [`Duration::as_millis`] and a saturating
/// multiplication would need it, which is slow in a 32-bit VM: this is on the way of every request.
pub const fn millis(span: Duration) -> u64 {
    const MOST: u64 = u64::MAX / 1000 - 1;
    if span.as_secs() > MOST { u64::MAX } else { span.as_secs() * 1000 + span.subsec_millis() as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn milliseconds_are_those_of_the_standard_library_up_to_the_end(
            secs in prop_oneof![any::<u64>(), 0..10_000_000_000_u64, u64::MAX / 1000 - 2..u64::MAX / 1000 + 2],
            nanos in 0..1_000_000_000_u32,
        ) {
            let span = Duration::new(secs, nanos);
            let expected = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
            // The last second or two before the end of time count as the end.
            prop_assert!(millis(span) == expected || millis(span) == u64::MAX && expected > u64::MAX - 2000);
        }
    }
}
