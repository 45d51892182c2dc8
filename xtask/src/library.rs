//! What a shared library needs of the machine that loads it, as its ELF file says.

/// Where Envoy begins with a module.
const ENTRY: &[u8] = b"\0envoy_dynamic_module_on_program_init\0";
const VERSION: &[u8] = b"GLIBC_2.";

/// Why Envoy cannot load this library on that processor, beside the version 2.`newest` of the C library.
pub fn problems(library: &[u8], machine: u16, newest: u32) -> Vec<String> {
    let mut problems = Vec::new();
    if !library.starts_with(b"\x7fELF\x02\x01") {
        return vec!["it is no 64-bit ELF file".to_owned()];
    }
    let own = library.get(18..20).and_then(|bytes| Some(u16::from_le_bytes(bytes.try_into().ok()?)));
    if own != Some(machine) {
        problems.push(format!("it is for another processor: {own:?} instead of {machine}"));
    }
    if !contains(library, ENTRY) {
        problems.push("Envoy finds no entry in it".to_owned());
    }
    match needed(library) {
        Some(needed) if needed > newest => problems.push(format!("it needs version 2.{needed} of the C library")),
        Some(_) => {}
        None => problems.push("it does not say which version of the C library it needs".to_owned()),
    }
    problems
}

/// The newest version 2.n of the C library that it names: each symbol of it that is needed has one.
fn needed(library: &[u8]) -> Option<u32> {
    let named = library.windows(VERSION.len()).enumerate().filter(|(_, bytes)| *bytes == VERSION);
    let numbers = named.filter_map(|(index, _)| {
        let digits = library.get(index + VERSION.len()..)?.iter().take_while(|byte| byte.is_ascii_digit());
        String::from_utf8(digits.copied().collect()).ok()?.parse().ok()
    });
    numbers.max()
}

fn contains(library: &[u8], text: &[u8]) -> bool {
    library.windows(text.len()).any(|bytes| bytes == text)
}

#[cfg(test)]
mod tests {
    use super::problems;

    fn library(machine: u16, names: &str) -> Vec<u8> {
        let mut library = b"\x7fELF\x02\x01".to_vec();
        library.resize(18, 0);
        library.extend(machine.to_le_bytes());
        library.extend(names.as_bytes());
        library
    }

    #[test]
    fn a_library_is_held_to_its_processor_and_to_an_old_version_of_the_c_library() {
        let entry = "\0envoy_dynamic_module_on_program_init\0";
        let sound = format!("{entry}GLIBC_2.2.5\0GLIBC_2.28\0");
        assert_eq!(problems(&library(62, &sound), 62, 28), [""; 0]);
        for (faulty, problem) in [
            (library(183, &sound), "it is for another processor: Some(183) instead of 62"),
            (library(62, &format!("{sound}GLIBC_2.34\0")), "it needs version 2.34 of the C library"),
            (library(62, entry), "it does not say which version of the C library it needs"),
            (library(62, "GLIBC_2.17\0"), "Envoy finds no entry in it"),
            (b"\0asm".to_vec(), "it is no 64-bit ELF file"),
        ] {
            assert_eq!(problems(&faulty, 62, 28), [problem]);
        }
    }
}
