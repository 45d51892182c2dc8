//! Tabs behind colons: YAML has them between tokens (YAML 1.2.2 §6.2), the parser refuses them before letters and `-`.

use super::builder::Fault;
use saphyr_parser::{Event, Parser, ScalarStyle};

/// Whether a text was refused for one of them.
pub fn are_refused(fault: &Fault) -> bool {
    fault.message == "':' must be followed by a valid YAML whitespace"
}

/// The same with a space for each, but for those within scalars. Every character keeps its index.
pub fn as_spaces(letters: &[char]) -> Vec<char> {
    let pairs = letters.windows(2).enumerate();
    let tabs: Vec<usize> = pairs.filter(|(_, pair)| *pair == [':', '\t']).map(|(index, _)| index + 1).collect();
    let mut spaced = letters.to_vec();
    put(' ', &tabs, &mut spaced);
    let mut made = spaced.clone();
    let mut behind = 0;
    let text: String = spaced.into_iter().collect();
    for (event, span) in Parser::new_from_str(&text).map_while(Result::ok) {
        let (start, end) = (span.start.index(), span.end.index());
        if let Event::Scalar(_, style, ..) = event {
            // The span of a block begins somewhere in it.
            let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
            let start = if is_block { behind } else { start };
            let within = tabs.partition_point(|tab| *tab < start)..tabs.partition_point(|tab| *tab < end);
            put('\t', tabs.get(within).unwrap_or_default(), &mut made);
        }
        behind = end;
    }
    made
}

fn put(letter: char, at: &[usize], letters: &mut [char]) {
    for index in at {
        letters.get_mut(*index).into_iter().for_each(|place| *place = letter);
    }
}
