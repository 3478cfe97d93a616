//! Grants as rows.

use super::Rows;
use crate::{Error, Result};
use domain::{
    Grant, GrantId, OrganisationId, PrincipalId, Scopes, TenantId, Timestamp,
    grant::{GrantFilter, Holder, HolderKind},
};
use entity::{grant, organisation, principal};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};
use std::collections::HashMap;
use uuid::Uuid;

/// Whom a grant is given to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum To {
    /// A principal.
    Principal(PrincipalId),
    /// An organisation.
    Organisation(OrganisationId),
    /// A role in the tokens of an issuer.
    Role {
        /// The issuer.
        issuer: String,
        /// The role; `*` is every token.
        role: String,
    },
}

/// A grant to store.
pub(crate) struct NewRow {
    pub(crate) to: To,
    pub(crate) tenant: TenantId,
    pub(crate) scopes: Scopes,
    pub(crate) origin: &'static str,
    pub(crate) granted_by: Option<PrincipalId>,
    pub(crate) window: (Timestamp, Option<Timestamp>),
}

impl NewRow {
    fn row(self, now: Timestamp) -> grant::ActiveModel {
        let (mut principal_id, mut organisation_id, mut of_issuer, mut of_role) = (None, None, None, None);
        match self.to {
            To::Principal(id) => principal_id = Some(id.0),
            To::Organisation(id) => organisation_id = Some(id.0),
            To::Role { issuer, role } => (of_issuer, of_role) = (Some(issuer), Some(role)),
        }
        grant::ActiveModel {
            id: Set(Uuid::now_v7()),
            principal_id: Set(principal_id),
            organisation_id: Set(organisation_id),
            issuer: Set(of_issuer),
            role: Set(of_role),
            tenant_id: Set(Some(self.tenant.0)),
            scopes: Set(self.scopes.to_string()),
            origin: Set(self.origin.to_owned()),
            granted_by: Set(self.granted_by.map(|id| id.0)),
            valid_from: Set(self.window.0),
            valid_to: Set(self.window.1),
            revoked_at: Set(None),
            created_at: Set(now),
            version: Set(1),
            offered: Set(None),
        }
    }
}

/// Whether a grant is neither revoked nor outside its dates.
fn live(now: Timestamp) -> Condition {
    use grant::Column as C;
    Condition::all()
        .add(C::RevokedAt.is_null())
        .add(C::ValidFrom.lte(now))
        .add(C::ValidTo.is_null().or(C::ValidTo.gt(now)))
}

