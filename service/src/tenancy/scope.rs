//! The only door to rows: a select that is filtered by tenant before anyone sees it.

use super::Caller;
use crate::{Result, store::Connection};
use domain::{Permission, TenantId, ticket::text::Letterhead};
use entity::{Identified, TenantOwned, tenant_clock};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IdenStatic, Order, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Select,
    sea_query::{Asterisk, Expr, ExprTrait, IntoCondition, Query, UnionType},
};
use std::collections::HashMap;
use uuid::Uuid;

/// Some tenants' rows within an open transaction.
#[derive(Clone)]
pub struct Scope<'t> {
    connection: &'t Connection,
    caller: &'t Caller,
    tenants: Vec<Uuid>,
}

/// A select over one table, bound to the scope's tenants.
pub struct Find<'t, E: EntityTrait> {
    connection: &'t Connection,
    tenants: Vec<Uuid>,
    select: Select<E>,
}

impl<E: EntityTrait> Clone for Find<'_, E> {
    fn clone(&self) -> Self {
        Self { connection: self.connection, tenants: self.tenants.clone(), select: self.select.clone() }
    }
}

/// Most tenants whose indexes are walked one by one. SQLite puts at most 500 selects together.
const MAX_BRANCHES: usize = 100;

impl<'t> Scope<'t> {
    pub(super) fn new(connection: &'t Connection, caller: &'t Caller, tenants: Vec<Uuid>) -> Self {
        Self { connection, caller, tenants }
    }

    /// Who looks.
    pub fn caller(&self) -> &Caller {
        self.caller
    }

    /// Whether the caller holds another permission in the tenant of a row: a mapping that withholds asks this.
    pub fn may(&self, permission: Permission, tenant: Uuid) -> bool {
        self.caller.may(permission, TenantId(tenant))
    }

    /// The tenants.
    pub fn tenants(&self) -> &[Uuid] {
        &self.tenants
    }

    /// The rows of these tenants in one table.
    pub fn find<E: TenantOwned>(&self) -> Find<'t, E> {
        Find { connection: self.connection, tenants: self.tenants.clone(), select: E::find() }
    }

    /// How each of the tenants wants to be written to.
    pub(crate) async fn letterheads(&self) -> Result<HashMap<Uuid, Letterhead>> {
        let public_url = self.caller.service().issuer.trim_end_matches('/');
        crate::platform::rows(self.connection, &self.tenants).letterheads(public_url).await
    }

    /// The clocks of the tenants, in the order of their ids.
    pub async fn clocks(&self) -> Result<Vec<(Uuid, i64)>> {
        let mut clocks: Vec<_> =
            self.find::<tenant_clock::Entity>().all().await?.into_iter().map(|c| (c.tenant_id, c.value)).collect();
        clocks.sort_unstable();
        Ok(clocks)
    }
}

