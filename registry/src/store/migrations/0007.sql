ALTER TABLE clients ADD COLUMN tokens_of TEXT;
CREATE INDEX clients_tokens_of ON clients (organisation, tokens_of);
