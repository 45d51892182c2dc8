//! Tables of records.

use async_trait::async_trait;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::store::conditions;
use crate::store::faults::fault;
use crate::store::narrowing::{self, Narrowed};
use crate::store::sql::{Sql, sortable};
use crate::store::transaction::SqlTransaction;
use crate::use_case::store::{Condition, Query, StoreError, Stored, Table, Transaction};
use crate::use_case::tables::TABLES;

/// Columns that all tables have.
const SHARED: usize = 4;

/// Records that one statement inserts.
const AT_ONCE: usize = 100;

/// All columns, in the order in which they are read.
const SELECT: &str = "SELECT r.organisation, r.id, r.revision, r.body";

fn select(table: &'static Table) -> Sql {
    let mut sql = Sql::new(SELECT);
    sql.names("r.", table.columns).add(" FROM ").add(table.name).add(" r WHERE ");
    sql
}

fn select_one(table: &'static Table, organisation: &str, id: &str) -> Sql {
    let mut sql = select(table);
    sql.add("r.organisation = ").bind(organisation).add(" AND r.id = ").bind(id);
    sql
}

fn read(table: &'static Table, row: &AnyRow) -> Result<Stored, StoreError> {
    let columns = (SHARED..SHARED + table.columns.len()).map(|index| row.try_get(index)).collect::<Result<_, _>>();
    Ok(Stored {
        organisation: row.try_get(0).map_err(fault)?,
        id: row.try_get(1).map_err(fault)?,
        revision: row.try_get(2).map_err(fault)?,
        columns: columns.map_err(fault)?,
        body: row.try_get(3).map_err(fault)?,
    })
}

/// No stored text has a null character.
fn is_storable(texts: &[&str]) -> bool {
    !texts.iter().any(|text| text.contains('\0'))
}

impl SqlTransaction {
    async fn one(&mut self, table: &'static Table, sql: Sql) -> Result<Option<Stored>, StoreError> {
        self.row(sql).await?.as_ref().map(|row| read(table, row)).transpose()
    }

    async fn many(&mut self, table: &'static Table, sql: Sql) -> Result<Vec<Stored>, StoreError> {
        self.rows(sql).await?.iter().map(|row| read(table, row)).collect()
    }

    /// Those of a list beyond `query.after`, where they are named among these only. Identifiers are found first, for
    /// which an index may be enough.
    async fn part(
        &mut self,
        table: &'static Table,
        organisation: &str,
        query: &Query,
        narrowed: &Narrowed,
        among: Option<&[String]>,
    ) -> Result<Vec<Stored>, StoreError> {
        let order = if query.descending { " DESC" } else { "" };
        let mut sql = Sql::planned_anew(SELECT);
        sql.names("r.", table.columns).add(" FROM ").add(table.name).add(" r WHERE r.organisation = ");
        sql.bind(organisation).add(" AND r.id IN (SELECT t0.id FROM ").add(table.name).add(" t0 WHERE ");
        sql.add("t0.organisation = ").bind(organisation).add(" AND ");
        match among {
            Some(ids) => {
                sql.add("t0.id IN (").bind_all(ids.iter().map(String::as_str)).add(") AND ");
                conditions::looked_at(&mut sql, self.dialect, &narrowed.plain);
            }
            None => conditions::all(&mut sql, self.dialect, &narrowed.plain),
        }
        sql.add(" AND ");
        conditions::looked_at(&mut sql, self.dialect, &narrowed.others);
        if let Some(after) = &query.after {
            sql.add(if query.descending { " AND t0.id < " } else { " AND t0.id > " }).bind(sortable(after));
        }
        sql.add(" ORDER BY t0.id").add(order).add(" LIMIT ").bind(query.limit);
        sql.add(") ORDER BY r.id").add(order);
        self.many(table, sql).await
    }
}

#[async_trait]
impl Transaction for SqlTransaction {
    async fn get(&mut self, table: &'static Table, organisation: &str, id: &str) -> Result<Option<Stored>, StoreError> {
        if !is_storable(&[organisation, id]) {
            return Ok(None);
        }
        self.one(table, select_one(table, organisation, id)).await
    }

    async fn lock(
        &mut self,
        table: &'static Table,
        organisation: &str,
        id: &str,
    ) -> Result<Option<Stored>, StoreError> {
        self.writing()?;
        if !is_storable(&[organisation, id]) {
            return Ok(None);
        }
        let mut sql = select_one(table, organisation, id);
        sql.add(self.dialect.for_update());
        self.one(table, sql).await
    }

    async fn find(
        &mut self,
        table: &'static Table,
        column: &'static str,
        value: &str,
    ) -> Result<Option<Stored>, StoreError> {
        if !is_storable(&[value]) {
            return Ok(None);
        }
        let mut sql = select(table);
        sql.add("r.").add(column).add(" = ").bind(value);
        self.one(table, sql).await
    }

