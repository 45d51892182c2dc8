CREATE INDEX contracts_by_api_status ON contracts (organisation, api, status, id, application);
CREATE INDEX contracts_by_status ON contracts (organisation, status, id, api, application, environment);
DROP INDEX contracts_status;
CREATE INDEX contracts_inbox ON contracts (organisation, id, waiting) WHERE waiting IS NOT NULL;
CREATE INDEX applications_by_group ON applications (organisation, group_id, id, status, words);
DROP INDEX applications_group;
CREATE INDEX applications_words ON applications (organisation, id, status, words, group_id);
