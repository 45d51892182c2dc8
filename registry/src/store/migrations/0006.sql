ALTER TABLE clients ADD COLUMN notice_at TEXT;
CREATE INDEX clients_notice ON clients (organisation, notice_at);
-- Whoever looks at them next says when that is to be.
UPDATE clients SET notice_at = '2026-01-01T00:00:00.000Z' WHERE body LIKE '%"secret_expires_at":"%';
