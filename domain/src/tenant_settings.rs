//! What a municipality decides about itself: its deadlines, its calendar, its language.

use crate::{Error, Severity, TaskGroup, TenantId, Violation, error::Result};
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which days are working days.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, EnumIter, DeriveActiveEnum, async_graphql::Enum,
)]
#[serde(rename_all = "snake_case")]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Calendar {
    /// Monday to Friday, but for Swedish public holidays.
    Se,
    /// Every day.
    None,
}

/// The language of what Fynd writes for the municipality.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, EnumIter, DeriveActiveEnum, async_graphql::Enum,
)]
#[serde(rename_all = "snake_case")]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Language {
    /// Swedish.
    Sv,
    /// English.
    En,
}

/// The settings of a municipality.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct TenantSettings {
    /// The municipality.
    pub tenant_id: TenantId,
    /// Working days until a critical finding is due, 1–3,650.
    pub sla_critical_days: i32,
    /// Working days until a high finding is due, 1–3,650.
    pub sla_high_days: i32,
    /// Working days until a medium finding is due, 1–3,650.
    pub sla_medium_days: i32,
    /// Working days until a low finding is due, 1–3,650.
    pub sla_low_days: i32,
    /// Working days until a finding that is known to be exploited (CISA KEV) is due, whatever its severity, 1–3,650.
    pub sla_kev_days: i32,
    /// The share of its time that a finding on what the internet can reach gets, in per cent, 1–100.
    pub sla_internet_percent: i32,
    /// How many working days before it is due a finding counts as due soon, 1–90.
    pub sla_due_soon_days: i32,
    /// The longest that a risk may be accepted for, in days, 1–3,650.
    pub max_acceptance_days: i32,
    /// How long single changes are kept in the feed, in days, 1–3,650. The state and its history stay.
    pub event_days: i32,
    /// Which days count for deadlines.
    pub calendar: Calendar,
    /// Where its days begin and end: a name of the IANA time zone database.
    pub time_zone: String,
    /// The language of what is written for it.
    pub language: Language,
    /// What tasks are made of by themselves: one per weakness (`rule_key`), `asset` or `finding`; `hand` for none.
    pub task_group: TaskGroup,
    /// The least severity for which a task is made by itself.
    pub task_threshold: Severity,
    /// Grows with every change; the first part of the `ETag`.
    pub version: i64,
}

/// What can be changed about the settings. What is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields, default)]
#[graphql(name = "TenantSettingsInput")]
pub struct TenantSettingsPatch {
    /// Working days until a critical finding is due.
    #[schema(minimum = 1, maximum = 3650, example = 7)]
    pub sla_critical_days: Option<i32>,
    /// Working days until a high finding is due.
    #[schema(minimum = 1, maximum = 3650)]
    pub sla_high_days: Option<i32>,
    /// Working days until a medium finding is due.
    #[schema(minimum = 1, maximum = 3650)]
    pub sla_medium_days: Option<i32>,
    /// Working days until a low finding is due.
    #[schema(minimum = 1, maximum = 3650)]
    pub sla_low_days: Option<i32>,
    /// Working days until a finding that is known to be exploited is due, whatever its severity.
    #[schema(minimum = 1, maximum = 3650)]
    pub sla_kev_days: Option<i32>,
    /// The share of its time that a finding on what the internet can reach gets, in per cent.
    #[schema(minimum = 1, maximum = 100)]
    pub sla_internet_percent: Option<i32>,
    /// How many working days before it is due a finding counts as due soon.
    #[schema(minimum = 1, maximum = 90)]
    pub sla_due_soon_days: Option<i32>,
    /// The longest that a risk may be accepted for, in days.
    #[schema(minimum = 1, maximum = 3650)]
    pub max_acceptance_days: Option<i32>,
    /// How long single changes are kept in the feed, in days. Who comes with an older cursor begins anew.
    #[schema(minimum = 1, maximum = 3650)]
    pub event_days: Option<i32>,
    /// Which days count for deadlines.
    pub calendar: Option<Calendar>,
    /// A name of the IANA time zone database.
    #[schema(example = "Europe/Stockholm")]
    pub time_zone: Option<String>,
    /// The language of what is written for it.
    pub language: Option<Language>,
    /// What tasks are made of by themselves, from now on.
    pub task_group: Option<TaskGroup>,
    /// The least severity for which a task is made by itself, from now on.
    pub task_threshold: Option<Severity>,
}

