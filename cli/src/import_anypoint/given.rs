//! What the command line says.

#[derive(Debug)]
pub struct Given {
    pub introspection_url: Option<String>,
    pub client_id: Option<String>,
    pub secret_env: String,
    pub issuers: Vec<String>,
    pub cluster: String,
    pub contracts_url: Option<String>,
}
