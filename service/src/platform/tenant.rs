//! Tenants and the organisations that they are.

use super::{Platform, changed};
use crate::{Result, store::Connection};
use domain::{Error, Tenant, TenantId, TenantSlug, Timestamp, Violation};
use entity::{organisation, principal, tenant};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

impl Platform {
    /// Adds a tenant: its organisation, itself, and its clock.
    ///
    /// # Errors
    /// `invalid_body` if the slug is taken.
    pub async fn add_tenant(&self, slug: &TenantSlug, name: &str, now: Timestamp) -> Result<TenantId> {
        let id = Uuid::now_v7();
        // The clock's row is behind the tenant's own wall.
        let connection = self.store.begin(crate::store::Access::Write, &[id]).await?;
        if tenant::Entity::find().filter(tenant::Column::Slug.eq(slug.as_str())).one(&connection).await?.is_some() {
            let taken = Violation::new("/slug", format!("`{}` is taken", slug.as_str()));
            return Err(Error::invalid(vec![taken]).into());
        }
        let organisation_id = organisation(&connection, "municipality", name, now).await?;
        let row = tenant::ActiveModel {
            id: Set(id),
            organisation_id: Set(organisation_id),
            slug: Set(slug.as_str().to_owned()),
            name: Set(name.to_owned()),
            created_at: Set(now),
            // The settings are what the table says until somebody decides.
            ..Default::default()
        };
        tenant::Entity::insert(row).exec_without_returning(&connection).await?;
        let clock = entity::tenant_clock::ActiveModel {
            tenant_id: Set(id),
            value: Set(0),
            recorded_at: Set(now),
            pruned_to: Set(0),
        };
        entity::tenant_clock::Entity::insert(clock).exec_without_returning(&connection).await?;
        changed(connection).await?;
        Ok(id.into())
    }

    /// Adds an organisation that serves tenants without being one.
    pub async fn add_provider(&self, name: &str, now: Timestamp) -> Result<Uuid> {
        let connection = self.write().await?;
        let id = organisation(&connection, "provider", name, now).await?;
        connection.commit().await?;
        Ok(id)
    }

    /// Says which organisation a principal belongs to.
    pub async fn belongs_to(&self, issuer: &str, subject: &str, organisation: Uuid) -> Result<()> {
        let connection = self.write().await?;
        principal::Entity::update_many()
            .col_expr(principal::Column::OrganisationId, organisation.into())
            .filter(principal::Column::Issuer.eq(issuer))
            .filter(principal::Column::Subject.eq(subject))
            .exec(&connection)
            .await?;
        changed(connection).await
    }

    /// Every organisation, as (id, kind, name).
    pub async fn organisations(&self) -> Result<Vec<(Uuid, String, String)>> {
        let connection = self.read().await?;
        let rows = organisation::Entity::find().order_by_asc(organisation::Column::Name).all(&connection).await?;
        Ok(rows.into_iter().map(|row| (row.id, row.kind, row.name)).collect())
    }

    /// Grants an organisation scopes in tenants until a time, as the operator.
    pub async fn grant_organisation(
        &self,
        organisation: Uuid,
        tenants: &[TenantId],
        scopes: domain::Scopes,
        origin: &'static str,
        (now, until): (Timestamp, Timestamp),
    ) -> Result<()> {
        let to = super::To::Organisation(organisation.into());
        self.grant(to, tenants, scopes, origin, (now, Some(until))).await
    }

    /// Every tenant, by slug.
    pub async fn tenants(&self) -> Result<Vec<Tenant>> {
        let connection = self.read().await?;
        let rows = tenant::Entity::find().order_by_asc(tenant::Column::Slug).all(&connection).await?;
        Ok(rows.into_iter().map(shown).collect())
    }
}

pub(super) fn shown(row: tenant::Model) -> Tenant {
    Tenant { id: row.id.into(), slug: row.slug, name: row.name, created_at: row.created_at.into() }
}

/// The organisation of this kind and name; a new one if there is none.
async fn organisation(connection: &Connection, kind: &str, name: &str, now: Timestamp) -> Result<Uuid> {
    let same = organisation::Column::Name.eq(name).and(organisation::Column::Kind.eq(kind));
    let known = organisation::Entity::find().filter(same).one(connection).await?;
    if let Some(known) = known {
        return Ok(known.id);
    }
    let id = Uuid::now_v7();
    let row = organisation::ActiveModel {
        id: Set(id),
        kind: Set(kind.to_owned()),
        name: Set(name.to_owned()),
        created_at: Set(now),
    };
    organisation::Entity::insert(row).exec_without_returning(connection).await?;
    Ok(id)
}
