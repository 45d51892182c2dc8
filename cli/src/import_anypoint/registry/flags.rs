//! What the command line says of the registry.

use super::id::{SLUG, is_slug};

/// A command of `tessera-registry`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum RegistryCommand {
    Apply,
    Adopt,
}

impl RegistryCommand {
    /// What its input is called in `--json`.
    pub fn result(self) -> &'static str {
        match self {
            Self::Apply => "catalogue",
            Self::Adopt => "document",
        }
    }
}

#[derive(Debug, clap::Args)]
pub struct RegistryFlags {
    /// With --contracts: write what this command of tessera-registry reads
    #[arg(long, value_name = "COMMAND")]
    registry: Option<RegistryCommand>,
    /// Environment of the APIs, in the catalogue
    #[arg(long, value_name = "ID")]
    environment: Option<String>,
    /// Group of the APIs, in the catalogue [default: root]
    #[arg(long, value_name = "ID")]
    group: Option<String>,
    /// Provider of the clients [default: main]
    #[arg(long, value_name = "ID")]
    provider: Option<String>,
    /// Tier of contracts without one [default: default]
    #[arg(long, value_name = "ID")]
    default_tier: Option<String>,
    /// Id of a tier whose name makes none, or that of another tier
    #[arg(long, value_name = "NAME=ID")]
    tier: Vec<String>,
    /// API Manager's answer about the tiers of an API; repeatable
    #[arg(long, value_name = "FILE")]
    pub tier_list: Vec<String>,
    /// API Manager's answer about the APIs of an environment; repeatable
    #[arg(long, value_name = "FILE")]
    pub api_list: Vec<String>,
}

/// What is to be made.
#[derive(Clone, Debug)]
pub struct RegistryWanted {
    pub command: RegistryCommand,
    pub environment: String,
    pub group: String,
    pub provider: String,
    pub issuer: Option<String>,
    pub default_tier: String,
    /// Names there, and ids here.
    pub tiers: Vec<(String, String)>,
}

impl RegistryFlags {
    pub fn is_given(&self) -> bool {
        let Self { registry, environment, group, provider, default_tier, tier, tier_list, api_list } = self;
        let texts = [environment, group, provider, default_tier];
        let lists = [tier, tier_list, api_list];
        registry.is_some() || texts.iter().any(|text| text.is_some()) || lists.iter().any(|list| !list.is_empty())
    }

    /// # Errors
    /// Which flag is wrong. Its value is not shown: it may be a secret in the wrong place.
    pub fn wanted(&self, issuers: Vec<String>) -> Result<Option<RegistryWanted>, String> {
        let Some(command) = self.registry else {
            let belongs = "--environment, --group, --provider, --default-tier, --tier, --tier-list and --api-list \
                           are for --registry";
            return if self.is_given() { Err(belongs.into()) } else { Ok(None) };
        };
        if issuers.len() > 1 {
            return Err("--issuer is given more often than there are providers: one, with --registry".into());
        }
        let id = |flag: &str, given: &Option<String>, default: &str| match given.as_deref().unwrap_or(default) {
            id if is_slug(id) => Ok(id.to_owned()),
            _ => Err(format!("{flag} must be {SLUG}")),
        };
        let environment = match (command, &self.environment) {
            (RegistryCommand::Apply, None) => return Err("--registry apply wants --environment".into()),
            (RegistryCommand::Adopt, None) => String::new(),
            (_, given) => id("--environment", given, "")?,
        };
        Ok(Some(RegistryWanted {
            command,
            environment,
            group: id("--group", &self.group, "root")?,
            provider: id("--provider", &self.provider, "main")?,
            issuer: issuers.into_iter().next(),
            default_tier: id("--default-tier", &self.default_tier, "default")?,
            tiers: self.tier.iter().map(|pair| tier(pair)).collect::<Result<_, _>>()?,
        }))
    }
}

fn tier(pair: &str) -> Result<(String, String), String> {
    match pair.rsplit_once('=') {
        Some((name, id)) if !name.is_empty() && is_slug(id) => Ok((name.to_owned(), id.to_owned())),
        _ => Err(format!("--tier wants NAME=ID, the ID of {SLUG}")),
    }
}
