CREATE TABLE one_time_tokens (organisation TEXT NOT NULL, id TEXT NOT NULL, revision BIGINT NOT NULL, body TEXT NOT NULL,
    provider TEXT, PRIMARY KEY (organisation, id));
CREATE INDEX one_time_tokens_provider ON one_time_tokens (organisation, provider, id);
