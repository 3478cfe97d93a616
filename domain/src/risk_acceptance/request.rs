//! What somebody asks for, and the reasons that people give.

use crate::{BusinessServiceId, DateTime, Error, FindingId, Timestamp, Violation, error::Result, text};
use chrono::SecondsFormat;
use serde::Deserialize;
use std::{collections::HashSet, hash::Hash};
use utoipa::ToSchema;

/// An acceptance to ask for.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "RiskAcceptanceInput")]
pub struct NewRiskAcceptance {
    /// The findings: 1–1,000 of one municipality, none of them in another acceptance.
    #[schema(min_items = 1, max_items = 1000)]
    pub findings: Vec<FindingId>,
    /// Why the risks are to be borne: 1–10,000 characters.
    #[schema(min_length = 1, max_length = 10000)]
    pub reason: String,
    /// The days of standstill that the risk may lead to. Needed unless services are named.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 3650)]
    pub standstill_days: Option<i32>,
    /// What a day of standstill costs, in whole units of the currency. Needed unless services are named.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    pub cost_per_day: Option<i64>,
    /// What the fix would cost, in whole units of the currency.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    pub fix_cost: i64,
    /// The currency (ISO 4217); SEK if left out.
    #[serde(default)]
    #[schema(min_length = 3, max_length = 3, example = "SEK")]
    pub currency: Option<String>,
    /// When it ends: later than now, and no later than the municipality's `max_acceptance_days` from now.
    pub expires_at: DateTime,
    /// Business services that would stand still, at most 100: the sum of their costs per day and the longest of
    /// their days to restore are copied where the numbers are not given.
    #[serde(default)]
    #[graphql(default)]
    #[schema(max_items = 100)]
    pub services: Vec<BusinessServiceId>,
}

/// A reason to refuse or revoke.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "AcceptanceReasonInput")]
pub struct AcceptanceReason {
    /// Why: 1–10,000 characters.
    #[schema(min_length = 1, max_length = 10000)]
    pub reason: String,
}

/// The most findings in an acceptance.
pub const MAX_FINDINGS: usize = 1000;
/// The most services that an acceptance copies from.
pub const MAX_SERVICES: usize = 100;
/// The longest reason, in characters.
const MAX_REASON: usize = 10_000;
/// The most that a day or a fix can cost: with the most days, the product is still a number that JSON readers keep.
pub(super) const MAX_COST: i64 = 1_000_000_000_000;
/// The most days of standstill.
pub(super) const MAX_STANDSTILL: i32 = 3650;

impl NewRiskAcceptance {
    /// Brings the request to its normal form: the reason trimmed, the currency named. `latest` is the latest end
    /// that the municipality allows now.
    ///
    /// # Errors
    /// `invalid_body` with a pointer to each wrong field.
    pub fn normalise(mut self, now: Timestamp, latest: Timestamp) -> Result<Self> {
        self.reason = self.reason.trim().to_owned();
        let currency = self.currency.get_or_insert_with(|| "SEK".into());
        let is_currency = crate::currency::is_known(currency);
        let mut violations = Vec::new();
        few_and_once("/findings", 1, MAX_FINDINGS, &self.findings, &mut violations);
        few_and_once("/services", 0, MAX_SERVICES, &self.services, &mut violations);
        self.check_price(&mut violations);
        let mut wrong = |pointer: &str, detail: String| violations.push(Violation::new(pointer, detail));
        if let Some(detail) = wrong_reason(&self.reason) {
            wrong("/reason", detail);
        }
        if !is_currency {
            wrong("/currency", "takes a currency code of ISO 4217".into());
        }
        if self.expires_at.0 <= now {
            wrong("/expires_at", "must be later than now".into());
        } else if self.expires_at.0 > latest {
            let latest = latest.to_rfc3339_opts(SecondsFormat::Secs, true);
            wrong("/expires_at", format!("is later than {latest}, the latest that the municipality allows"));
        }
        if violations.is_empty() { Ok(self) } else { Err(Error::invalid(violations)) }
    }

    fn check_price(&self, violations: &mut Vec<Violation>) {
        let mut wrong = |pointer: &str, detail: String| violations.push(Violation::new(pointer, detail));
        let by_services = !self.services.is_empty();
        match self.standstill_days {
            None if !by_services => wrong("/standstill_days", "is needed unless services are named".into()),
            Some(days) if !(0..=MAX_STANDSTILL).contains(&days) => {
                wrong("/standstill_days", format!("takes 0 to {MAX_STANDSTILL} days"));
            }
            _ => {}
        }
        if self.cost_per_day.is_none() && !by_services {
            wrong("/cost_per_day", "is needed unless services are named".into());
        }
        for (pointer, cost) in [("/cost_per_day", self.cost_per_day), ("/fix_cost", Some(self.fix_cost))] {
            if cost.is_some_and(|cost| !(0..=MAX_COST).contains(&cost)) {
                wrong(pointer, format!("takes 0 to {MAX_COST}"));
            }
        }
    }
}

/// Refuses a list that is too long or too short, or names something twice.
fn few_and_once<T: Copy + Eq + Hash>(
    pointer: &str,
    least: usize,
    most: usize,
    ids: &[T],
    violations: &mut Vec<Violation>,
) {
    if !(least..=most).contains(&ids.len()) {
        violations.push(Violation::new(pointer, format!("takes {least} to {most} ids")));
        return;
    }
    let mut seen = HashSet::new();
    let again = ids.iter().enumerate().filter(|(_, id)| !seen.insert(**id));
    violations.extend(again.map(|(at, _)| Violation::new(format!("{pointer}/{at}"), "stands twice")));
}

impl AcceptanceReason {
    /// The reason, trimmed.
    ///
    /// # Errors
    /// `invalid_body` with a pointer.
    pub fn normalise(self) -> Result<String> {
        let reason = self.reason.trim().to_owned();
        match wrong_reason(&reason) {
            Some(detail) => Err(Error::invalid(vec![Violation::new("/reason", detail)])),
            None => Ok(reason),
        }
    }
}

fn wrong_reason(reason: &str) -> Option<String> {
    if !(1..=MAX_REASON).contains(&reason.chars().count()) {
        return Some(format!("takes 1 to {MAX_REASON} characters"));
    }
    (!text::is_text(reason)).then(|| "holds a control character".into())
}
