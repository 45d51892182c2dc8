//! What every poll is answered with.

use std::sync::Arc;

use crate::http::registry::Registry;

pub struct Feed {
    pub registry: Arc<Registry>,
    pub page_rows: u32,
}
