//! What the two databases say differently.

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// `None` for the address of another kind of database.
    pub(super) fn of(url: &str) -> Option<Self> {
        match url.split_once(':')?.0 {
            "sqlite" => Some(Self::Sqlite),
            "postgres" | "postgresql" => Some(Self::Postgres),
            _ => None,
        }
    }

    pub(super) fn begin_reading(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    pub(super) fn begin_writing(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => {
                "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_advisory_xact_lock_shared(7310596222)"
            }
        }
    }

    /// Begins what concerns every table: after all who write now, and before all others. SQLite has one writer anyway.
    pub(super) fn alone(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => "SELECT pg_advisory_xact_lock(7310596222); ",
        }
    }

    /// Begins what may take its time: the rest of the transaction has no limit but this.
    pub(super) fn without_haste(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => "SET LOCAL statement_timeout = '10min'; SET LOCAL lock_timeout = '10min'; ",
        }
    }

    /// Begins what fills a database: with as little as a connection has otherwise, SQLite would write the pages of its
    /// indexes again and again.
    pub(super) fn with_room(self) -> &'static str {
        match self {
            Self::Sqlite => "PRAGMA cache_size = -200000; ",
            Self::Postgres => "",
        }
    }

    /// Ends a selection whose row stays as it is until the transaction ends; SQLite has one writer anyway.
    pub(super) fn for_update(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE",
        }
    }

    /// The function that finds one text in another.
    pub(super) fn find(self) -> &'static str {
        match self {
            Self::Sqlite => "instr",
            Self::Postgres => "strpos",
        }
    }

    /// Before a column that no index is looked up for; PostgreSQL knows itself what leads to few.
    pub(super) fn not_looked_up(self) -> &'static str {
        match self {
            Self::Sqlite => "+",
            Self::Postgres => "",
        }
    }

    /// Before and after a placeholder for [`Self::texts`]: whether a value is one of them. However many they are, they
    /// are one value.
    pub(super) fn is_among(self, is_looked_up: bool) -> (&'static str, &'static str) {
        match (self, is_looked_up) {
            (Self::Sqlite, _) => (" IN (SELECT value FROM json_each(", "))"),
            // In a form whose rows the planner can tell, and that is read once, not for each record.
            (Self::Postgres, true) => (" IN (SELECT unnest(CAST(", " AS text[])))"),
            // A join would bring all that there are, in an order of its own.
            (Self::Postgres, false) => (" IN (SELECT unnest(CAST(", " AS text[]))) IS TRUE"),
        }
    }

    /// Texts as the one value that stands for all of them.
    pub(super) fn texts(self, texts: &[&str]) -> String {
        match self {
            Self::Sqlite => serde_json::Value::from(texts).to_string(),
            Self::Postgres => {
                let quoted =
                    texts.iter().map(|text| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")));
                format!("{{{}}}", quoted.collect::<Vec<_>>().join(","))
            }
        }
    }

    /// A migration in this dialect: texts compare byte by byte, as they do in SQLite.
    pub(super) fn migration(self, sql: &str, of_sqlite: &str) -> String {
        match self {
            Self::Sqlite => format!("{sql}{of_sqlite}"),
            Self::Postgres => sql.replace(" TEXT", " TEXT COLLATE \"C\""),
        }
    }
}
