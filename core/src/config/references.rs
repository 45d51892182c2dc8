//! Names by which sections refer to each other.

/// What is configured; sound or not, whatever else is wrong with it.
pub struct References<'a> {
    pub apis: &'a [Box<str>],
    /// Names of the providers, in order.
    pub providers: &'a [Box<str>],
    pub contracts: bool,
}