    async fn list(
        &mut self,
        table: &'static Table,
        organisation: &str,
        query: &Query,
    ) -> Result<Vec<Stored>, StoreError> {
        let narrowed = narrowing::narrowed(self, table, organisation, &query.conditions).await?;
        if !narrowed.is_to_few() {
            return self.part(table, organisation, query, &narrowed, None).await;
        }
        let (mut listed, mut rest) = (Vec::new(), query.clone());
        loop {
            let (ids, has_more) = narrowed.found(self, table, organisation, &rest).await?;
            if ids.is_empty() {
                return Ok(listed);
            }
            let part = self.part(table, organisation, &rest, &narrowed, Some(&ids)).await?;
            rest.limit = rest.limit.saturating_sub(u32::try_from(part.len()).unwrap_or(u32::MAX));
            listed.extend(part);
            if rest.limit == 0 || !has_more {
                return Ok(listed);
            }
            rest.after = ids.last().cloned();
        }
    }

    async fn count(
        &mut self,
        table: &'static Table,
        organisation: &str,
        conditions: &[Condition],
    ) -> Result<u64, StoreError> {
        let mut sql = Sql::planned_anew("SELECT count(*) FROM ");
        sql.add(table.name).add(" t0 WHERE t0.organisation = ").bind(organisation).add(" AND ");
        conditions::all(&mut sql, self.dialect, conditions);
        let Some(row) = self.row(sql).await? else { return Ok(0) };
        Ok(row.try_get::<i64, _>(0).map_err(fault)?.unsigned_abs())
    }

    async fn scan(
        &mut self,
        table: &'static Table,
        after: Option<(&str, &str)>,
        limit: u32,
    ) -> Result<Vec<Stored>, StoreError> {
        let mut sql = select(table);
        match after {
            Some((organisation, id)) => {
                sql.add("(r.organisation, r.id) > (").bind_all([organisation, id]).add(")");
            }
            None => drop(sql.add("1 = 1")),
        }
        sql.add(" ORDER BY r.organisation, r.id LIMIT ").bind(limit);
        self.many(table, sql).await
    }

    async fn insert(&mut self, table: &'static Table, record: &Stored) -> Result<(), StoreError> {
        self.insert_all(table, std::slice::from_ref(record)).await
    }

    async fn insert_all(&mut self, table: &'static Table, records: &[Stored]) -> Result<(), StoreError> {
        self.writing()?;
        for part in records.chunks(AT_ONCE) {
            let mut sql = Sql::new("INSERT INTO ");
            sql.add(table.name).add(" (organisation, id, revision, body").names("", table.columns).add(") VALUES ");
            for (index, record) in part.iter().enumerate() {
                sql.add(if index > 0 { ", (" } else { "(" });
                sql.bind_all([record.organisation.as_str(), &record.id]).add(", ").bind(record.revision);
                sql.add(", ").bind(record.body.as_str());
                for value in &record.columns {
                    sql.add(", ").bind(value);
                }
                sql.add(")");
            }
            self.run(sql).await?;
        }
        Ok(())
    }

    async fn update(&mut self, table: &'static Table, record: &Stored) -> Result<(), StoreError> {
        self.writing()?;
        let mut sql = Sql::new("UPDATE ");
        sql.add(table.name).add(" SET revision = ").bind(record.revision).add(", body = ").bind(record.body.as_str());
        for (name, value) in table.columns.iter().zip(&record.columns) {
            sql.add(", ").add(name).add(" = ").bind(value);
        }
        sql.add(" WHERE organisation = ").bind(record.organisation.as_str()).add(" AND id = ").bind(record.id.as_str());
        // Nobody's change is lost: the one that it was made from is the one before, or the same with what has no
        // revision.
        sql.add(" AND revision >= ").bind(record.revision.saturating_sub(1));
        sql.add(" AND revision <= ").bind(record.revision);
        if self.run(sql).await? == 1 {
            return Ok(());
        }
        Err(match self.get(table, &record.organisation, &record.id).await? {
            Some(_) => StoreError::Collided(format!("{} {} was changed meanwhile", table.name, record.id)),
            None => StoreError::Broken(format!("there is no {} {}", table.name, record.id)),
        })
    }

    async fn delete(&mut self, table: &'static Table, organisation: &str, id: &str) -> Result<(), StoreError> {
        self.writing()?;
        if !is_storable(&[organisation, id]) {
            return Ok(());
        }
        let mut sql = Sql::new("DELETE FROM ");
        sql.add(table.name).add(" WHERE organisation = ").bind(organisation).add(" AND id = ").bind(id);
        self.run(sql).await.map(drop)
    }

    async fn forget(
        &mut self,
        table: &'static Table,
        column: &'static str,
        organisation: &str,
        value: &str,
    ) -> Result<(), StoreError> {
        self.writing()?;
        if !is_storable(&[organisation, value]) {
            return Ok(());
        }
        let mut sql = Sql::new("UPDATE ");
        sql.add(table.name).add(" SET ").add(column).add(" = NULL WHERE organisation = ").bind(organisation);
        sql.add(" AND ").add(column).add(" = ").bind(value);
        self.run(sql).await.map(drop)
    }

    async fn alone(&mut self) -> Result<(), StoreError> {
        self.writing()?;
        self.script(format!("{}{}", self.dialect.with_room(), self.dialect.alone())).await
    }

    async fn clear(&mut self) -> Result<(), StoreError> {
        self.writing()?;
        let all = TABLES.iter().map(|table| table.name).chain(["feeds", "feed_rows"]);
        let deletions: String = all.map(|name| format!("DELETE FROM {name};")).collect();
        self.script(deletions).await
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.end().await
    }
}
