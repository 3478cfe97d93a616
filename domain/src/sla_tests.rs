use super::*;
use crate::{
    TenantId,
    tenant_settings::{Calendar, Language},
};
use proptest::prelude::*;

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
        task_group: crate::TaskGroup::RuleKey,
        task_threshold: Severity::Medium,
        version: 1,
    }
}

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn risk(severity: Severity) -> Risk {
    Risk { severity, exposure: None, kev: false }
}

#[test]
fn days_come_from_severity_exposure_and_known_exploitation() {
    use Severity::{Critical, High, Informational, Low, Medium};
    let (inside, internet) = (Some(Exposure::Internal), Some(Exposure::Internet));
    for (severity, exposure, kev, days) in [
        (Critical, None, false, Some(7)),
        (Critical, inside, false, Some(7)),
        (Critical, internet, false, Some(4)),
        (Critical, internet, true, Some(4)),
        (High, inside, false, Some(30)),
        (High, internet, false, Some(15)),
        (High, inside, true, Some(14)),
        (Medium, internet, false, Some(45)),
        (Medium, internet, true, Some(14)),
        (Low, None, false, Some(180)),
        (Low, None, true, Some(14)),
        (Informational, internet, true, None),
    ] {
        assert_eq!(
            Sla::new(settings()).days(Risk { severity, exposure, kev }),
            days,
            "{severity:?} {exposure:?} {kev}"
        );
    }
    let strict = TenantSettings { sla_critical_days: 1, sla_internet_percent: 1, ..settings() };
    let critical = Risk { severity: Critical, exposure: internet, kev: false };
    assert_eq!(Sla::new(strict).days(critical), Some(1), "never less than a day");
}

#[test]
fn a_finding_is_due_at_the_end_of_a_working_day_there() {
    for (severity, from, due) in [
        // A Tuesday in November: seven working days on is the Thursday of the week after.
        (Severity::Critical, "2026-11-24T08:00:00Z", "2026-12-03T22:59:59Z"),
        // Half past eleven at night in Stockholm is still the day before in UTC.
        (Severity::Critical, "2026-11-23T23:30:00Z", "2026-12-03T22:59:59Z"),
        // Over Easter 2026: Maundy Thursday; Good Friday, the weekend and Easter Monday do not count.
        (Severity::Critical, "2026-04-02T10:00:00Z", "2026-04-15T21:59:59Z"),
        // Over midsummer 2026: Thursday 18 June; the eve on the 19th does not count.
        (Severity::Critical, "2026-06-18T10:00:00Z", "2026-06-30T21:59:59Z"),
        // Over Christmas and New Year, with Epiphany on a Wednesday.
        (Severity::Critical, "2026-12-22T10:00:00Z", "2027-01-07T22:59:59Z"),
        // Known on a Saturday: counts from Monday.
        (Severity::Critical, "2026-11-28T10:00:00Z", "2026-12-08T22:59:59Z"),
        (Severity::High, "2026-11-24T08:00:00Z", "2027-01-12T22:59:59Z"),
    ] {
        assert_eq!(Sla::new(settings()).due(risk(severity), at(from)), Some(at(due)), "{severity:?} from {from}");
    }
    let every_day = TenantSettings { calendar: Calendar::None, time_zone: "UTC".into(), ..settings() };
    let due = Sla::new(every_day).due(risk(Severity::Critical), at("2026-04-02T10:00:00Z"));
    assert_eq!(due, Some(at("2026-04-09T23:59:59Z")));
}

const FROM: &str = "2026-11-24T08:00:00Z";

/// A clock that began on a Tuesday, for a critical finding: due on Thursday 3 December.
fn running() -> SlaClock {
    Sla::new(settings()).follow(None, Status::New, None, risk(Severity::Critical), at(FROM))
}

fn after(before: (Status, SlaClock), status: Status, severity: Severity, now: &str) -> SlaClock {
    let set = before.1.due_at.filter(|_| before.1.set_by_person);
    Sla::new(settings()).follow(Some(before), status, set, risk(severity), at(now))
}

#[test]
fn a_changed_risk_is_counted_from_the_same_beginning() {
    let worse = after((Status::New, running()), Status::New, Severity::High, "2026-11-30T08:00:00Z");
    assert_eq!((worse.from, worse.due_at), (at(FROM), Some(at("2027-01-12T22:59:59Z"))));
    let harmless = after((Status::New, running()), Status::New, Severity::Informational, "2026-11-30T08:00:00Z");
    assert_eq!(harmless.due_at, None);
}

#[test]
fn a_pause_costs_no_time() {
    // Two of seven days are gone on Thursday 26 November; it rests over Christmas until Friday 8 January.
    let paused =
        after((Status::Confirmed, running()), Status::RiskAccepted, Severity::Critical, "2026-11-26T08:00:00Z");
    assert_eq!((paused.paused_at, paused.due_at), (Some(at("2026-11-26T08:00:00Z")), running().due_at));
    let back = after((Status::RiskAccepted, paused), Status::Confirmed, Severity::Critical, "2027-01-08T08:00:00Z");
    // Five working days after 8 January.
    assert_eq!((back.paused_at, back.due_at), (None, Some(at("2027-01-15T22:59:59Z"))));
    // And so it stays when it is counted again.
    let again = after((Status::Confirmed, back), Status::InProgress, Severity::Critical, "2027-01-11T08:00:00Z");
    assert_eq!(again, back);
}

