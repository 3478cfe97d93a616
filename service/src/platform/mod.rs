//! The platform's tables: tenants, principals, grants, keys. They stand outside
//! the wall, hold ids, times and public facts but no finding data, and are
//! touched here alone.

mod directory;
mod key;
mod tenant;

pub(crate) use directory::{Directory, GrantRow, KeyRow};
pub(crate) use key::NewKey;

use crate::{
    Error, Result, Store,
    store::{Access, Connection},
};
use domain::{PrincipalId, Scopes, TenantId, Timestamp};
use entity::{auth_epoch, grant, principal};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, ExprTrait, QueryFilter, sea_query::OnConflict};
use uuid::Uuid;

/// The door to the platform's tables.
#[derive(Clone)]
pub struct Platform {
    store: Store,
}

impl Platform {
    /// The platform of a store.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    async fn read(&self) -> Result<Connection> {
        self.store.begin(Access::Read, &[]).await
    }

    async fn write(&self) -> Result<Connection> {
        self.store.begin(Access::Write, &[]).await
    }

    /// The number that grows with every change of rights.
    pub(crate) async fn epoch(&self) -> Result<i64> {
        let connection = self.read().await?;
        epoch(&connection).await
    }

    /// The principal of (issuer, subject); made if it is new.
    pub(crate) async fn principal(&self, issuer: &str, subject: &str, now: Timestamp) -> Result<PrincipalId> {
        let connection = self.write().await?;
        let new = principal::ActiveModel {
            id: Set(Uuid::now_v7()),
            issuer: Set(issuer.to_owned()),
            subject: Set(subject.to_owned()),
            organisation_id: Set(None),
            created_at: Set(now),
        };
        let known =
            OnConflict::columns([principal::Column::Issuer, principal::Column::Subject]).do_nothing().to_owned();
        principal::Entity::insert(new).on_conflict(known).exec_without_returning(&connection).await?;
        let row = principal::Entity::find()
            .filter(principal::Column::Issuer.eq(issuer))
            .filter(principal::Column::Subject.eq(subject))
            .one(&connection)
            .await?
            .ok_or_else(|| Error::Internal("a principal was not stored".into()))?;
        changed(connection).await?;
        Ok(PrincipalId(row.id))
    }

    /// Grants the scopes in each of the tenants, from and until a time.
    pub(crate) async fn grant(
        &self,
        principal: PrincipalId,
        tenants: &[TenantId],
        scopes: Scopes,
        origin: &str,
        (from, until): (Timestamp, Timestamp),
    ) -> Result<()> {
        let rows: Vec<_> = tenants
            .iter()
            .map(|tenant| grant::ActiveModel {
                id: Set(Uuid::now_v7()),
                principal_id: Set(principal.0),
                tenant_id: Set(tenant.0),
                scopes: Set(scopes.to_string()),
                origin: Set(origin.to_owned()),
                valid_from: Set(from),
                valid_to: Set(Some(until)),
                revoked_at: Set(None),
                created_at: Set(from),
            })
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        let connection = self.write().await?;
        grant::Entity::insert_many(rows).exec_without_returning(&connection).await?;
        changed(connection).await
    }
}

async fn epoch(connection: &Connection) -> Result<i64> {
    let row = auth_epoch::Entity::find_by_id(1_i16).one(connection).await?;
    row.map(|row| row.value).ok_or_else(|| Error::Internal("the store has no auth epoch".into()))
}

/// Commits a change of rights, so that every replica sees it at its next look.
async fn changed(connection: Connection) -> Result<()> {
    bump(&connection).await?;
    connection.commit().await
}

async fn bump(connection: &Connection) -> Result<()> {
    let value = auth_epoch::Column::Value;
    auth_epoch::Entity::update_many()
        .col_expr(value, sea_orm::sea_query::Expr::col(value).add(1))
        .filter(auth_epoch::Column::Id.eq(1))
        .exec(connection)
        .await?;
    Ok(())
}
