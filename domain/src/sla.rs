//! When a finding is due: by severity, exposure and known exploitation, in the municipality's working days.
//!
//! A finding's clock runs while it is open, stands still while its risk is accepted, and is stopped for good
//! when it is closed; a finding that comes back begins anew. A pause moves the beginning by the working days
//! that it took, so that what was left of the time is left afterwards, whatever the finding has become since.

use crate::{Exposure, Severity, Status, Timestamp, calendar::WorkCalendar, tenant_settings::TenantSettings};

/// What a finding without a due date sorts by: behind everything that has one.
pub const NEVER: Timestamp = match chrono::DateTime::from_timestamp(253_402_300_799, 0) {
    Some(end_of_9999) => end_of_9999,
    None => Timestamp::MAX_UTC,
};

/// What about a finding decides how long it may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Risk {
    /// How bad it is.
    pub severity: Severity,
    /// Who can reach what it is on, where that is known.
    pub exposure: Option<Exposure>,
    /// Whether a vulnerability of it is exploited in the wild (CISA KEV).
    pub kev: bool,
}

/// How the clock of a finding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlaClock {
    /// When it began to run; later by the working days of its pauses.
    pub from: Timestamp,
    /// Since when it stands still.
    pub paused_at: Option<Timestamp>,
    /// When the finding is due, if it ever is.
    pub due_at: Option<Timestamp>,
    /// Whether a person has said when it is due.
    pub set_by_person: bool,
    /// Whether that it is due soon has been told, of this due date.
    pub due_soon: bool,
    /// Whether that it is overdue has been told, of this due date.
    pub overdue: bool,
}

/// The deadlines of a municipality.
#[derive(Clone, Debug, PartialEq)]
pub struct Sla {
    settings: TenantSettings,
    calendar: WorkCalendar,
}

/// How a status lets the clock go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    Runs,
    Rests,
    Stopped,
}

const fn pace(status: Status) -> Pace {
    match status {
        Status::RiskAccepted => Pace::Rests,
        status if status.is_open() => Pace::Runs,
        _ => Pace::Stopped,
    }
}

impl Sla {
    /// The deadlines that the settings say.
    pub fn new(settings: TenantSettings) -> Self {
        Self { calendar: WorkCalendar::new(settings.calendar, &settings.time_zone), settings }
    }

    /// The municipality's calendar.
    pub const fn calendar(&self) -> WorkCalendar {
        self.calendar
    }

    /// A text that differs if deadlines differ: what must be counted again when the settings change. It begins
    /// with a number of the rule itself, to be raised when the rule or the calendar is changed here.
    pub fn policy(&self) -> String {
        let s = &self.settings;
        let days = [s.sla_critical_days, s.sla_high_days, s.sla_medium_days, s.sla_low_days, s.sla_kev_days];
        let days = days.map(|days| days.to_string()).join("/");
        format!("1 {days} {}% {} {}", s.sla_internet_percent, crate::text::word(&s.calendar), s.time_zone)
    }

    /// How many working days a risk may stay open; none if it need not be fixed.
    ///
    /// What the internet can reach gets a share of the time of its severity, rounded up; what is exploited
    /// in the wild has no more than the days for that, whatever its severity.
    pub fn days(&self, risk: Risk) -> Option<u32> {
        let s = &self.settings;
        let of_severity = match risk.severity {
            Severity::Informational => return None,
            Severity::Low => s.sla_low_days,
            Severity::Medium => s.sla_medium_days,
            Severity::High => s.sla_high_days,
            Severity::Critical => s.sla_critical_days,
        };
        let percent = if risk.exposure == Some(Exposure::Internet) { s.sla_internet_percent } else { 100 };
        let days = of_severity.saturating_mul(percent).saturating_add(99) / 100;
        let days = if risk.kev { days.min(s.sla_kev_days) } else { days };
        Some(days.max(1).unsigned_abs())
    }

