//! The only door to rows: a select that is filtered by tenant before anyone sees it.

use crate::{Result, store::Connection};
use entity::{TenantOwned, tenant_clock};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, Select, sea_query::IntoCondition};
use uuid::Uuid;

/// Some tenants' rows within an open transaction.
#[derive(Clone)]
pub struct Scope<'t> {
    connection: &'t Connection,
    tenants: Vec<Uuid>,
}

/// A select over one table, bound to the scope's tenants.
pub struct Find<'t, E: EntityTrait> {
    connection: &'t Connection,
    select: Select<E>,
}

impl<'t> Scope<'t> {
    pub(super) fn new(connection: &'t Connection, tenants: Vec<Uuid>) -> Self {
        Self { connection, tenants }
    }

    /// The tenants.
    pub fn tenants(&self) -> &[Uuid] {
        &self.tenants
    }

    /// Whether the caller has no tenant here, and so no rows.
    pub fn is_empty(&self) -> bool {
        self.tenants.is_empty()
    }

    /// The rows of these tenants in one table.
    pub fn find<E: TenantOwned>(&self) -> Find<'t, E> {
        // Equality lets the tenant's indexes give the order; a list of values does not.
        let of_tenants = match self.tenants.as_slice() {
            [tenant] => E::tenant().eq(*tenant),
            many => E::tenant().is_in(many.iter().copied()),
        };
        Find { connection: self.connection, select: E::find().filter(of_tenants) }
    }

    /// The clocks of the tenants, in the order of their ids.
    pub async fn clocks(&self) -> Result<Vec<(Uuid, i64)>> {
        let mut clocks: Vec<_> =
            self.find::<tenant_clock::Entity>().all().await?.into_iter().map(|c| (c.tenant_id, c.value)).collect();
        clocks.sort_unstable();
        Ok(clocks)
    }
}

impl<E: EntityTrait> Find<'_, E> {
    /// Narrows by a condition.
    #[must_use]
    pub fn filter(mut self, condition: impl IntoCondition) -> Self {
        self.select = self.select.filter(condition.into_condition());
        self
    }

    /// Narrows, orders or limits with SeaORM's own words. The tenants' condition stays.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(Select<E>) -> Select<E>) -> Self {
        self.select = change(self.select);
        self
    }

    /// All rows.
    pub async fn all(self) -> Result<Vec<E::Model>> {
        Ok(self.select.all(self.connection).await?)
    }

    /// One row, if there is one.
    pub async fn one(self) -> Result<Option<E::Model>> {
        Ok(self.select.one(self.connection).await?)
    }

    /// The selected columns as another type: partial rows and aggregates.
    pub async fn rows<M: FromQueryResult>(self) -> Result<Vec<M>> {
        Ok(self.select.into_model::<M>().all(self.connection).await?)
    }
}
