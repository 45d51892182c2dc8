//! What texts look like, as regular expressions (ECMA-262): as far as one can tell, and never less than is read.

pub(super) const ANY: &str = r"^[\s\S]*$";
pub(super) const FILLED: &str = r"^[\s\S]+$";
/// At least one character, none of which is a control character.
pub(super) const TEXT: &str = r"^[^\u0000-\u001f\u007f-\u009f]+$";
pub(super) const TEXT_OR_NONE: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";
/// `http` or `https`, a host without credentials, and no fragment.
pub(super) const URL: &str = r#"^https?://[!-"$-.0-9;->A-~][!-"$-.0->A-~]*([/?][!-"$-~]*)?$"#;
/// A URL without a path.
pub(super) const ORIGIN: &str = r#"^https?://[!-"$-.0-9;->A-~][!-"$-.0->A-~]*/?$"#;
/// A URL without a query.
pub(super) const IDENTIFIER: &str = r#"^https?://[!-"$-.0-9;->A-~][!-"$-.0->A-~]*(/[!-"$->@-~]*)?$"#;
pub(super) const PROVIDER_NAME: &str = "^[a-z0-9][a-z0-9-]*$";
/// A host name or an address in brackets, or `*.` before it.
pub(super) const HOST: &str = r"^(\*\.)?(\[[\s\S]*\]|[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)$";
/// A path, or a prefix that ends in `/` or `*`.
pub(super) const PATH: &str = r"^(/[^*?]*\*?|\*)$";
/// RFC 9110 §5.6.2: names of methods, headers, schemes and cookies.
pub(super) const TOKEN: &str = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$";
/// The same in lower case.
pub(super) const HEADER_NAME: &str = "^[!#$%&'*+.^_`|~0-9a-z-]+$";
pub(super) const HEADER_PREFIX: &str = "^x-[!#$%&'*+.^_`|~0-9a-z-]*-$";
/// Visible ASCII and inner spaces.
pub(super) const HEADER_VALUE: &str = "^[!-~]([ -~]*[!-~])?$";
pub(super) const HEADER_VALUE_OR_NONE: &str = "^([!-~]([ -~]*[!-~])?)?$";
/// RFC 6749 §3.3.
pub(super) const SCOPE: &str = r"^[!#-\[\]-~]+$";
/// RFC 6901 §3, but for the pointer to the whole.
pub(super) const POINTER: &str = "^/([^~]|~[01])+$";
/// The name of a member, or a pointer.
pub(super) const CLAIM_NAME: &str =
    r"^([^/\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*|/([^~\u0000-\u001f\u007f-\u009f]|~[01])+)$";
pub(super) const IDENTITY_SOURCE: &str = r"^(client_id|subject|scope|username|issuer|provider|api|contract\.tier|contract\.name|introspection_jwt|claim:/[\s\S]+)$";
/// RFC 3339 §5.6, but for the days that there are.
pub(super) const DATE: &str =
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[^0-9][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$";
