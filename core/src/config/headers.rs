//! `headers`: additional headers of calls to other servers.

use super::field::{Field, repeated};

use super::kind::Of;
use super::problem::Code;
use crate::base::fields::is_header_name;
use crate::base::secret::Secret;

/// Names in lower case, and values that may be secrets.
pub(super) type ExtraHeaders = Vec<(Box<str>, Secret)>;

/// An object of header names and secrets.
pub(super) const HEADERS: Of<ExtraHeaders> = Of(read);

fn read(field: &Field<'_>) -> Option<ExtraHeaders> {
    const OURS: [&str; 6] = ["host", "content-type", "content-length", "transfer-encoding", "connection", "te"];
    let headers = field.map(|name, value| {
        let lower = name.to_ascii_lowercase();
        if !is_header_name(&lower) || OURS.contains(&lower.as_str()) {
            value.refuse(Code::BadValue, "is not a header that can be set here");
            return None;
        }
        Some((Box::from(lower), value.header_secret()?))
    })?;
    let again = repeated(&headers, |(one, _), (other, _)| one == other).next();
    if let Some((name, _)) = again.and_then(|index| headers.get(index)) {
        field.refuse(Code::Conflict, format!("{name:?} is given twice"));
        return None;
    }
    Some(headers)
}