impl Rows<'_> {
    /// Grants of the tenants after `after`, by id.
    pub(crate) async fn grants(
        &self,
        filter: &GrantFilter,
        after: Option<Uuid>,
        limit: u64,
        now: Timestamp,
    ) -> Result<Vec<Grant>> {
        use grant::Column as C;
        let mut condition = Condition::all()
            .add(C::TenantId.is_in(self.tenants.iter().copied()))
            .add_option(filter.principal.map(|id| C::PrincipalId.eq(id.0)))
            .add_option(after.map(|after| C::Id.gt(after)));
        match filter.live {
            Some(true) => condition = condition.add(live(now)),
            Some(false) => condition = condition.add(live(now).not()),
            None => {}
        }
        let find = grant::Entity::find().filter(condition).order_by_asc(C::Id).limit(limit);
        self.shown_grants(find.all(self.connection).await?).await
    }

    /// One grant of the tenants.
    pub(crate) async fn grant(&self, id: GrantId) -> Result<Grant> {
        self.grants_by_ids(&[id]).await?.pop().ok_or_else(Error::not_found)
    }

    /// Those of some grants that are about the tenants.
    pub(crate) async fn grants_by_ids(&self, ids: &[GrantId]) -> Result<Vec<Grant>> {
        let of_tenants = grant::Column::TenantId.is_in(self.tenants.iter().copied());
        let of_ids = grant::Column::Id.is_in(ids.iter().map(|id| id.0));
        let rows = grant::Entity::find().filter(of_ids).filter(of_tenants).all(self.connection).await?;
        self.shown_grants(rows).await
    }

    /// Stores grants; says their ids.
    pub(crate) async fn add_grants(&self, new: Vec<NewRow>, now: Timestamp) -> Result<Vec<GrantId>> {
        let rows: Vec<_> = new.into_iter().map(|new| new.row(now)).collect();
        let ids = rows.iter().filter_map(|row| row.id.try_as_ref().copied().map(GrantId)).collect();
        if !rows.is_empty() {
            grant::Entity::insert_many(rows).exec_without_returning(self.connection).await?;
        }
        Ok(ids)
    }

    /// Stores a grant that the settings offer, with what they offered.
    pub(crate) async fn add_offer(&self, new: NewRow, offered: Scopes, now: Timestamp) -> Result<()> {
        let row = grant::ActiveModel { offered: Set(Some(offered.to_string())), ..new.row(now) };
        grant::Entity::insert(row).exec_without_returning(self.connection).await?;
        Ok(())
    }

    /// Gives a grant another end and other scopes. Says whether it still was in the version.
    pub(crate) async fn change_grant(
        &self,
        id: GrantId,
        version: i64,
        valid_to: Option<Timestamp>,
        scopes: Scopes,
    ) -> Result<bool> {
        use grant::Column as C;
        let done = grant::Entity::update_many()
            .col_expr(C::ValidTo, valid_to.into())
            .col_expr(C::Scopes, scopes.to_string().into())
            .col_expr(C::Version, Expr::col(C::Version).add(1))
            .filter(C::Id.eq(id.0))
            .filter(C::Version.eq(version))
            .exec(self.connection)
            .await?;
        Ok(done.rows_affected == 1)
    }

    /// Revokes a grant; one that was revoked keeps the time of its first end.
    pub(crate) async fn revoke_grant(&self, id: GrantId, now: Timestamp) -> Result<bool> {
        self.revoke(Condition::all().add(grant::Column::Id.eq(id.0)), now).await.map(|count| count > 0)
    }

    /// Revokes what a client was given when it was made or changed, where it still holds; says where that was.
    pub(crate) async fn revoke_client_grants(&self, principal: PrincipalId, now: Timestamp) -> Result<Vec<TenantId>> {
        use grant::Column as C;
        let own = Condition::all()
            .add(C::PrincipalId.eq(principal.0))
            .add(C::Origin.eq("client"))
            .add(C::TenantId.is_in(self.tenants.iter().copied()))
            .add(live(now));
        let rows = grant::Entity::find().filter(own.clone()).all(self.connection).await?;
        self.revoke(own, now).await?;
        Ok(rows.into_iter().filter_map(|row| row.tenant_id).map(TenantId).collect())
    }

    async fn revoke(&self, which: Condition, now: Timestamp) -> Result<u64> {
        use grant::Column as C;
        let done = grant::Entity::update_many()
            .col_expr(C::RevokedAt, now.into())
            .col_expr(C::Version, Expr::col(C::Version).add(1))
            .filter(which)
            .filter(C::RevokedAt.is_null())
            .exec(self.connection)
            .await?;
        Ok(done.rows_affected)
    }

    /// Rows with the names of their holders, in two more statements whatever their number.
    async fn shown_grants(&self, rows: Vec<grant::Model>) -> Result<Vec<Grant>> {
        let ids: Vec<Uuid> = rows.iter().filter_map(|row| row.principal_id).collect();
        let named = principal::Entity::find().filter(principal::Column::Id.is_in(ids)).all(self.connection).await?;
        let mut names: HashMap<Uuid, String> =
            named.into_iter().map(|p| (p.id, format!("{} {}", p.issuer, p.subject))).collect();
        let ids: Vec<Uuid> = rows.iter().filter_map(|row| row.organisation_id).collect();
        let named =
            organisation::Entity::find().filter(organisation::Column::Id.is_in(ids)).all(self.connection).await?;
        names.extend(named.into_iter().map(|organisation| (organisation.id, organisation.name)));
        Ok(rows.into_iter().filter_map(|row| shown(row, &names)).collect())
    }
}

/// A row as a grant. One without a tenant is the operator's and never shown to a municipality.
fn shown(row: grant::Model, names: &HashMap<Uuid, String>) -> Option<Grant> {
    let kind = match (row.principal_id, row.organisation_id) {
        (Some(_), _) => HolderKind::Principal,
        (_, Some(_)) => HolderKind::Organisation,
        _ => HolderKind::Role,
    };
    let name = row.principal_id.or(row.organisation_id).and_then(|id| names.get(&id).cloned());
    let holder = Holder {
        kind,
        name: name.or_else(|| row.role.clone()).unwrap_or_default(),
        principal_id: row.principal_id.map(Into::into),
        organisation_id: row.organisation_id.map(Into::into),
        issuer: row.issuer,
        role: row.role,
    };
    Some(Grant {
        id: row.id.into(),
        tenant_id: row.tenant_id?.into(),
        holder,
        scopes: row.scopes.split_ascii_whitespace().map(str::to_owned).collect(),
        origin: row.origin,
        granted_by: row.granted_by.map(Into::into),
        valid_from: row.valid_from.into(),
        valid_to: row.valid_to.map(Into::into),
        revoked_at: row.revoked_at.map(Into::into),
        created_at: row.created_at.into(),
        version: row.version,
    })
}
