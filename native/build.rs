//! How the shared library is linked.

fn main() {
    // What aws-lc and the standard library keep for each thread is tidied up when the thread ends, by code of the library:
    // so it stays in the process, whatever Envoy closes. A symbol that an Envoy lacks is found when the library is loaded.
    println!("cargo::rustc-link-arg-cdylib=-Wl,-z,nodelete,-z,now");
    println!("cargo::rerun-if-changed=build.rs");
}
