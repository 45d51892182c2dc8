//! What is read: files of YAML or JSON, each value with the place where it stands.

pub mod file;
pub mod node;
