//! Working days: which days count for a deadline, and when a day ends where the municipality is.
//!
//! The public holidays are those of the Swedish act 1989:253 (lag om allmänna helgdagar), with
//! the national day among them since 2005. Midsummer Eve, Christmas Eve and New Year's Eve are
//! none of these, but the holidays act (semesterlag 1977:480, section 3 a) puts them on a par
//! with Sundays and the agreements of the public sector (ALFA among them) make them free, so no
//! authority works then either. Days before a holiday that are only shortened count as whole ones.

use crate::{Timestamp, tenant_settings::Calendar};
use chrono::{Datelike, Duration, NaiveDate, NaiveTime, TimeZone, Utc, Weekday};
use chrono_tz::Tz;

/// The working days of one municipality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkCalendar {
    calendar: Calendar,
    zone: Tz,
}

impl WorkCalendar {
    /// A calendar in a time zone of the IANA database. Settings are checked when they are made;
    /// a name that the database has dropped since then counts as UTC.
    pub fn new(calendar: Calendar, time_zone: &str) -> Self {
        Self { calendar, zone: time_zone.parse().unwrap_or(Tz::UTC) }
    }

    /// The day that it is there.
    pub fn day_of(&self, at: Timestamp) -> NaiveDate {
        at.with_timezone(&self.zone).date_naive()
    }

    /// The last second of a day there, whatever the clocks do that night.
    pub fn end_of(&self, day: NaiveDate) -> Timestamp {
        let midnight = day.succ_opt().unwrap_or(day).and_time(NaiveTime::MIN);
        // Where the clocks skip midnight itself, the day begins with the first quarter that exists.
        let quarters = (0..=96).map(|quarter| midnight + Duration::minutes(15 * quarter));
        let begins = quarters.filter_map(|local| self.zone.from_local_datetime(&local).earliest()).next();
        begins.map_or_else(|| midnight.and_utc(), |local| local.with_timezone(&Utc)) - Duration::seconds(1)
    }

    /// Whether people work on that day.
    pub fn is_working_day(&self, day: NaiveDate) -> bool {
        match self.calendar {
            Calendar::None => true,
            Calendar::Se => !matches!(day.weekday(), Weekday::Sat | Weekday::Sun) && !is_free_weekday(day),
        }
    }

    /// The day that is so many working days later: the n-th working day after `day`; `day` itself for none.
    pub fn add(&self, day: NaiveDate, working_days: u32) -> NaiveDate {
        let mut left = working_days;
        let mut reached = day;
        while left > 0 {
            let Some(next) = reached.succ_opt() else { break };
            reached = next;
            left -= u32::from(self.is_working_day(reached));
        }
        reached
    }

    /// How many working days come after `from` up to and with `to`; none if `to` is not later.
    pub fn between(&self, from: NaiveDate, to: NaiveDate) -> u32 {
        let later = from.iter_days().skip(1).take_while(|day| *day <= to);
        later.fold(0, |count, day| count + u32::from(self.is_working_day(day)))
    }
}

/// Whether a Monday to Friday is free all the same. Of the holidays, those that are always a
/// Saturday or Sunday (Easter Day, Whit Sunday, Midsummer Day, All Saints' Day) need no mention here.
fn is_free_weekday(day: NaiveDate) -> bool {
    match (day.month(), day.day()) {
        // New Year's Day, Epiphany, May Day, the national day, Christmas with its eve, New Year's Eve.
        (1, 1 | 6) | (5, 1) | (12, 24..=26 | 31) => true,
        (6, 6) => day.year() >= 2005,
        // Midsummer Eve: the Friday between 19 and 25 June.
        (6, 19..=25) if day.weekday() == Weekday::Fri => true,
        // Good Friday and Easter Monday at the earliest, Ascension Day at the latest.
        (3..=6, _) => {
            let from_easter = easter(day.year()).map(|sunday| (day - sunday).num_days());
            matches!(from_easter, Some(-2 | 1 | 39))
        }
        _ => false,
    }
}

/// Easter Day of a year by the Gregorian calendar: the anonymous algorithm that Nature printed in
/// 1876 (Meeus, Astronomical Algorithms, chapter 8). Years that chrono cannot name have none.
pub fn easter(year: i32) -> Option<NaiveDate> {
    let golden = year.rem_euclid(19);
    let (century, of_century) = (year.div_euclid(100), year.rem_euclid(100));
    let moon_correction = (century - (century + 8).div_euclid(25) + 1).div_euclid(3);
    let epact = (19 * golden + century - century.div_euclid(4) - moon_correction + 15).rem_euclid(30);
    let weekday = (32 + 2 * century.rem_euclid(4) + 2 * (of_century / 4) - epact - of_century % 4).rem_euclid(7);
    let late_moon = (golden + 11 * epact + 22 * weekday) / 451;
    let days = epact + weekday - 7 * late_moon + 114;
    NaiveDate::from_ymd_opt(year, u32::try_from(days / 31).ok()?, u32::try_from(days % 31 + 1).ok()?)
}

#[cfg(test)]
#[path = "calendar_tests.rs"]
mod tests;
