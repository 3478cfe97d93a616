//! A tenant's settings, and whether it is suspended.

use super::{Platform, Rows, changed};
use crate::{Error, Result};
use domain::{Code, Tenant, TenantId, Timestamp, tenant_settings::TenantSettings, ticket::text::Letterhead};
use entity::tenant;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use std::collections::HashMap;
use uuid::Uuid;

impl Rows<'_> {
    /// The settings of the one tenant.
    pub(crate) async fn settings(&self) -> Result<TenantSettings> {
        self.one_tenant().await?.map(shown).ok_or_else(Error::not_found)
    }

    /// The settings of the one tenant, unless it is suspended.
    ///
    /// # Errors
    /// `forbidden` if it is.
    pub(crate) async fn settings_of_open(&self) -> Result<TenantSettings> {
        let open = self.one_tenant().await?.filter(|row| row.suspended_at.is_none());
        open.map(shown).ok_or_else(|| Error::refused(Code::Forbidden, "the municipality is suspended"))
    }

    async fn one_tenant(&self) -> Result<Option<tenant::Model>> {
        let [id] = self.tenants else { return Ok(None) };
        Ok(tenant::Entity::find_by_id(*id).one(self.connection).await?)
    }

    /// How each of the tenants wants to be written to, under the address at which Fynd is reached.
    pub(crate) async fn letterheads(&self, public_url: &str) -> Result<HashMap<Uuid, Letterhead>> {
        let rows = tenant::Entity::find().filter(tenant::Column::Id.is_in(self.tenants.iter().copied()));
        let letterhead = |row: tenant::Model| {
            let public_url = public_url.to_owned();
            (row.id, Letterhead { language: row.language, time_zone: row.time_zone, public_url })
        };
        Ok(rows.all(self.connection).await?.into_iter().map(letterhead).collect())
    }

    /// Stores settings over those of a version; says whether they still were of it.
    pub(crate) async fn change_settings(&self, new: &TenantSettings, version: i64) -> Result<bool> {
        let row = tenant::ActiveModel {
            sla_critical_days: Set(new.sla_critical_days),
            sla_high_days: Set(new.sla_high_days),
            sla_medium_days: Set(new.sla_medium_days),
            sla_low_days: Set(new.sla_low_days),
            sla_kev_days: Set(new.sla_kev_days),
            sla_internet_percent: Set(new.sla_internet_percent),
            sla_due_soon_days: Set(new.sla_due_soon_days),
            max_acceptance_days: Set(new.max_acceptance_days),
            event_days: Set(new.event_days),
            calendar: Set(new.calendar),
            time_zone: Set(new.time_zone.clone()),
            language: Set(new.language),
            task_group: Set(new.task_group),
            task_threshold: Set(new.task_threshold),
            settings_version: Set(new.version),
            ..Default::default()
        };
        let update = tenant::Entity::update_many().set(row).filter(tenant::Column::Id.eq(new.tenant_id.0));
        let as_read = tenant::Column::SettingsVersion.eq(version);
        Ok(update.filter(as_read).exec(self.connection).await?.rows_affected == 1)
    }
}

impl Platform {
    /// Every tenant that is not suspended, by slug: where jobs have work to do.
    pub(crate) async fn open_tenants(&self) -> Result<Vec<Tenant>> {
        let connection = self.read().await?;
        let open = tenant::Entity::find().filter(tenant::Column::SuspendedAt.is_null());
        let rows = open.order_by_asc(tenant::Column::Slug).all(&connection).await?;
        Ok(rows.into_iter().map(super::tenant::shown).collect())
    }

    /// Suspends a tenant (or, without a time, resumes it): within five seconds nobody has any right there, on every
    /// replica. Nothing of it is lost.
    pub async fn suspend(&self, id: TenantId, since: Option<Timestamp>) -> Result<()> {
        let connection = self.write().await?;
        let row = tenant::ActiveModel { suspended_at: Set(since), ..Default::default() };
        tenant::Entity::update_many().set(row).filter(tenant::Column::Id.eq(id.0)).exec(&connection).await?;
        changed(connection).await
    }
}

fn shown(row: tenant::Model) -> TenantSettings {
    TenantSettings {
        tenant_id: row.id.into(),
        sla_critical_days: row.sla_critical_days,
        sla_high_days: row.sla_high_days,
        sla_medium_days: row.sla_medium_days,
        sla_low_days: row.sla_low_days,
        sla_kev_days: row.sla_kev_days,
        sla_internet_percent: row.sla_internet_percent,
        sla_due_soon_days: row.sla_due_soon_days,
        max_acceptance_days: row.max_acceptance_days,
        event_days: row.event_days,
        calendar: row.calendar,
        time_zone: row.time_zone,
        language: row.language,
        task_group: row.task_group,
        task_threshold: row.task_threshold,
        version: row.settings_version,
    }
}
