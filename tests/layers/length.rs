//! How long files are, without the code for tests.

use std::fs;

const MOST: usize = 300;

#[test]
fn no_file_has_over_300_lines_of_production_code() {
    let mut long = Vec::new();
    for file in crate::CRATES.iter().chain(crate::TEST_CRATES).flat_map(|first| crate::production_files(first)) {
        let lines = production_lines(&fs::read_to_string(&file).unwrap());
        if lines > MOST {
            long.push((crate::shown(&file), lines));
        }
    }
    assert!(long.is_empty(), "files of over {MOST} lines: {long:?}");
}

#[test]
fn lines_for_tests_do_not_count() {
    let text = "\
        use a::b;\n\
        #[cfg(test)]\n\
        use a::{\n    c,\n};\n\
        fn f() {\n    #[cfg(test)]\n    g();\n    h();\n}\n\
        #[cfg(test)]\n\
        mod samples;\n\
        #[cfg(test)]\n\
        #[path = \"x.rs\"]\n\
        mod tests {\n    fn t() {}\n}\n\
        #[cfg(not(test))]\n\
        fn i() {}\n";
    assert_eq!(production_lines(text), 6);
    assert_eq!(production_lines(""), 0);
    assert_eq!(production_lines(&"fn f() {}\n".repeat(MOST + 1)), MOST + 1);
}

/// The lines of `text`, which rustfmt has formatted, without the items under `#[cfg(test)]`.
fn production_lines(text: &str) -> usize {
    let mut lines = text.lines();
    let mut count = 0;
    while let Some(line) = lines.next() {
        if line.trim_start() != "#[cfg(test)]" {
            count += 1;
            continue;
        }
        let margin = &line[..line.len() - line.trim_start().len()];
        let mut inside = lines.by_ref().skip_while(|line| line.trim_start().starts_with("#["));
        let is_whole = inside.next().is_none_or(|first| first.ends_with([';', '}']));
        if !is_whole {
            let is_last = |line: &str| line.strip_prefix(margin).is_some_and(|rest| rest.starts_with('}'));
            let _ = inside.find(|line| is_last(line));
        }
    }
    count
}
