//! What the feed has no use for, to show that tests would tell.

/// The counter as a sequence would be: raised at once for everybody, and locked by nobody.
pub const SEQUENCE: &str = "
    ALTER TABLE feeds RENAME TO counters;
    CREATE SEQUENCE positions;
    CREATE VIEW feeds AS SELECT organisation, environment, kept, live, ended,
        (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM positions) AS position FROM counters;
    CREATE FUNCTION raise() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.position <> OLD.position THEN NEW.position := nextval('positions'); END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER raise INSTEAD OF UPDATE ON feeds FOR EACH ROW EXECUTE FUNCTION raise();";