impl<E: TenantOwned> Find<'_, E> {
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
        let connection = self.connection;
        Ok(self.scoped().all(connection).await?)
    }

    /// One row, if there is one.
    pub async fn one(self) -> Result<Option<E::Model>> {
        let connection = self.connection;
        Ok(self.scoped().one(connection).await?)
    }

    /// How many rows there are; at most `most` are looked at.
    pub(crate) async fn count(self, most: Option<u64>) -> Result<i64> {
        let connection = self.connection;
        let rows = self.scoped().select_only().expr_as(Expr::val(1), "one").limit(most).into_query();
        let mut count = Query::select();
        count.expr_as(Expr::col(Asterisk).count(), "count").from_subquery(rows, "counted");
        let statement = connection.get_database_backend().build(&count);
        Ok(Count::find_by_statement(statement).one(connection).await?.map_or(0, |row| row.count))
    }

    /// The selected columns as another type: partial rows and aggregates.
    pub async fn rows<M: FromQueryResult>(self) -> Result<Vec<M>> {
        let connection = self.connection;
        Ok(self.scoped().into_model::<M>().all(connection).await?)
    }

    /// Those of the selected rows whose column `place` is at most `most`, as another type: a window numbers them.
    pub async fn placed<M: FromQueryResult>(self, most: u64) -> Result<Vec<M>> {
        let connection = self.connection;
        let mut first = Query::select();
        first
            .column(Asterisk)
            .from_subquery(self.scoped().into_query(), "placed")
            .and_where(Expr::col("place").lte(most))
            .order_by("place", Order::Asc);
        let statement = connection.get_database_backend().build(&first);
        Ok(M::find_by_statement(statement).all(connection).await?)
    }

    /// Of the rows that share the values of `of`, the first `each` in the order of `by`, in SQL over the table's
    /// columns. `key` tells the rows of a tenant apart. In no order of their own.
    #[must_use]
    pub fn first_of_each(mut self, of: &[E::Column], by: &'static str, each: u64, key: &[E::Column]) -> Self {
        let key = || [E::tenant()].into_iter().chain(key.iter().copied());
        let of: Vec<_> = [E::tenant()].iter().chain(of).map(IdenStatic::as_str).collect();
        let place = Expr::cust(format!("ROW_NUMBER() OVER (PARTITION BY {} ORDER BY {by})", of.join(", ")));
        let ranked = scoped(self.select, &self.tenants).select_only().columns(key()).expr_as(place, "place");
        let first = Query::select()
            .columns(key())
            .from_subquery(ranked.into_query(), "ranked")
            .and_where(Expr::col("place").lte(each))
            .to_owned();
        let own = key().map(|column| Expr::col((E::default(), column)));
        self.select = E::find().filter(Expr::tuple(own).in_subquery(first));
        self
    }

    fn scoped(self) -> Select<E> {
        scoped(self.select, &self.tenants)
    }
}

impl<E: Identified> Find<'_, E> {
    /// The first rows in the order of a stored column (if one is named), ended by id.
    ///
    /// Over several tenants, the first rows of each are taken from its own index
    /// and merged: asked for all of them at once, a store would sort every row.
    #[must_use]
    pub fn first(self, by: Option<E::Column>, way: Order, limit: u64) -> Self {
        self.first_by(by.as_slice(), way, limit)
    }

    /// [`Find::first`] in the order of several stored columns, one after the other.
    #[must_use]
    pub fn first_by(mut self, by: &[E::Column], way: Order, limit: u64) -> Self {
        let order: Vec<_> = by.iter().copied().chain([E::id()]).collect();
        let ordered =
            |select: Select<E>| order.iter().fold(select, |select, by| select.order_by(*by, way.clone())).limit(limit);
        if (2..=MAX_BRANCHES).contains(&self.tenants.len()) {
            let columns: Vec<_> = [E::tenant()].into_iter().chain(order.iter().copied()).collect();
            let of_tenant = |tenant: &Uuid| {
                let select = self.select.clone().filter(E::tenant().eq(*tenant)).select_only().columns(columns.clone());
                Query::select().column(Asterisk).from_subquery(ordered(select).into_query(), "of_tenant").to_owned()
            };
            let mut branches = self.tenants.iter().map(of_tenant);
            let mut all = branches.next().unwrap_or_default();
            all.unions(branches.map(|branch| (UnionType::All, branch)));
            let mut first = Query::select();
            first.columns([E::tenant(), E::id()]).from_subquery(all, "of_all").limit(limit);
            order.iter().fold(&mut first, |first, by| first.order_by(*by, way.clone()));
            let key = Expr::tuple([Expr::col(E::tenant()), Expr::col(E::id())]);
            self.select = E::find().filter(key.in_subquery(first));
        }
        self.select = ordered(self.select);
        self
    }
}

#[derive(FromQueryResult)]
struct Count {
    count: i64,
}

/// The select of these tenants' rows.
fn scoped<E: TenantOwned>(select: Select<E>, tenants: &[Uuid]) -> Select<E> {
    if cfg!(feature = "without-typed-filter") {
        return select;
    }
    // Equality lets the tenant's indexes give the order; a list of values does not.
    select.filter(match tenants {
        [tenant] => E::tenant().eq(*tenant),
        many => E::tenant().is_in(many.iter().copied()),
    })
}
