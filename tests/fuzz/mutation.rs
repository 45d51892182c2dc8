//! Bends an input, at random but repeatably.

use super::random::Random;

/// Longest input.
const LONGEST: usize = 4096;
/// What is often treated in its own way.
const BYTES: &[u8] = b"\0\x01\x7f\x80\xff \t\"',;:=&?/%.{}[]<>\\09azAZ-+_";

/// `input` after a few changes; `others` is what parts are taken from.
pub fn bend(input: &[u8], others: &[Vec<u8>], words: &[&str], random: &mut Random) -> Vec<u8> {
    let mut bent = input.to_vec();
    let changes = 1 + random.below(4) * random.below(3);
    for _ in 0..changes {
        change(&mut bent, others, words, random);
    }
    bent.truncate(LONGEST);
    bent
}

fn change(bent: &mut Vec<u8>, others: &[Vec<u8>], words: &[&str], random: &mut Random) {
    let at = random.below(bent.len() + 1);
    let end = (at + 1 + random.below(16)).min(bent.len());
    let byte = match random.below(2) {
        0 => BYTES[random.below(BYTES.len())],
        _ => random.below(256) as u8,
    };
    match random.below(9) {
        0 if at < bent.len() => bent[at] ^= 1 << random.below(8),
        1 if at < bent.len() => bent[at] = byte,
        2 => bent.insert(at, byte),
        3 => drop(bent.drain(at..end)),
        4 => {
            let part = bent[at..end].to_vec();
            bent.splice(at..at, part);
        }
        5 => {
            let other = &others[random.below(others.len())];
            let from = random.below(other.len() + 1);
            let to = (from + random.below(64)).min(other.len());
            bent.splice(at..end, other[from..to].iter().copied());
        }
        6 => {
            // Two parts change places.
            let middle = at + (end - at) / 2;
            bent[at..end].rotate_left(middle - at);
        }
        _ if !words.is_empty() => {
            let word = words[random.below(words.len())].bytes();
            let end = if random.below(2) == 0 { at } else { end };
            bent.splice(at..end, word);
        }
        _ => bent.push(byte),
    }
}
