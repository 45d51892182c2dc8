//! Durations as the configuration writes them: `"250ms"`, `"15s"`, `"10m"`, `"24h"`, `"7d"`.

use crate::base::time::millis;
use std::time::Duration;

/// `None` for what is not a whole number and a unit.
pub fn parse(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let unit_millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(unit_millis).map(Duration::from_millis)
}

/// In the largest unit of which it is several.
pub(super) fn written(span: Duration) -> String {
    let millis = millis(span);
    [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")]
        .into_iter()
        .find(|(unit, _)| millis > *unit && millis.is_multiple_of(*unit))
        .map_or_else(
            || if millis == 0 { "0s".to_owned() } else { format!("{millis}ms") },
            |(unit, name)| format!("{}{name}", millis / unit),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_whole_number_and_a_unit() {
        for (text, millis) in
            [("250ms", 250), ("15s", 15_000), ("10m", 600_000), ("24h", 86_400_000), ("0s", 0), ("2d", 172_800_000)]
        {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "15", "1.5s", "-1s", "15 s", "15S", "1w", "18446744073709551615d", "٣s"] {
            assert_eq!(parse(text), None, "{text}");
        }
        for text in ["250ms", "15s", "60s", "10m", "24h", "2d"] {
            assert_eq!(written(parse(text).unwrap()), text);
        }
        assert_eq!(written(Duration::ZERO), "0s");
    }
}
