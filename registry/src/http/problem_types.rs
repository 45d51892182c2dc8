//! The problem types of the API and of the feed: each has a page that explains it.

use axum::http::StatusCode;

#[derive(Debug, PartialEq, Eq)]
pub struct ProblemType {
    pub slug: &'static str,
    pub status: StatusCode,
    pub title: &'static str,
    /// What its page says.
    pub meaning: &'static str,
}

impl ProblemType {
    /// Others are of the feed.
    pub fn is_of_api(&self) -> bool {
        !matches!(self.slug, "gone" | "behind" | "held")
    }
}

macro_rules! problem_types {
    ($($name:ident $slug:literal $status:ident $title:literal $meaning:literal)*) => {
        $(pub static $name: ProblemType =
            ProblemType { slug: $slug, status: StatusCode::$status, title: $title, meaning: $meaning };)*

        pub static PROBLEM_TYPES: &[&ProblemType] = &[$(&$name),*];
    };
}

problem_types! {
    MALFORMED_JSON "malformed_json" BAD_REQUEST "The body is not JSON as it is taken here"
        "The body is not one JSON value, has a member twice, or is nested deeper than 16 levels."
    INVALID_QUERY "invalid_query" BAD_REQUEST "The query is invalid"
        "A query parameter is unknown, is given twice, or has an unusable value. `errors` names each."
    INVALID_HEADER "invalid_header" BAD_REQUEST "A header is invalid"
        "`If-Match` is no list of entity tags, or `Idempotency-Key` is not 1 to 255 visible ASCII characters."
    UNAUTHENTICATED "unauthenticated" UNAUTHORIZED "Who calls is not known"
        "`Authorization: Bearer` with a token that is valid here is missing."
    FORBIDDEN "forbidden" FORBIDDEN "This is not allowed to the caller"
        "The caller may see the thing, but none of his roles lets him do this with it."
    OWN_REQUEST "own_request" FORBIDDEN "Nobody decides on a request of his own"
        "Whoever requested a contract, or its change of tier, cannot approve it, unless the tier has `self_approval`."
    NOT_FOUND "not_found" NOT_FOUND "There is no such thing"
        "It does not exist, or the caller may not know that it does."
    METHOD_NOT_ALLOWED "method_not_allowed" METHOD_NOT_ALLOWED "This cannot be done here"
        "The path takes other methods; `Allow` lists them."
    REQUEST_TIMEOUT "request_timeout" REQUEST_TIMEOUT "The body did not arrive in time"
        "The body of the request has to be there within 15 seconds."
    EXISTS "exists" CONFLICT "Such a thing exists already"
        "Its identifier, or what must be unique in it, is taken."
    IN_USE "in_use" CONFLICT "Something depends on it"
        "It can be deleted only when nothing but ended contracts and deleted clients depends on it."
    LIMIT_REACHED "limit_reached" CONFLICT "There are as many as there may be"
        "A limit of the configuration is reached. Delete or end one of those that count, or ask the operator."
    NOT_SUPPORTED "not_supported" CONFLICT "The provider cannot do this"
        "What was asked is not among what this provider can do."
    REQUEST_RUNNING "request_running" CONFLICT "The same request is running"
        "A request with this `Idempotency-Key` has not ended yet. Repeat it later for its answer."
    TRANSITION "transition" CONFLICT "The state does not allow this"
        "`current` is the state of the thing and `allowed` lists what can be done in it."
    SECRET_GONE "secret_gone" GONE "The secret can no longer be shown"
        "A secret is shown once, and for 24 hours at most. Rotate the client for a new one."
    GONE "gone" GONE "The cursor cannot be continued"
        "The cursor is of another epoch or scope, too old, or none of this registry. Begin with a new snapshot."
    PRECONDITION_FAILED "precondition_failed" PRECONDITION_FAILED "It has changed in the meantime"
        "`If-Match` names another revision than the present one. Read it again."
    TOO_LARGE "too_large" PAYLOAD_TOO_LARGE "The body is too large"
        "Bodies may have up to 1 MiB."
    UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE "The body has an unsupported media type"
        "Bodies are `application/json`; of PATCH also `application/merge-patch+json`. They are not compressed."
    INVALID "invalid" UNPROCESSABLE_ENTITY "The body is invalid"
        "`errors` names every fault of the body by its JSON pointer."
    KEY_REUSED "key_reused" UNPROCESSABLE_ENTITY "The key was used for another request"
        "This `Idempotency-Key` came with another method, path or body within the last 24 hours."
    PRECONDITION_REQUIRED "precondition_required" PRECONDITION_REQUIRED "`If-Match` is missing"
        "A change must name the revision that it is meant for: `If-Match` with its `ETag`, or `*` for any."
    RATE_LIMITED "rate_limited" TOO_MANY_REQUESTS "Too many requests"
        "The caller or his address sent more requests, or failed to authenticate more often, than is allowed."
    INTERNAL "internal" INTERNAL_SERVER_ERROR "Something went wrong here"
        "A fault of the registry. Its log has more under the `request_id`."
    UNAVAILABLE "unavailable" SERVICE_UNAVAILABLE "What is needed for this cannot be used now"
        "The database, or the provider that `detail` names. Nothing has happened, or it is not known what. Repeat the \
         request later."
    BEHIND "behind" SERVICE_UNAVAILABLE "This replica is behind"
        "The cursor is ahead of what this replica sees. Repeat the request later."
    HELD "held" SERVICE_UNAVAILABLE "The feed is held"
        "The database was restored from a backup and has not been released yet. Gateways keep what they have."
}
