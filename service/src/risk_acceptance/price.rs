//! What business services say about standing still, as they stand behind the clock.

use crate::{Error, Result, tenancy::Command};
use domain::{
    BusinessServiceId, Code,
    risk_acceptance::{NewRiskAcceptance, ServicePrice, Standstill},
};
use entity::{business_service, risk_acceptance};
use sea_orm::ColumnTrait;

/// The days and the cost per day of what is asked for.
///
/// # Errors
/// `invalid_body`.
pub(super) async fn of_request(command: &Command, new: &NewRiskAcceptance) -> Result<(i32, i64)> {
    let asked = Standstill {
        days: new.standstill_days,
        cost_per_day: new.cost_per_day,
        currency: new.currency.as_deref().unwrap_or_default(),
        services: &new.services,
    };
    Ok(asked.price(&known(command, &new.services).await?)?)
}

/// The same, copied again when it is decided.
///
/// # Errors
/// `acceptance_state` if a service is gone since it was asked for, or says no price any more.
pub(super) async fn of_decision(command: &Command, row: &risk_acceptance::Model) -> Result<(i32, i64)> {
    let services: Vec<BusinessServiceId> = row.services.0.iter().filter_map(|id| id.parse().ok()).collect();
    let copied = Standstill {
        days: (!row.days_by_service).then_some(row.standstill_days),
        cost_per_day: (!row.cost_by_service).then_some(row.cost_per_day),
        currency: &row.currency,
        services: &services,
    };
    if !row.days_by_service && !row.cost_by_service {
        return Ok((row.standstill_days, row.cost_per_day));
    }
    copied.price(&known(command, &services).await?).map_err(|error| {
        let detail = format!("its price cannot be copied any more, so ask for another one: {}", error.detail);
        Error::refused(Code::AcceptanceState, detail)
    })
}

async fn known(command: &Command, services: &[BusinessServiceId]) -> Result<Vec<ServicePrice>> {
    if services.is_empty() {
        return Ok(Vec::new());
    }
    let of_ids = business_service::Column::Id.is_in(services.iter().map(|id| id.0));
    let rows = command.scope().find::<business_service::Entity>().filter(of_ids).all().await?;
    let price = |row: business_service::Model| ServicePrice {
        id: row.id.into(),
        cost_per_day: row.cost_per_day,
        currency: row.currency,
        days_to_restore: row.days_to_restore,
    };
    Ok(rows.into_iter().map(price).collect())
}
