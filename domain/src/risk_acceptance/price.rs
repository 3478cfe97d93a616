//! What a standstill would cost, by the business services that would stand still.

use super::request::{MAX_COST, MAX_STANDSTILL};
use crate::{BusinessServiceId, Error, Violation, error::Result};

/// What a service says about standing still.
#[derive(Clone, Debug, PartialEq)]
pub struct ServicePrice {
    /// The service.
    pub id: BusinessServiceId,
    /// What a day without it costs, in whole units of the currency.
    pub cost_per_day: Option<i64>,
    /// The currency (ISO 4217).
    pub currency: String,
    /// How many days it takes to restore it.
    pub days_to_restore: Option<i32>,
}

/// What a standstill is counted from.
#[derive(Clone, Debug, PartialEq)]
pub struct Standstill<'a> {
    /// The days, where they are given and not copied.
    pub days: Option<i32>,
    /// The cost of each, where it is given and not copied.
    pub cost_per_day: Option<i64>,
    /// The currency of the acceptance.
    pub currency: &'a str,
    /// The services named.
    pub services: &'a [BusinessServiceId],
}

impl Standstill<'_> {
    /// The days of standstill and the cost of each: as given, else the longest time that one of the services takes
    /// to be restored, and the sum of what a day without each costs.
    ///
    /// # Errors
    /// `invalid_body` with a pointer to each service that is missing, or does not say what is to be copied, or says
    /// it in another currency; and where the sum is beyond what can be given.
    pub fn price(&self, known: &[ServicePrice]) -> Result<(i32, i64)> {
        let (mut longest, mut sum, mut violations) = (0, 0_i64, Vec::new());
        for (at, id) in self.services.iter().enumerate() {
            let mut wrong = |detail: &str| violations.push(Violation::new(format!("/services/{at}"), detail));
            let Some(service) = known.iter().find(|service| service.id == *id) else {
                wrong("is no business service of this municipality");
                continue;
            };
            if self.cost_per_day.is_none() && service.currency != self.currency {
                wrong("has its cost in another currency");
            }
            match service.cost_per_day {
                None if self.cost_per_day.is_none() => wrong("does not say what a day without it costs"),
                cost => sum = sum.saturating_add(cost.unwrap_or_default()),
            }
            match service.days_to_restore {
                None if self.days.is_none() => wrong("does not say how many days it takes to restore it"),
                days => longest = longest.max(days.unwrap_or_default()),
            }
        }
        let (days, cost) = (self.days.unwrap_or(longest), self.cost_per_day.unwrap_or(sum));
        if violations.is_empty() && !((0..=MAX_STANDSTILL).contains(&days) && (0..=MAX_COST).contains(&cost)) {
            let detail = format!("come to more than {MAX_STANDSTILL} days or {MAX_COST} a day");
            violations.push(Violation::new("/services", detail));
        }
        if violations.is_empty() { Ok((days, cost)) } else { Err(Error::invalid(violations)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn id(number: u128) -> BusinessServiceId {
        BusinessServiceId(Uuid::from_u128(number))
    }

    fn known() -> Vec<ServicePrice> {
        let service = |number, cost_per_day, currency: &str, days_to_restore| ServicePrice {
            id: id(number),
            cost_per_day,
            currency: currency.into(),
            days_to_restore,
        };
        vec![
            service(1, Some(500_000), "SEK", Some(10)),
            service(2, Some(200_000), "SEK", Some(21)),
            service(3, None, "SEK", None),
            service(4, Some(1), "EUR", Some(1)),
            service(5, Some(MAX_COST), "SEK", Some(1)),
        ]
    }

    fn standstill<'a>(services: &'a [BusinessServiceId]) -> Standstill<'a> {
        Standstill { days: None, cost_per_day: None, currency: "SEK", services }
    }

    #[test]
    fn costs_are_added_and_the_longest_time_counts() {
        assert_eq!(standstill(&[id(1), id(2)]).price(&known()), Ok((21, 700_000)));
        assert_eq!(standstill(&[]).price(&known()), Ok((0, 0)));
    }

    #[test]
    fn what_is_given_is_not_copied() {
        let one = [id(1)];
        let given = Standstill { days: Some(3), ..standstill(&one) };
        assert_eq!(given.price(&known()), Ok((3, 500_000)));
        let two = [id(3), id(4)];
        let both = Standstill { days: Some(3), cost_per_day: Some(7), ..standstill(&two) };
        assert_eq!(both.price(&known()), Ok((3, 7)));
    }

    #[test]
    fn what_cannot_be_copied_is_named_by_its_place() {
        let pointers = |services: &[BusinessServiceId]| -> Vec<String> {
            let error = standstill(services).price(&known()).unwrap_err();
            error.violations.into_iter().map(|violation| violation.pointer).collect()
        };
        assert_eq!(pointers(&[id(1), id(9)]), ["/services/1"]);
        assert_eq!(pointers(&[id(3)]), ["/services/0", "/services/0"]);
        assert_eq!(pointers(&[id(1), id(4)]), ["/services/1"]);
        assert_eq!(pointers(&[id(1), id(5)]), ["/services"]);
    }
}
