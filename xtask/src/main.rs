//! Build steps that cargo has no words for.
//!
//! * `cargo xtask module` builds `target/tessera.wasm`, the module as it ships.
//! * `cargo xtask native` builds `target/libtessera.so`, the dynamic module as it ships.
//! * `cargo xtask native-faulty` builds `target/faulty/libtessera.so`, one that panics when a request asks for it, for tests.
//! * `cargo xtask native-release` builds `target/native-release`, the dynamic module for each processor that there is a
//!   release for, with cargo-zigbuild.
//! * `cargo xtask native-image` writes `target/native-image`, that as an OCI layout.
//! * `cargo xtask image` writes `target/image`, the module as an OCI layout, and `target/manifests`, which name its digest.
//! * `cargo xtask dist` writes `target/dist`, everything of a release with its checksums; `cargo xtask dist-check` looks
//!   whether it is whole.
//! * `cargo xtask prune INPUT OUTPUT` prunes another module in the same way: the benchmarks' empty filter.
//! * `cargo xtask size` tells how big that module is, and where the bytes are.
#![allow(clippy::print_stdout, reason = "a command line tool talks on its standard output")]

mod archive;
mod auditable;
mod bill;
mod digest;
mod dist;
mod files;
mod image;
mod layout;
mod library;
mod manifests;
mod module;
mod native;
mod native_image;
mod package;
mod prune;
mod release;
mod sbom;
mod size;
mod tools;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["module"] => module::build(),
        ["native"] => native::build(),
        ["native-faulty"] => native::build_faulty(),
        ["native-release"] => native::release(),
        ["native-image"] => native_image::build().map(drop),
        ["prune", input, output] => Ok(std::fs::write(output, prune::prune(&std::fs::read(input)?)?)?),
        ["image"] => image::build().map(drop),
        ["dist"] => dist::build(),
        ["dist-check"] => dist::check(),
        ["size"] => size::print(&module::read()?),
        _ => bail!(
            "usage: cargo xtask module | native | native-faulty | native-release | native-image | image | dist | \
             dist-check | prune INPUT OUTPUT | size"
        ),
    }
}
