//! How big the finished module is.

use std::io::Write;

use anyhow::Result;
use flate2::{Compression, write::GzEncoder};
use wasmparser::{Parser, Payload};

/// Prints the size of the finished module, as it is and compressed, and its sections, biggest first.
///
/// # Errors
/// When it is not a module.
pub fn print(wasm: &[u8]) -> Result<()> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(wasm)?;

    println!("target/tessera.wasm");
    println!("  {:<10} {:>11}", "raw", kib(wasm.len()));
    println!("  {:<10} {:>11}", "gzip", kib(gzip.finish()?.len()));
    for (name, bytes) in sections(wasm)? {
        println!("    {name:<20} {:>11}", kib(bytes));
    }
    Ok(())
}

/// `bytes` in KiB, for people.
pub fn kib(bytes: usize) -> String {
    format!("{}.{} KiB", bytes / 1024, bytes % 1024 * 10 / 1024)
}

/// The sections of a module with their sizes in bytes, biggest first.
fn sections(wasm: &[u8]) -> Result<Vec<(String, usize)>> {
    let mut sections = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        let name = match &payload {
            Payload::CustomSection(custom) => format!("custom {}", custom.name()),
            Payload::TypeSection(_) => "types".to_owned(),
            Payload::ImportSection(_) => "imports".to_owned(),
            Payload::FunctionSection(_) => "functions".to_owned(),
            Payload::TableSection(_) => "tables".to_owned(),
            Payload::MemorySection(_) => "memory".to_owned(),
            Payload::GlobalSection(_) => "globals".to_owned(),
            Payload::ExportSection(_) => "exports".to_owned(),
            Payload::ElementSection(_) => "elements".to_owned(),
            Payload::DataSection(_) => "data".to_owned(),
            Payload::CodeSectionStart { .. } => "code".to_owned(),
            _ => continue,
        };
        if let Some((_, range)) = payload.as_section() {
            sections.push((name, range.len()));
        }
    }
    sections.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    Ok(sections)
}

#[cfg(test)]
mod tests {
    use super::{kib, sections};

    #[test]
    fn sections_come_biggest_first() {
        let wasm = wat::parse_str(
            r#"(module (memory 1) (data (i32.const 0) "0123456789abcdefghijklmnopqrstuvwxyz") (func nop))"#,
        )
        .unwrap();
        let sections = sections(&wasm).unwrap();
        assert_eq!(sections[0].0, "data");
        assert!(sections.iter().any(|(name, _)| name == "code"));
        assert!(sections.is_sorted_by(|a, b| a.1 >= b.1));
    }

    #[test]
    fn sizes_are_rounded_down_to_a_tenth() {
        assert_eq!(kib(1024), "1.0 KiB");
        assert_eq!(kib(600 * 1024 + 1023), "600.9 KiB");
    }
}
