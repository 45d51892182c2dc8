//! What is looked for.

use crate::check::gateway::area::Area;
use crate::check::gateway::cursor::Cursor;

/// A route, and the requests that it is for.
pub(super) struct Route<'a> {
    pub(super) at: Cursor<'a>,
    pub(super) area: Area<'a>,
}
