CREATE INDEX tasks_tallied ON tasks (kind, status, stuck, id);
