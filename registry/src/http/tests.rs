//! The service as a whole, in this process.

mod frame;
mod world;
