//! `token`: registry tokens and tokens of gateways.

use std::path::Path;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::command::connected::Connected;
use crate::command::ended::Ended;
use crate::command::output;
use crate::domain::organisation::Organisation;
use crate::domain::principal::{Caller, DEFAULT_ORGANISATION, Role};
use crate::domain::text::Span;
use crate::use_case::record::{all, get};
use crate::use_case::store::{Stored, Table, Transaction};
use crate::use_case::tables::{GATEWAY_TOKENS, GATEWAYS, REGISTRY_TOKENS};
use crate::use_case::{gateway_tokens, registry_tokens};

#[derive(Debug, Subcommand)]
pub enum Tokens {
    /// Print a new token, and nothing else: nobody learns it again.
    ///
    /// Example: tessera-registry token create --role payments:owner --name ci
    Create(Create),
    /// List tokens: id, organisation, what for, until when.
    List,
    /// End a token at once.
    Revoke { id: String },
}

#[derive(Debug, Args)]
pub struct Create {
    /// `admin`, or GROUP:owner, GROUP:developer, GROUP:auditor. May be repeated.
    #[arg(long, value_name = "ROLE", required_unless_present = "gateway", value_parser = role)]
    role: Vec<Role>,
    /// The organisation that it is for.
    #[arg(long, default_value = DEFAULT_ORGANISATION, conflicts_with = "gateway")]
    organisation: String,
    /// What it is called in lists.
    #[arg(long, conflicts_with = "gateway")]
    name: Option<String>,
    /// How long it is valid, at most 366d.
    #[arg(long, default_value = "90d", value_parser = lifetime, conflicts_with = "gateway")]
    expires: Duration,
    /// A token for this gateway, instead of a registry token.
    #[arg(long, value_name = "ID", conflicts_with = "role")]
    gateway: Option<String>,
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "must be admin, GROUP:owner, GROUP:developer or GROUP:auditor".to_owned())
}

fn lifetime(text: &str) -> Result<Duration, String> {
    Span::parse(text)
        .map(|span| span.duration())
        .ok_or_else(|| "must be an integer and one unit of ms, s, m, h, d, such as 90d".to_owned())
}

pub async fn run(config: &Path, tokens: Tokens) -> Ended {
    let done = match tokens {
        Tokens::Create(create) => match create.gateway.clone() {
            Some(gateway) => of_gateway(config, &gateway).await,
            None => of_registry(config, create).await,
        },
        Tokens::List => list(config).await,
        Tokens::Revoke { id } => revoke(config, &id).await,
    };
    done.err().unwrap_or_else(Ended::done)
}

async fn of_registry(config: &Path, create: Create) -> Result<(), Ended> {
    let connected = Connected::by(config).await?;
    let caller = Caller::system(create.organisation);
    let mut tx = connected.outside.store.write().await?;
    if get::<Organisation>(&mut *tx, &caller.organisation, &caller.organisation).await?.is_none() {
        return Err(Ended::failed(format!("there is no organisation {:?}", caller.organisation)));
    }
    let mut cx = connected.context(&mut *tx, &caller);
    let (text, _) = registry_tokens::create(&mut cx, create.name.as_deref(), &create.role, create.expires).await?;
    tx.commit().await?;
    output::lines([text])
}

async fn of_gateway(config: &Path, id: &str) -> Result<(), Ended> {
    let connected = Connected::by(config).await?;
    let mut tx = connected.outside.store.write().await?;
    let found = anywhere(&mut *tx, &GATEWAYS, id).await?;
    let gateway = found.ok_or_else(|| Ended::failed(format!("there is no gateway {id:?}")))?;
    let caller = Caller::system(gateway.organisation);
    let mut cx = connected.context(&mut *tx, &caller);
    let shown = gateway_tokens::create(&mut cx, &gateway.id).await?;
    tx.commit().await?;
    output::lines(shown.value.get("token").and_then(Value::as_str))
}

async fn list(config: &Path) -> Result<(), Ended> {
    let connected = Connected::by(config).await?;
    let mut tx = connected.outside.store.read().await?;
    let mut lines = Vec::new();
    for table in [&REGISTRY_TOKENS, &GATEWAY_TOKENS] {
        for stored in all(&mut *tx, table).await? {
            lines.push(line(&stored));
        }
    }
    output::lines(lines)
}

fn line(stored: &Stored) -> String {
    let body: Value = serde_json::from_str(&stored.body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
    let roles = body
        .get("roles")
        .and_then(Value::as_array)
        .map(|roles| roles.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "));
    let what = roles.unwrap_or_else(|| format!("gateway {}", text("gateway")));
    let fields = [stored.id.clone(), stored.organisation.clone(), text("name"), what, text("expires_at")];
    fields.join("\t")
}

async fn revoke(config: &Path, id: &str) -> Result<(), Ended> {
    let connected = Connected::by(config).await?;
    let mut tx = connected.outside.store.write().await?;
    let of_registry = anywhere(&mut *tx, &REGISTRY_TOKENS, id).await?;
    let of_gateway = anywhere(&mut *tx, &GATEWAY_TOKENS, id).await?;
    if let Some(token) = of_registry {
        let caller = Caller::system(token.organisation);
        registry_tokens::delete(&mut connected.context(&mut *tx, &caller), id).await?;
    } else if let Some(token) = of_gateway {
        let caller = Caller::system(token.organisation);
        let [Some(gateway), ..] = token.columns.as_slice() else {
            return Err(Ended::failed("the token has no gateway"));
        };
        gateway_tokens::delete(&mut connected.context(&mut *tx, &caller), gateway, id).await?;
    } else {
        return Err(Ended::failed(format!("there is no token {id:?}")));
    }
    tx.commit().await?;
    Ok(())
}

/// The record of this identifier, in whatever organisation.
async fn anywhere(tx: &mut dyn Transaction, table: &'static Table, id: &str) -> Result<Option<Stored>, Ended> {
    Ok(all(tx, table).await?.into_iter().find(|stored| stored.id == id))
}
