//! Which column of a table of contracts is which member.

/// Names of columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    pub api: String,
    pub client_id: String,
    pub status: String,
    pub tier: String,
    pub name: String,
    /// Those that the command line names, each for a field: they have to be there.
    pub mapped: Vec<(&'static str, String)>,
}

impl Default for Columns {
    fn default() -> Self {
        let [api, client_id, status, tier, name] =
            ["apiId", "clientId", "status", "tierName", "applicationName"].map(str::to_owned);
        Self { api, client_id, status, tier, name, mapped: Vec::new() }
    }
}

impl Columns {
    /// Reads `FIELD=COLUMN`s.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub fn of(mapped: &[String]) -> Result<Self, String> {
        let mut columns = Self::default();
        for pair in mapped {
            let (field, column) = pair.split_once('=').ok_or("--map wants FIELD=COLUMN")?;
            if column.to_ascii_lowercase().contains("secret") {
                return Err("--map does not take a column of secrets".into());
            }
            if column.is_empty() {
                return Err("--map wants FIELD=COLUMN".into());
            }
            let (field, place) = match field {
                "api" => ("api", &mut columns.api),
                "client_id" => ("client_id", &mut columns.client_id),
                "status" => ("status", &mut columns.status),
                "tier" => ("tier", &mut columns.tier),
                "name" => ("name", &mut columns.name),
                _ => {
                    let known = "api, client_id, status, tier and name";
                    return Err(format!("--map does not know one of these fields; it knows {known}"));
                }
            };
            *place = column.into();
            columns.mapped.push((field, column.into()));
        }
        Ok(columns)
    }

    /// Those of API Manager's own answer for each that is neither named nor there, and is there by that name.
    pub fn of_rows(&self, is_there: impl Fn(&str) -> bool) -> Self {
        let mut columns = self.clone();
        let own = [
            ("client_id", &mut columns.client_id, "application.coreServicesId"),
            ("tier", &mut columns.tier, "tier.name"),
            ("name", &mut columns.name, "application.name"),
        ];
        for (field, column, of_manager) in own {
            let is_named = self.mapped.iter().any(|(named, _)| *named == field);
            if !is_named && !is_there(column) && is_there(of_manager) {
                *column = of_manager.into();
            }
        }
        columns
    }

    pub fn all(&self) -> [&str; 5] {
        [&self.api, &self.client_id, &self.status, &self.tier, &self.name]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_mapped_one_by_one() {
        let columns = Columns::of(&["name=application.name".into(), "api=api=x".into()]).unwrap();
        assert_eq!((&*columns.name, &*columns.api, &*columns.tier), ("application.name", "api=x", "tierName"));
        for wrong in ["name", "name=", "owner=x", "=x", "name=clientSecret", "tier=application.client_SECRET"] {
            assert!(Columns::of(&[wrong.into()]).is_err(), "{wrong}");
        }
    }
}
