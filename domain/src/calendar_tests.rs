use super::*;
use proptest::prelude::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn sweden() -> WorkCalendar {
    WorkCalendar::new(Calendar::Se, "Europe/Stockholm")
}

/// Dates of Easter as the almanacs have them, with the earliest and the latest that there can be.
#[test]
fn easter_is_when_the_almanac_says() {
    let known = "1818-03-22 1943-04-25 2000-04-23 2005-03-27 2008-03-23 2011-04-24 2016-03-27 2017-04-16 2018-04-01
        2019-04-21 2020-04-12 2021-04-04 2022-04-17 2023-04-09 2024-03-31 2025-04-20 2026-04-05 2027-03-28 2028-04-16
        2029-04-01 2030-04-21 2031-04-13 2032-03-28 2033-04-17 2034-04-09 2035-03-25 2036-04-13 2037-04-05 2038-04-25
        2039-04-10 2040-04-01 2049-04-18 2076-04-19 2100-03-28 2285-03-22";
    for date in known.split_whitespace().map(day) {
        assert_eq!(easter(date.year()), Some(date));
    }
}

#[test]
fn the_days_around_easter_are_free() {
    // Good Friday, Easter Monday and Ascension Day of each year.
    for (friday, monday, ascension) in [
        ("2024-03-29", "2024-04-01", "2024-05-09"),
        ("2025-04-18", "2025-04-21", "2025-05-29"),
        ("2026-04-03", "2026-04-06", "2026-05-14"),
        ("2027-03-26", "2027-03-29", "2027-05-06"),
        ("2028-04-14", "2028-04-17", "2028-05-25"),
        ("2038-04-23", "2038-04-26", "2038-06-03"),
        ("2285-03-20", "2285-03-23", "2285-04-30"),
    ] {
        for free in [friday, monday, ascension] {
            assert!(!sweden().is_working_day(day(free)), "{free}");
        }
        for around in [day(friday).pred_opt().unwrap(), day(monday).succ_opt().unwrap()] {
            assert!(sweden().is_working_day(around), "{around}");
        }
    }
}

#[test]
fn midsummer_eve_is_the_friday_between_19_and_25_june() {
    for eve in [
        "2018-06-22",
        "2019-06-21",
        "2020-06-19",
        "2021-06-25",
        "2022-06-24",
        "2023-06-23",
        "2024-06-21",
        "2025-06-20",
        "2026-06-19",
        "2027-06-25",
        "2028-06-23",
        "2029-06-22",
        "2030-06-21",
        "2031-06-20",
        "2032-06-25",
        "2033-06-24",
    ] {
        let eve = day(eve);
        assert!(!sweden().is_working_day(eve), "{eve}");
        assert!(sweden().is_working_day(eve - Duration::days(7)), "{eve}: the Friday before");
        assert!(sweden().is_working_day(eve + Duration::days(7)), "{eve}: the Friday after");
        assert!(sweden().is_working_day(eve.pred_opt().unwrap()), "{eve}: the Thursday before");
        assert!(sweden().is_working_day(eve + Duration::days(3)), "{eve}: the Monday after");
    }
}

#[test]
fn the_fixed_holidays_are_free_and_their_neighbours_are_not() {
    for (date, works) in [
        ("2026-01-01", false),
        ("2026-01-02", true),
        ("2026-01-05", true),
        ("2026-01-06", false),
        ("2026-04-30", true),
        ("2026-05-01", false),
        ("2025-06-06", false),
        ("2004-06-07", true),
        ("1997-06-06", true),
        ("2026-10-30", true),
        ("2026-12-23", true),
        ("2026-12-24", false),
        ("2026-12-25", false),
        ("2025-12-26", false),
        ("2026-12-28", true),
        ("2026-12-31", false),
        ("2027-01-01", false),
        ("2026-11-28", false),
        ("2026-11-29", false),
    ] {
        assert_eq!(sweden().is_working_day(day(date)), works, "{date}");
    }
}

/// Bank days of whole years, counted on the printed almanac (Monday to Friday less the free ones).
#[test]
fn a_year_has_as_many_working_days_as_the_almanac() {
    for (year, working_days) in [(2024, 251), (2025, 249), (2026, 251)] {
        let (from, to) = (day(&format!("{}-12-31", year - 1)), day(&format!("{year}-12-31")));
        assert_eq!(sweden().between(from, to), working_days, "{year}");
    }
}

#[test]
fn a_day_ends_where_the_municipality_is() {
    for (zone, date, end) in [
        ("Europe/Stockholm", "2026-01-15", "2026-01-15T22:59:59Z"),
        ("Europe/Stockholm", "2026-07-15", "2026-07-15T21:59:59Z"),
        // The nights when the clocks change.
        ("Europe/Stockholm", "2026-03-28", "2026-03-28T22:59:59Z"),
        ("Europe/Stockholm", "2026-03-29", "2026-03-29T21:59:59Z"),
        ("Europe/Stockholm", "2026-10-25", "2026-10-25T22:59:59Z"),
        // Midnight itself is skipped: the day after begins at one o'clock.
        ("America/Santiago", "2024-09-07", "2024-09-08T03:59:59Z"),
        ("no/such/zone", "2026-01-15", "2026-01-15T23:59:59Z"),
    ] {
        let calendar = WorkCalendar::new(Calendar::Se, zone);
        let end: Timestamp = end.parse().unwrap();
        assert_eq!(calendar.end_of(day(date)), end, "{zone} {date}");
        assert_eq!(calendar.day_of(end), day(date), "{zone} {date}");
        assert_ne!(calendar.day_of(end + Duration::seconds(1)), day(date), "{zone} {date}");
    }
}

fn some_day() -> impl Strategy<Value = NaiveDate> {
    (0_i64..60_000).prop_map(|days| day("1990-01-01") + Duration::days(days))
}

proptest! {
    #[test]
    fn adding_lands_on_a_working_day(from in some_day(), days in 1_u32..400) {
        prop_assert!(sweden().is_working_day(sweden().add(from, days)));
    }

    #[test]
    fn counting_gives_what_was_added(from in some_day(), days in 0_u32..400) {
        prop_assert_eq!(sweden().between(from, sweden().add(from, days)), days);
    }

    #[test]
    fn later_or_longer_is_never_sooner(from in some_day(), later in 0_i64..30, days in 0_u32..200, more in 0_u32..50) {
        let begun_later = from + Duration::days(later);
        prop_assert!(sweden().add(begun_later, days) >= sweden().add(from, days));
        prop_assert!(sweden().add(from, days + more) >= sweden().add(from, days));
    }

    #[test]
    fn adding_twice_is_adding_the_sum(from in some_day(), a in 0_u32..200, b in 0_u32..200) {
        prop_assert_eq!(sweden().add(sweden().add(from, a), b), sweden().add(from, a + b));
    }

    #[test]
    fn without_a_calendar_every_day_counts(from in some_day(), days in 0_u32..400) {
        let every_day = WorkCalendar::new(Calendar::None, "UTC");
        prop_assert_eq!(every_day.add(from, days), from + Duration::days(days.into()));
    }
}
