//! What a hook has Envoy do.

/// What Envoy does with a request's headers.
#[repr(u32)]
pub enum HeadersStatus {
    Continue = 0,
    /// They stay, and so do body and trailers.
    StopAllIterationAndWatermark = 4,
}

/// What Envoy does with anything that follows the headers.
#[repr(u32)]
pub enum FollowingStatus {
    Continue = 0,
    StopIteration = 1,
}
