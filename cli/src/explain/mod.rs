//! `tessera explain`: drives the filter's own worker through one request, and shows each check that it comes to.

pub mod answers;
mod arguments;
mod check;
mod chosen;
mod drive;
pub mod explanation;
mod given;
mod host;
pub mod judge;
mod live;
pub mod request;
mod rules;
mod run;
mod secrecy;
mod trace;
mod trace_facts;
mod trace_request;
mod trace_source;
mod upstream;

pub use arguments::Arguments;
pub use run::run;
