//! The part of a line that is around a place.

use super::tokens::{Token, TokenKind};

/// From which character of a line to which one it is enough to look: at least so many that `most` are shown on each side
/// of `place`, if there are as many. A line may be long, and much may be said of it.
pub fn window(place: usize, (first, last): (usize, usize), tokens: &[Token], most: usize) -> (usize, usize) {
    let place = place.clamp(first, last);
    let (before, behind) = tokens.split_at(tokens.partition_point(|token| token.start < place));
    let (mut begin, mut left) = (place, most);
    for token in before.iter().rev() {
        let gap = begin.saturating_sub(token.end.max(first));
        if token.end <= first || gap >= left {
            break;
        }
        left = left.saturating_sub(gap + width(token));
        begin = token.start.max(first);
    }
    let begin = begin.saturating_sub(left).max(first);
    let (mut end, mut left) = (place, most);
    for token in behind {
        let gap = token.start.saturating_sub(end);
        if token.start >= last || gap >= left {
            break;
        }
        // What is at the place itself is shown.
        let width = if token.start == place { token.end - token.start } else { width(token) };
        left = left.saturating_sub(gap + width);
        end = token.end.min(last);
    }
    (begin, (end + left).min(last))
}

fn width(token: &Token) -> usize {
    if token.kind == TokenKind::Key { token.end - token.start } else { 1 }
}
