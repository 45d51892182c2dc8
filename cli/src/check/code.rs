//! What is wrong, as a word that others can rely on.

use std::fmt;
use tessera_core::config::problem::Code as ReaderCode;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Mistake,
    Warning,
}

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Self::Mistake => "mistake",
            Self::Warning => "warning",
        }
    }
}

/// Declares the codes: those of mistakes, then those of warnings.
macro_rules! codes {
    ($($mistake:ident $mistake_name:literal)+; $($warning:ident $warning_name:literal)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code {
            $($mistake,)+
            $($warning,)+
        }

        impl Code {
            pub const MISTAKES: &[Self] = &[$(Self::$mistake),+];
            pub const WARNINGS: &[Self] = &[$(Self::$warning),+];

            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$mistake => $mistake_name,)+
                    $(Self::$warning => $warning_name,)+
                }
            }
        }
    };
}

codes! {
    Syntax "syntax"
    DuplicateMember "duplicate-member"
    UnknownMember "unknown-member"
    MissingMember "missing-member"
    WrongType "wrong-type"
    OutOfRange "out-of-range"
    BadValue "bad-value"
    BadSecret "bad-secret"
    UnknownReference "unknown-reference"
    Conflict "conflict"
    NoConfiguration "no-configuration"
    EnvNotPassed "env-not-passed"
    EnvNotSet "env-not-set"
    UnknownCluster "unknown-cluster"
    NoTls "no-tls";
    FailOpen "fail-open"
    ModuleByDiscovery "module-by-discovery"
    TlsNoNameCheck "tls-no-name-check"
    CleartextRemote "cleartext-remote"
    NoAudience "no-audience"
    NoMatchPass "no-match-pass"
    OtherRoutesRefused "other-routes-refused"
    SecretInline "secret-inline"
    TokenInQuery "token-in-query"
    ImageNotPinned "image-not-pinned"
    NoPhase "no-phase"
    OutboundJudged "outbound-judged"
    PreflightRefused "preflight-refused"
    PolicyPerRoute "policy-per-route"
    StaleTooLong "stale-too-long"
    ConnectTimeout "connect-timeout"
    MetricNamesCollide "metric-names-collide"
    ReadOtherwise "read-otherwise"
}

impl Code {
    pub fn severity(self) -> Severity {
        if Self::WARNINGS.contains(&self) { Severity::Warning } else { Severity::Mistake }
    }

    /// The warning of that name.
    pub fn warning(name: &str) -> Option<Self> {
        Self::WARNINGS.iter().copied().find(|code| code.name() == name)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<ReaderCode> for Code {
    fn from(code: ReaderCode) -> Self {
        match code {
            ReaderCode::Syntax => Self::Syntax,
            ReaderCode::DuplicateMember => Self::DuplicateMember,
            ReaderCode::UnknownMember => Self::UnknownMember,
            ReaderCode::MissingMember => Self::MissingMember,
            ReaderCode::WrongType => Self::WrongType,
            ReaderCode::OutOfRange => Self::OutOfRange,
            ReaderCode::BadValue => Self::BadValue,
            ReaderCode::BadSecret => Self::BadSecret,
            ReaderCode::UnknownReference => Self::UnknownReference,
            ReaderCode::Conflict => Self::Conflict,
            ReaderCode::NoConfiguration => Self::NoConfiguration,
            ReaderCode::EnvNotSet => Self::EnvNotSet,
        }
    }
}