/// The longest deadline, in days.
const MAX_DAYS: i32 = 3650;

impl TenantSettingsPatch {
    /// The settings after the change.
    ///
    /// # Errors
    /// `invalid_body` naming each field that is out of range, or a worse severity that has more time than a lesser one.
    pub fn apply(self, before: &TenantSettings) -> Result<TenantSettings> {
        let mut violations = Vec::new();
        let mut within = |pointer: &str, most: i32, asked: Option<i32>, before: i32| {
            if asked.is_some_and(|number| !(1..=most).contains(&number)) {
                violations.push(Violation::new(pointer, format!("takes 1 to {most}")));
            }
            asked.unwrap_or(before)
        };
        let mut after = before.clone();
        after.sla_critical_days =
            within("/sla_critical_days", MAX_DAYS, self.sla_critical_days, before.sla_critical_days);
        after.sla_high_days = within("/sla_high_days", MAX_DAYS, self.sla_high_days, before.sla_high_days);
        after.sla_medium_days = within("/sla_medium_days", MAX_DAYS, self.sla_medium_days, before.sla_medium_days);
        after.sla_low_days = within("/sla_low_days", MAX_DAYS, self.sla_low_days, before.sla_low_days);
        after.sla_kev_days = within("/sla_kev_days", MAX_DAYS, self.sla_kev_days, before.sla_kev_days);
        after.sla_internet_percent =
            within("/sla_internet_percent", 100, self.sla_internet_percent, before.sla_internet_percent);
        after.sla_due_soon_days = within("/sla_due_soon_days", 90, self.sla_due_soon_days, before.sla_due_soon_days);
        after.max_acceptance_days =
            within("/max_acceptance_days", MAX_DAYS, self.max_acceptance_days, before.max_acceptance_days);
        after.event_days = within("/event_days", MAX_DAYS, self.event_days, before.event_days);
        let ladder = [after.sla_critical_days, after.sla_high_days, after.sla_medium_days, after.sla_low_days];
        if violations.is_empty() && !ladder.is_sorted() {
            violations.push(Violation::new("", "what is worse must not have more time than what is less bad"));
        }
        if let Some(zone) = self.time_zone {
            if zone.parse::<chrono_tz::Tz>().is_err() {
                violations.push(Violation::new("/time_zone", "is no name of the IANA time zone database"));
            }
            after.time_zone = zone;
        }
        after.calendar = self.calendar.unwrap_or(before.calendar);
        after.language = self.language.unwrap_or(before.language);
        after.task_group = self.task_group.unwrap_or(before.task_group);
        after.task_threshold = self.task_threshold.unwrap_or(before.task_threshold);
        if violations.is_empty() { Ok(after) } else { Err(Error::invalid(violations)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> TenantSettings {
        TenantSettings {
            tenant_id: TenantId(uuid::Uuid::nil()),
            sla_critical_days: 7,
            sla_high_days: 30,
            sla_medium_days: 90,
            sla_low_days: 180,
            sla_kev_days: 14,
            sla_internet_percent: 50,
            sla_due_soon_days: 3,
            max_acceptance_days: 365,
            event_days: 400,
            calendar: Calendar::Se,
            time_zone: "Europe/Stockholm".into(),
            language: Language::Sv,
            task_group: TaskGroup::RuleKey,
            task_threshold: Severity::Medium,
            version: 1,
        }
    }

    #[test]
    fn what_is_worse_has_no_more_time() {
        let patch = |critical| TenantSettingsPatch { sla_critical_days: Some(critical), ..Default::default() };
        assert_eq!(patch(30).apply(&settings()).unwrap().sla_critical_days, 30);
        assert!(patch(31).apply(&settings()).is_err());
        assert_eq!(patch(0).apply(&settings()).unwrap_err().violations[0].pointer, "/sla_critical_days");
    }

    #[test]
    fn a_time_zone_is_one_of_the_database() {
        let patch = |zone: &str| TenantSettingsPatch { time_zone: Some(zone.into()), ..Default::default() };
        assert!(patch("Europe/Helsinki").apply(&settings()).is_ok());
        for bad in ["", "Europe/Norrvik", "CET+1", "../etc/localtime"] {
            assert!(patch(bad).apply(&settings()).is_err(), "{bad}");
        }
    }
}
