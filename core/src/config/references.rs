//! The names by which sections refer to each other.

/// The names that are configured, valid or not, whatever else is wrong.
pub(super) struct References<'a> {
    pub apis: &'a [Box<str>],
    /// Names of the providers, in order.
    pub providers: &'a [Box<str>],
    pub contracts: bool,
}