#[test]
fn a_person_has_the_last_word_until_the_finding_is_closed() {
    let date = at("2026-12-24T22:59:59Z");
    let set = Sla::new(settings()).follow(
        Some((Status::New, running())),
        Status::New,
        Some(date),
        risk(Severity::Critical),
        at(FROM),
    );
    assert_eq!((set.due_at, set.set_by_person), (Some(date), true));
    let worse = after((Status::New, set), Status::New, Severity::High, FROM);
    assert_eq!(worse.due_at, Some(date));
    let closed = after((Status::New, set), Status::FalsePositive, Severity::High, FROM);
    assert_eq!((closed.due_at, closed.set_by_person), (Some(date), true));
    let reopened =
        after((Status::FalsePositive, closed), Status::Confirmed, Severity::Critical, "2026-12-01T08:00:00Z");
    assert_eq!((reopened.due_at, reopened.set_by_person), (Some(at("2026-12-10T22:59:59Z")), false));
}

#[test]
fn a_closed_clock_stands_and_a_reopened_one_begins_anew() {
    let closed =
        after((Status::FixClaimed, running()), Status::VerifiedFixed, Severity::Critical, "2026-11-30T08:00:00Z");
    assert_eq!(closed.due_at, running().due_at);
    let later = after((Status::VerifiedFixed, closed), Status::VerifiedFixed, Severity::Low, "2026-12-30T08:00:00Z");
    assert_eq!(later.due_at, running().due_at, "what is closed is not counted again");
    let back = after((Status::VerifiedFixed, closed), Status::Confirmed, Severity::Critical, "2026-12-01T08:00:00Z");
    assert_eq!((back.from, back.due_at), (at("2026-12-01T08:00:00Z"), Some(at("2026-12-10T22:59:59Z"))));
}

#[test]
fn what_was_told_is_told_again_of_another_date_only() {
    let late = "2026-12-07T08:00:00Z";
    let told = SlaClock { overdue: true, ..running() };
    let same = after((Status::New, told), Status::Confirmed, Severity::Critical, late);
    assert!(same.overdue);
    assert!(!after((Status::New, told), Status::Confirmed, Severity::High, late).overdue, "it has more time now");
    assert!(!after((Status::New, told), Status::FalsePositive, Severity::Critical, late).overdue, "closed");
    assert!(!after((Status::New, told), Status::RiskAccepted, Severity::Critical, late).overdue, "it rests");
    let soon = SlaClock { due_soon: true, ..running() };
    assert!(after((Status::New, soon), Status::Confirmed, Severity::Critical, FROM).due_soon);
    assert!(!after((Status::New, soon), Status::Confirmed, Severity::High, FROM).due_soon);
}

#[test]
fn other_settings_are_another_policy_but_the_language_is_not() {
    let policy = |settings: TenantSettings| Sla::new(settings).policy();
    assert_eq!(policy(settings()), policy(TenantSettings { language: Language::En, version: 9, ..settings() }));
    assert_ne!(policy(settings()), policy(TenantSettings { sla_kev_days: 15, ..settings() }));
    assert_ne!(policy(settings()), policy(TenantSettings { calendar: Calendar::None, ..settings() }));
}

#[test]
fn the_latest_expiry_is_the_end_of_the_last_day() {
    assert_eq!(Sla::new(settings()).latest_expiry(at(FROM)), at("2027-11-24T22:59:59Z"));
}

fn severity() -> impl Strategy<Value = Severity> {
    prop::sample::select(vec![Severity::Low, Severity::Medium, Severity::High, Severity::Critical])
}

proptest! {
    /// However often it rests, exactly the working days of its risk pass while it runs.
    #[test]
    fn pauses_keep_the_working_days(severity in severity(), steps in prop::collection::vec((0_i64..20, any::<bool>()), 0..12)) {
        let sla = Sla::new(settings());
        let (mut status, mut clock, mut now) = (Status::New, running(), at(FROM));
        clock = sla.follow(Some((status, clock)), status, None, risk(severity), now);
        for (days, rests) in steps {
            now += chrono::Duration::days(days);
            let next = if rests { Status::RiskAccepted } else { Status::Confirmed };
            clock = sla.follow(Some((status, clock)), next, None, risk(severity), now);
            status = next;
        }
        if status != Status::RiskAccepted {
            let calendar = sla.calendar();
            let due = calendar.day_of(clock.due_at.unwrap());
            prop_assert_eq!(calendar.between(calendar.day_of(clock.from), due), sla.days(risk(severity)).unwrap());
            prop_assert!(calendar.is_working_day(due));
        }
    }
}
