//! One file for each target.

pub mod codecs;
pub mod configuration;
pub mod contract_feed;
pub mod credential_removal;
pub mod documents;
pub mod fields;
pub mod introspection_answer;
pub mod request_head;
pub mod shared_values;
pub mod signatures;
