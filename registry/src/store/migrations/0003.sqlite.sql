-- SQLite plans by what this table says of rows and of those that agree in one column, two and so on. Without it, the
-- organisation would be as good an index as any. It is not measured: plans shall not change with what was there once.
ANALYZE state;
DELETE FROM sqlite_stat1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('contracts', 'sqlite_autoindex_contracts_1', '1000000 1000000 1'),
    ('contracts', 'contracts_api', '1000000 1000000 1000 1'),
    ('contracts', 'contracts_by_api_status', '1000000 1000000 1000 300 1 1'),
    ('contracts', 'contracts_by_status', '1000000 1000000 300000 1 1 1 1'),
    ('contracts', 'contracts_application', '1000000 1000000 10 1'),
    ('contracts', 'contracts_environment', '1000000 1000000 900000 1'),
    ('contracts', 'contracts_tier', '1000000 1000000 1000 1'),
    ('contracts', 'contracts_requested_tier', '1000000 1000000 1000 1'),
    ('contracts', 'contracts_requested_by', '1000000 1000000 1000 100'),
    ('contracts', 'contracts_waiting', '1000000 1000000 1000 1'),
    ('contracts', 'contracts_open', '1000000 1000000 1'),
    ('contracts', 'contracts_inbox', '10000 10000 1 1'),
    ('applications', 'sqlite_autoindex_applications_1', '100000 100000 1'),
    ('applications', 'applications_by_group', '100000 100000 1000 1 1 1'),
    ('applications', 'applications_words', '100000 100000 1 1 1 1'),
    ('audit_entries', 'sqlite_autoindex_audit_entries_1', '1000000 1000000 1'),
    ('audit_entries', 'audit_entries_subject', '1000000 1000000 10 1'),
    ('audit_entries', 'audit_entries_actor', '1000000 1000000 1000 1'),
    ('audit_entries', 'audit_entries_action', '1000000 1000000 30000 1'),
    ('audit_entries', 'audit_entries_request', '1000000 1000000 2 1'),
    ('audit_entries', 'audit_entries_at', '1000000 1000000 1'),
    ('audit_entries', 'audit_entries_group', '1000000 1000000 10000 1'),
    ('audit_entries', 'audit_entries_other_group', '1000000 1000000 10000 1');
ANALYZE sqlite_schema;
