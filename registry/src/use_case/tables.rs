//! Every table of records, and the order in which they can be filled again.

use crate::use_case::store::Table;

/// Also the head of the audit chain; its identifier is the organisation's.
pub static ORGANISATIONS: Table = Table { name: "organisations", columns: &[] };
pub static GROUPS: Table = Table { name: "groups", columns: &["parent"] };
pub static ENVIRONMENTS: Table = Table { name: "environments", columns: &[] };
pub static PROVIDERS: Table = Table { name: "providers", columns: &[] };
/// Identified by `environment/id`. `words`: id and title in lower case.
pub static APIS: Table = Table { name: "apis", columns: &["environment", "group_id", "lifecycle", "words"] };
/// Identified by `environment/id/tier`. `self_approval`: `true` or `false`.
pub static TIERS: Table = Table { name: "tiers", columns: &["api", "self_approval"] };
/// OpenAPI documents, identified as their APIs.
pub static DOCUMENTS: Table = Table { name: "documents", columns: &[] };
pub static APPLICATIONS: Table = Table { name: "applications", columns: &["group_id", "status", "words"] };
/// `holds`: provider and client id while the client is not deleted; unique in the organisation. `tokens_of`: the same of
/// the client id that its tokens name, where that is another one. `secret_until`: when the
/// sealed secret is to be erased. `notice_at`: when it is to be told that the secret expires.
pub static CLIENTS: Table = Table {
    name: "clients",
    columns: &["application", "provider", "status", "holds", "retire_at", "secret_until", "notice_at", "tokens_of"],
};
/// `api` as the table of APIs identifies it. `open`: application and API while the contract is open; unique in the
/// organisation. `tier` and `requested_tier` as the table of tiers identifies them. `changed_by`: who asked for the
/// latest change of tier. `waiting`: the tier that somebody has to decide on, else null.
pub static CONTRACTS: Table = Table {
    name: "contracts",
    columns: &[
        "application",
        "api",
        "environment",
        "tier",
        "requested_tier",
        "status",
        "open",
        "requested_by",
        "changed_by",
        "waiting",
    ],
};
pub static GATEWAYS: Table = Table { name: "gateways", columns: &["environment"] };
/// `hash` is unique over all organisations.
pub static GATEWAY_TOKENS: Table = Table { name: "gateway_tokens", columns: &["gateway", "hash"] };
/// `hash` is unique over all organisations.
pub static REGISTRY_TOKENS: Table = Table { name: "registry_tokens", columns: &["hash"] };
/// `stuck`: `true` or `false`. `due`: when it is to be tried next; null when it has ended.
pub static TASKS: Table = Table { name: "tasks", columns: &["kind", "client", "status", "stuck", "due"] };
/// Identified by their number with leading zeros. `group_id`, `other_group`: whose auditors and owners may read it.
pub static AUDIT_ENTRIES: Table = Table {
    name: "audit_entries",
    columns: &["subject", "actor", "action", "request_id", "at", "group_id", "other_group"],
};
/// `marker`: at the end of the client's name at the provider.
pub static ORPHANS: Table = Table { name: "orphans", columns: &["provider", "marker"] };
/// Those that have not been used.
pub static ONE_TIME_TOKENS: Table = Table { name: "one_time_tokens", columns: &["provider"] };
/// First answers to requests with an `Idempotency-Key`.
pub static IDEMPOTENCY_KEYS: Table = Table { name: "idempotency_keys", columns: &["at"] };

/// All of them; each comes after those that it refers to.
pub static TABLES: [&Table; 18] = [
    &ORGANISATIONS,
    &GROUPS,
    &ENVIRONMENTS,
    &PROVIDERS,
    &APIS,
    &TIERS,
    &DOCUMENTS,
    &APPLICATIONS,
    &CLIENTS,
    &CONTRACTS,
    &GATEWAYS,
    &GATEWAY_TOKENS,
    &REGISTRY_TOKENS,
    &TASKS,
    &ORPHANS,
    &ONE_TIME_TOKENS,
    &AUDIT_ENTRIES,
    &IDEMPOTENCY_KEYS,
];
