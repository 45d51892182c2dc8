//! Escapes in a path (RFC 3986 §2.1): what they are compared as, and in how many ways they can be read.

/// A path with escapes.
#[derive(Debug, PartialEq, Eq)]
pub struct Escaped {
    /// As it stands, with the digits of its escapes in capitals (RFC 3986 §6.2.2.1).
    pub written: Vec<u8>,
    /// The same, with the characters that may stand in a path for themselves in the place of their escapes.
    pub compared: Vec<u8>,
    /// An upstream that decodes more, or more often, than a server should may read another path.
    pub doubtful: bool,
}

/// Reads the escapes of a path whose other bytes are printable ASCII. `None` where one is broken, or stands for a dot,
/// a separator or a control byte, or does so when it is decoded again, however often.
pub fn read(path: &[u8]) -> Option<Escaped> {
    let mut written = Vec::with_capacity(path.len());
    let mut compared = Vec::with_capacity(path.len());
    let mut decoded = Vec::with_capacity(path.len());
    let mut doubtful = false;
    let mut rest = path;
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        if *byte != b'%' {
            for path in [&mut written, &mut compared, &mut decoded] {
                path.push(*byte);
            }
            continue;
        }
        let ([high, low], after) = tail.split_first_chunk::<2>()?;
        rest = after;
        let byte = value(*high, *low)?;
        let escape = [b'%', high.to_ascii_uppercase(), low.to_ascii_uppercase()];
        if is_separator(byte) {
            return None;
        }
        doubtful |= is_unreserved(byte) || byte == b';';
        written.extend(escape);
        match byte {
            b'%' | b';' | b'?' | b'#' => compared.extend(escape),
            0x21..=0x7e => compared.push(byte),
            _ => compared.extend(escape),
        }
        decoded.push(byte);
    }
    doubtful |= reads_otherwise(&decoded);
    if decoded.contains(&b'%') {
        doubtful |= decoded_again(decoded)?;
    }
    Some(Escaped { written, compared, doubtful })
}

/// Decodes `once` until nothing is left to decode; whether that is doubtful. Every `%` in it was an escape.
///
/// From left to right with the end of what is decoded so far in view, which gives what decoding pass by pass would
/// give, in one pass however deep escapes are nested.
fn decoded_again(once: Vec<u8>) -> Option<bool> {
    let mut doubtful = false;
    let mut decoded: Vec<u8> = Vec::with_capacity(once.len());
    for byte in once {
        decoded.push(byte);
        while let Some([b'%', high, low]) = decoded.last_chunk()
            && let Some(byte) = value(*high, *low)
        {
            if is_separator(byte) || byte == b';' {
                return None;
            }
            doubtful |= is_unreserved(byte);
            decoded.truncate(decoded.len() - 3);
            decoded.push(byte);
        }
    }
    Some(doubtful || reads_otherwise(&decoded))
}

fn value(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? * 16 + digit(low)?)
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b'.' | b'/' | b'\\') || byte.is_ascii_control()
}

/// What no client needs to escape (RFC 3986 §2.3), but for the dot.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~')
}

/// Whether lenient readers take some of the text for ASCII: overlong forms and other broken UTF-8, and what Unicode's
/// compatibility (NFKC) or an old code page makes a dot, a slash or a letter of. Whole blocks of such forms: a path
/// that is taken for doubtful still falls under the rules, it only opens nothing.
fn reads_otherwise(decoded: &[u8]) -> bool {
    let has_twin = |letter: char| {
        matches!(letter,
            '\u{80}'..='\u{bf}' | '\u{131}'..='\u{133}' | '\u{13f}' | '\u{140}' | '\u{149}' | '\u{17f}'
            | '\u{1c4}'..='\u{1cc}' | '\u{1f1}'..='\u{1f3}' | '\u{2b0}'..='\u{2ff}' | '\u{37a}'..='\u{385}'
            | '\u{1d00}'..='\u{1dbf}' | '\u{1e9a}' | '\u{1fbd}'..='\u{2c7d}' | '\u{3000}' | '\u{309b}' | '\u{309c}'
            | '\u{3200}'..='\u{33ff}' | '\u{a7f2}'..='\u{a7f4}' | '\u{fb00}'..='\u{ffff}' | '\u{10780}'..='\u{107bf}'
            | '\u{1d400}'..='\u{1d7ff}' | '\u{1f100}'..='\u{1f1ff}' | '\u{1fbf0}'..='\u{1fbf9}')
    };
    std::str::from_utf8(decoded).map_or(true, |text| text.chars().any(has_twin))
}

#[cfg(test)]
mod tests;
