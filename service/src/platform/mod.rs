//! The platform's tables: tenants, principals, grants, keys. They stand outside
//! the wall, hold ids, times and public facts but no finding data, and are
//! touched here alone.

mod client;
mod cve;
mod directory;
mod grant;
mod key;
mod offer;
mod person;
mod revocation;
mod settings;
mod tenant;

pub(crate) use self::grant::{NewRow, To};
pub(crate) use cve::{AT_ONCE, Known, Load, outdated, scores, undecided};
pub(crate) use directory::{ClientRow, Directory, GrantRow, KeyRow, Principal};
pub(crate) use key::NewKey;

use crate::{
    Error, Result, Store,
    store::{Access, Connection},
};
use domain::{PrincipalId, Scopes, TenantId, Timestamp};
use entity::{auth_epoch, principal};
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
        let id = principal_of(&connection, issuer, subject, now).await?;
        changed(connection).await?;
        Ok(id)
    }

    /// The principal of an outside (issuer, subject), seen for the first time here. It changes nobody's rights, so
    /// there is no new epoch: a flood of newcomers makes no replica read the directory again.
    pub(crate) async fn meet(&self, issuer: &str, subject: &str, now: Timestamp) -> Result<PrincipalId> {
        let connection = self.write().await?;
        let id = principal_of(&connection, issuer, subject, now).await?;
        connection.commit().await?;
        Ok(id)
    }

    /// The principal of (issuer, subject), if there is one.
    pub(crate) async fn find_principal(&self, issuer: &str, subject: &str) -> Result<Option<PrincipalId>> {
        find_principal(&self.read().await?, issuer, subject).await
    }

    /// Grants the scopes in each of the tenants, from and until a time.
    pub(crate) async fn grant(
        &self,
        to: To,
        tenants: &[TenantId],
        scopes: Scopes,
        origin: &'static str,
        (from, until): (Timestamp, Option<Timestamp>),
    ) -> Result<()> {
        let connection = self.write().await?;
        let new = |tenant: &TenantId| NewRow {
            to: to.clone(),
            tenant: *tenant,
            scopes,
            origin,
            granted_by: None,
            window: (from, until),
        };
        rows(&connection, &[]).add_grants(tenants.iter().map(new).collect(), from).await?;
        changed(connection).await
    }
}

/// Platform rows within an open transaction, as far as they are about some tenants.
pub(crate) struct Rows<'t> {
    connection: &'t Connection,
    tenants: &'t [Uuid],
}

/// The platform's rows about these tenants in this transaction; for `tenancy` alone.
pub(crate) fn rows<'t>(connection: &'t Connection, tenants: &'t [Uuid]) -> Rows<'t> {
    Rows { connection, tenants }
}

impl Rows<'_> {
    /// Lets every replica see a change of rights at its next look.
    pub(crate) async fn bump(&self) -> Result<()> {
        bump(self.connection).await
    }

    /// The principal of (issuer, subject); made if it is new.
    pub(crate) async fn principal(&self, issuer: &str, subject: &str, now: Timestamp) -> Result<PrincipalId> {
        principal_of(self.connection, issuer, subject, now).await
    }

    /// Whether the tenants know the principal: one that was never granted anything there does not exist for them.
    pub(crate) async fn knows(&self, id: PrincipalId) -> Result<bool> {
        use entity::grant::Column as C;
        let here = C::PrincipalId.eq(id.0).and(C::TenantId.is_in(self.tenants.iter().copied()));
        Ok(entity::grant::Entity::find().filter(here).one(self.connection).await?.is_some())
    }
}

async fn principal_of(connection: &Connection, issuer: &str, subject: &str, now: Timestamp) -> Result<PrincipalId> {
    let new = principal::ActiveModel {
        id: Set(Uuid::now_v7()),
        issuer: Set(issuer.to_owned()),
        subject: Set(subject.to_owned()),
        organisation_id: Set(None),
        created_at: Set(now),
    };
    let known = OnConflict::columns([principal::Column::Issuer, principal::Column::Subject]).do_nothing().to_owned();
    principal::Entity::insert(new).on_conflict(known).exec_without_returning(connection).await?;
    let stored = find_principal(connection, issuer, subject).await?;
    stored.ok_or_else(|| Error::Internal("a principal was not stored".into()))
}

async fn find_principal(connection: &Connection, issuer: &str, subject: &str) -> Result<Option<PrincipalId>> {
    let is_named = principal::Column::Issuer.eq(issuer).and(principal::Column::Subject.eq(subject));
    Ok(principal::Entity::find().filter(is_named).one(connection).await?.map(|row| PrincipalId(row.id)))
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
