//! What is read: files of YAML or JSON, each value with the place where it stands.

mod embedded;
pub mod file;
mod json;
mod json_text;
pub mod node;
pub mod path;
pub mod read;
pub mod readers;
mod scalar;
pub mod source;
mod yaml;

pub use embedded::read_text;
