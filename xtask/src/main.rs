//! Build steps that cargo has no words for.
fn main() {}