    /// When a risk that became known at `from` is due: at the end of the last of its working days. The day
    /// on which it became known counts as none.
    pub fn due(&self, risk: Risk, from: Timestamp) -> Option<Timestamp> {
        let days = self.days(risk)?;
        Some(self.calendar.end_of(self.calendar.add(self.calendar.day_of(from), days)))
    }

    /// Until when a due date counts as soon.
    pub fn soon(&self, now: Timestamp) -> Timestamp {
        let days = self.settings.sla_due_soon_days.max(0).unsigned_abs();
        self.calendar.end_of(self.calendar.add(self.calendar.day_of(now), days))
    }

    /// The latest end of an acceptance that is asked for or decided now: the end of the last day allowed.
    pub fn latest_expiry(&self, now: Timestamp) -> Timestamp {
        let days = chrono::Days::new(self.settings.max_acceptance_days.max(0).unsigned_abs().into());
        let today = self.calendar.day_of(now);
        self.calendar.end_of(today.checked_add_days(days).unwrap_or(today))
    }

    /// The clock of a finding that is made or changed now.
    ///
    /// `before` is the status that it had and how its clock stood; none if it is new. A due date that a person
    /// has set stands in `set`; it belongs to the round in which it was set, and a finding that comes back
    /// begins a new one. Whether something is overdue is told by a job alone; here it only ceases to be.
    pub fn follow(
        &self,
        before: Option<(Status, SlaClock)>,
        status: Status,
        set: Option<Timestamp>,
        risk: Risk,
        now: Timestamp,
    ) -> SlaClock {
        let begun = |from| SlaClock {
            from,
            paused_at: None,
            due_at: None,
            set_by_person: set.is_some(),
            due_soon: false,
            overdue: false,
        };
        let Some((was, stood)) = before else {
            let clock = begun(now);
            return SlaClock { due_at: set.or_else(|| self.due(risk, now)), ..clock };
        };
        let clock = SlaClock { set_by_person: set.is_some(), ..stood };
        let clock = match (pace(was), pace(status)) {
            (Pace::Runs, Pace::Runs) => SlaClock { due_at: set.or_else(|| self.due(risk, clock.from)), ..clock },
            (Pace::Rests, Pace::Runs) => self.resumed(clock, set, risk, now),
            (Pace::Stopped, Pace::Runs) => SlaClock { set_by_person: false, due_at: self.due(risk, now), ..begun(now) },
            (Pace::Runs | Pace::Stopped, Pace::Rests) => SlaClock { paused_at: Some(now), ..clock },
            (Pace::Rests, Pace::Rests) => clock,
            (_, Pace::Stopped) => SlaClock { paused_at: None, ..clock },
        };
        let same_date = clock.due_at == stood.due_at && pace(status) == Pace::Runs;
        let is_past = clock.due_at.is_some_and(|due| due < now);
        SlaClock {
            due_soon: stood.due_soon && same_date,
            overdue: stood.overdue && is_past && pace(status) == Pace::Runs,
            ..clock
        }
    }

    /// The clock goes on: later by the working days that it stood.
    fn resumed(&self, clock: SlaClock, set: Option<Timestamp>, risk: Risk, now: Timestamp) -> SlaClock {
        let paused_at = clock.paused_at.unwrap_or(now);
        let days = self.calendar.between(self.calendar.day_of(paused_at), self.calendar.day_of(now));
        let from = self.later(clock.from, days);
        let due_at = match set {
            Some(date) => Some(self.later(date, days)),
            None => self.due(risk, from),
        };
        SlaClock { from, due_at, paused_at: None, ..clock }
    }

    /// A time moved by working days: to the end of the day that is reached, or not at all.
    fn later(&self, time: Timestamp, days: u32) -> Timestamp {
        if days == 0 {
            return time;
        }
        self.calendar.end_of(self.calendar.add(self.calendar.day_of(time), days))
    }
}

#[cfg(test)]
#[path = "sla_tests.rs"]
mod tests;
