CREATE TABLE orphans (organisation TEXT NOT NULL, id TEXT NOT NULL, revision BIGINT NOT NULL, body TEXT NOT NULL,
    provider TEXT, marker TEXT, PRIMARY KEY (organisation, id));
CREATE INDEX orphans_provider ON orphans (organisation, provider, id);
CREATE INDEX orphans_marker ON orphans (organisation, marker, id);
ALTER TABLE clients ADD COLUMN secret_until TEXT;
CREATE INDEX clients_secret ON clients (organisation, secret_until);
