//! What there is, which states it has and who may do what: no I/O, no clock, no randomness.

pub mod api;
pub mod audit_entry;
pub mod contract;
pub mod contract_action;
pub mod contract_terms;
pub mod contract_view;
pub mod cursor;
pub mod environment;
pub mod fault;
pub mod gateway;
pub mod group;
pub mod members;
pub mod network;
pub mod organisation;
pub mod principal;
pub mod provider;
pub mod reader;
pub mod refusal;
pub mod registry_token;
pub mod text;
pub mod tier;
pub mod time;
pub mod token_text;
pub mod webhook;
