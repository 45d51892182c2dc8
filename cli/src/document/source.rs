//! A text by its characters and lines: `\n`, `\r\n` and a lone `\r` end one, as YAML has it.

use super::node::Place;

#[derive(Debug)]
pub struct Source {
    letters: Vec<char>,
    /// The index of each line's first character.
    starts: Vec<usize>,
}

impl Source {
    pub fn new(text: &str) -> Self {
        let letters: Vec<char> = text.chars().collect();
        let mut starts = vec![0];
        for (index, letter) in letters.iter().enumerate() {
            let ends = *letter == '\n' || (*letter == '\r' && letters.get(index + 1) != Some(&'\n'));
            if ends {
                starts.push(index + 1);
            }
        }
        Self { letters, starts }
    }

    pub fn letters(&self) -> &[char] {
        &self.letters
    }

    pub fn get(&self, index: usize) -> Option<char> {
        self.letters.get(index).copied()
    }

    /// How many lines there are; behind a last line break there is one more, which is empty.
    pub fn lines(&self) -> usize {
        self.starts.len()
    }

    /// Where a character stands.
    pub fn place(&self, index: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= index);
        Place { line, column: index - self.start(line) + 1 }
    }

    /// The inverse of [`Self::place`].
    pub fn index(&self, place: Place) -> usize {
        self.start(place.line) + place.column.saturating_sub(1)
    }

    /// A line without what ends it. Lines that are not there are empty.
    pub fn line(&self, number: usize) -> &[char] {
        let end = self.starts.get(number).copied().unwrap_or(self.letters.len());
        let line = self.between(self.start(number), end);
        let breaks = line.iter().rev().take_while(|letter| matches!(letter, '\n' | '\r')).count();
        line.get(..line.len() - breaks.min(line.len())).unwrap_or_default()
    }

    pub fn between(&self, start: usize, end: usize) -> &[char] {
        self.letters.get(start..end.min(self.letters.len())).unwrap_or_default()
    }

    /// The index of a line's first character.
    pub fn start(&self, line: usize) -> usize {
        line.checked_sub(1).and_then(|index| self.starts.get(index)).copied().unwrap_or(self.letters.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_stand_in_lines() {
        let source = Source::new("aé\r\n\rb\n");
        assert_eq!(source.lines(), 4);
        for (index, line, column) in [(0, 1, 1), (1, 1, 2), (2, 1, 3), (4, 2, 1), (5, 3, 1), (7, 4, 1)] {
            let place = Place { line, column };
            assert_eq!(source.place(index), place);
            assert_eq!(source.index(place), index);
        }
        let lines: Vec<String> = (0..6).map(|line| source.line(line).iter().collect()).collect();
        assert_eq!(lines, ["", "aé", "", "b", "", ""]);
    }
}
