//! libFuzzer on the target that `TESSERA_FUZZ_TARGET` names.
#![no_main]

use std::sync::LazyLock;
use tessera_fuzz::Target;

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("TESSERA_FUZZ_TARGET").expect("TESSERA_FUZZ_TARGET");
    tessera_fuzz::TARGETS.iter().find(|target| target.name == name).expect("a target of this name")
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    (TARGET.run)(input);
});
