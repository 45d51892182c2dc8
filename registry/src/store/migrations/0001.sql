CREATE TABLE state (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE organisations (organisation TEXT NOT NULL, id TEXT NOT NULL, revision BIGINT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (organisation, id));

CREATE TABLE groups (organisation TEXT NOT NULL, id TEXT NOT NULL, revision BIGINT NOT NULL, body TEXT NOT NULL,
    parent TEXT, PRIMARY KEY (organisation, id));
CREATE INDEX groups_parent ON groups (organisation, parent, id);

CREATE TABLE environments (organisation TEXT NOT NULL, id TEXT NOT NULL, revision BIGINT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (organisation, id));

CREATE TABLE providers (organisation TEXT NOT NULL, id TEXT NOT NULL, revision BIGINT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (organisation, id));

CREATE TABLE apis (organisation TEXT NOT NULL, id TEXT NOT NULL, revision BIGINT NOT NULL, body TEXT NOT NULL,
    environment TEXT, group_id TEXT, lifecycle TEXT, words TEXT, PRIMARY KEY (organisation, id));
CREATE INDEX apis_environment ON apis (organisation, environment, id);
CREATE INDEX apis_group ON apis (organisation, group_id, id);

CREATE TABLE tiers (organisation TEXT NOT NULL, id TEXT NOT NULL, revision BIGINT NOT NULL, body TEXT NOT NULL,
    api TEXT, self_approval TEXT, PRIMARY KEY (organisation, id));
CREATE INDEX tiers_api ON tiers (organisation, api, id);

CREATE TABLE documents (organisation TEXT NOT NULL, id TEXT NOT NULL, revision BIGINT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (organisation, id));

CREATE TABLE applications (organisation TEXT NOT NULL, id TEXT NOT NULL, revision BIGINT NOT NULL, body TEXT NOT NULL,
    group_id TEXT, status TEXT, words TEXT, PRIMARY KEY (organisation, id));
CREATE INDEX applications_group ON applications (organisation, group_id, id);

CREATE TABLE clients (organisation TEXT NOT NULL, id TEXT NOT NULL, revision BIGINT NOT NULL, body TEXT NOT NULL,
    application TEXT, provider TEXT, status TEXT, holds TEXT, retire_at TEXT, PRIMARY KEY (organisation, id));
CREATE INDEX clients_application ON clients (organisation, application, id);
CREATE INDEX clients_provider ON clients (organisation, provider, id);
CREATE UNIQUE INDEX clients_holds ON clients (organisation, holds);
CREATE INDEX clients_retire ON clients (organisation, retire_at);

CREATE TABLE contracts (organisation TEXT NOT NULL, id TEXT NOT NULL, revision BIGINT NOT NULL, body TEXT NOT NULL,
    application TEXT, api TEXT, environment TEXT, tier TEXT, requested_tier TEXT, status TEXT, open TEXT,
    requested_by TEXT, changed_by TEXT, waiting TEXT, PRIMARY KEY (organisation, id));
CREATE INDEX contracts_application ON contracts (organisation, application, id);
CREATE INDEX contracts_api ON contracts (organisation, api, id);
CREATE INDEX contracts_environment ON contracts (organisation, environment, id);
CREATE INDEX contracts_tier ON contracts (organisation, tier, id);
CREATE INDEX contracts_requested_tier ON contracts (organisation, requested_tier, id);
CREATE INDEX contracts_status ON contracts (organisation, status, id);
CREATE INDEX contracts_requested_by ON contracts (organisation, requested_by, status);
CREATE INDEX contracts_waiting ON contracts (organisation, waiting, id);
CREATE UNIQUE INDEX contracts_open ON contracts (organisation, open);

CREATE TABLE gateways (organisation TEXT NOT NULL, id TEXT NOT NULL, revision BIGINT NOT NULL, body TEXT NOT NULL,
    environment TEXT, PRIMARY KEY (organisation, id));
CREATE INDEX gateways_environment ON gateways (organisation, environment, id);

CREATE TABLE gateway_tokens (organisation TEXT NOT NULL, id TEXT NOT NULL, revision BIGINT NOT NULL, body TEXT NOT NULL,
    gateway TEXT, hash TEXT, PRIMARY KEY (organisation, id));
CREATE INDEX gateway_tokens_gateway ON gateway_tokens (organisation, gateway, id);
CREATE UNIQUE INDEX gateway_tokens_hash ON gateway_tokens (hash);

CREATE TABLE registry_tokens (organisation TEXT NOT NULL, id TEXT NOT NULL, revision BIGINT NOT NULL, body TEXT NOT NULL,
    hash TEXT, PRIMARY KEY (organisation, id));
CREATE UNIQUE INDEX registry_tokens_hash ON registry_tokens (hash);

CREATE TABLE tasks (organisation TEXT NOT NULL, id TEXT NOT NULL, revision BIGINT NOT NULL, body TEXT NOT NULL,
    kind TEXT, client TEXT, status TEXT, stuck TEXT, due TEXT, PRIMARY KEY (organisation, id));
CREATE INDEX tasks_kind ON tasks (organisation, kind, id);
CREATE INDEX tasks_client ON tasks (organisation, client, id);
CREATE INDEX tasks_status ON tasks (organisation, status, id);
CREATE INDEX tasks_stuck ON tasks (organisation, stuck, id);
CREATE INDEX tasks_due ON tasks (organisation, due);

CREATE TABLE audit_entries (organisation TEXT NOT NULL, id TEXT NOT NULL, revision BIGINT NOT NULL, body TEXT NOT NULL,
    subject TEXT, actor TEXT, action TEXT, request_id TEXT, at TEXT, group_id TEXT, other_group TEXT,
    PRIMARY KEY (organisation, id));
CREATE INDEX audit_entries_subject ON audit_entries (organisation, subject, id);
CREATE INDEX audit_entries_actor ON audit_entries (organisation, actor, id);
CREATE INDEX audit_entries_action ON audit_entries (organisation, action, id);
CREATE INDEX audit_entries_request ON audit_entries (organisation, request_id, id);
CREATE INDEX audit_entries_at ON audit_entries (organisation, at);
CREATE INDEX audit_entries_group ON audit_entries (organisation, group_id, id);
CREATE INDEX audit_entries_other_group ON audit_entries (organisation, other_group, id);

CREATE TABLE idempotency_keys (organisation TEXT NOT NULL, id TEXT NOT NULL, revision BIGINT NOT NULL, body TEXT NOT NULL,
    at TEXT, PRIMARY KEY (organisation, id));
CREATE INDEX idempotency_keys_at ON idempotency_keys (organisation, at);

CREATE TABLE feeds (organisation TEXT NOT NULL, environment TEXT NOT NULL, position BIGINT NOT NULL,
    kept BIGINT NOT NULL, live BIGINT NOT NULL, ended BIGINT NOT NULL, PRIMARY KEY (organisation, environment));

CREATE TABLE feed_rows (organisation TEXT NOT NULL, environment TEXT NOT NULL, api TEXT NOT NULL, provider TEXT NOT NULL,
    client_id TEXT NOT NULL, position BIGINT NOT NULL, body TEXT, gone_at TEXT,
    PRIMARY KEY (organisation, environment, api, provider, client_id));
CREATE UNIQUE INDEX feed_rows_position ON feed_rows (organisation, environment, position);
CREATE INDEX feed_rows_gone ON feed_rows (organisation, environment, gone_at) WHERE gone_at IS NOT NULL;
