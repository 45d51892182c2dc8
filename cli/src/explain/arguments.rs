//! The command line of `tessera explain`.

use std::ffi::OsString;

#[derive(Debug, Default, clap::Args)]
#[command(
    after_help = "Example:\n  tessera explain envoy.yaml --token-env TOKEN --facts facts.json https://api.example.com/orders/1"
)]
pub struct Arguments {
    /// Files with the configuration, and behind them the URL of the request unless there is --request
    #[arg(required = true, value_name = "FILE… URL")]
    pub inputs: Vec<OsString>,
    /// Which configuration, where there are several: its index in `check --json`
    #[arg(long, value_name = "N")]
    pub configuration: Option<usize>,
    /// A cluster that exists elsewhere, as for `check`
    #[arg(long, value_name = "NAME")]
    pub cluster: Vec<String>,

    /// Method of the request [default: GET]
    #[arg(short = 'X', long, value_name = "METHOD", conflicts_with = "request", help_heading = "Request")]
    pub method: Option<OsString>,
    /// A header line of the request
    #[arg(short = 'H', long, value_name = "NAME: VALUE", conflicts_with = "request", help_heading = "Request")]
    pub header: Vec<OsString>,
    /// A file with the head of the request: request line and header lines of HTTP/1.1
    #[arg(long, value_name = "FILE", help_heading = "Request")]
    pub request: Option<String>,
    /// A file with the access token, which is put where the first of `token.sources` is
    #[arg(long, value_name = "FILE", conflicts_with = "token_env", help_heading = "Request")]
    pub token_file: Option<String>,
    /// An environment variable with the access token
    #[arg(long, value_name = "NAME", help_heading = "Request")]
    pub token_env: Option<String>,

    /// A file with the JSON that the authorization server answers with a 200
    #[arg(long, value_name = "FILE", conflicts_with_all = ["answer", "unavailable", "live"], help_heading = "Answer")]
    pub facts: Option<String>,
    /// A file with the whole answer: status line, header lines, an empty line, body
    #[arg(long, value_name = "FILE", conflicts_with_all = ["unavailable", "live"], help_heading = "Answer")]
    pub answer: Option<String>,
    /// The authorization server cannot be reached
    #[arg(long, conflicts_with = "live", help_heading = "Answer")]
    pub unavailable: bool,
    /// A file with the JWK Set of `jwt.keys`
    #[arg(long, value_name = "FILE", help_heading = "Answer")]
    pub keys: Option<String>,
    /// The real endpoints are asked, with the secrets of this environment
    #[arg(long, help_heading = "Answer")]
    pub live: bool,
    /// Certificates of authorities to trust in place of the system's
    #[arg(long, value_name = "FILE", requires = "live", help_heading = "Answer")]
    pub ca: Option<String>,

    /// A file with the document that the source of contracts has served
    #[arg(long, value_name = "FILE", help_heading = "Contracts")]
    pub contracts: Option<String>,
    /// How long ago it was served [default: 0s]
    #[arg(long, value_name = "DURATION", requires = "contracts", help_heading = "Contracts")]
    pub contracts_age: Option<String>,

    /// The time of the request (RFC 3339) [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// The outcome or the status that there should be; exit code 1 if there is another
    #[arg(long, value_name = "WORD")]
    pub expect: Option<String>,
}
