//! A finding as a plain model knows it: no store, no clock, no rules but those written here by hand.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// What the model says of one finding.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Finding {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) reported: &'static str,
    pub(super) set: Option<&'static str>,
    pub(super) status: &'static str,
    pub(super) justification: Option<&'static str>,
    pub(super) comment: Option<String>,
    pub(super) duplicate_of: Option<String>,
    pub(super) assignee: Option<String>,
    pub(super) reopened: i64,
    pub(super) flagged: bool,
    pub(super) first_seen: DateTime<Utc>,
    pub(super) last_seen: DateTime<Utc>,
    /// When the report was made that the fields are from.
    pub(super) stands: DateTime<Utc>,
    pub(super) decided: Option<DateTime<Utc>>,
    pub(super) claimant: Option<&'static str>,
}

/// A wish to move a finding.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) by: &'static str,
    pub(super) to: &'static str,
    pub(super) justification: Option<&'static str>,
    pub(super) comment: Option<String>,
    pub(super) duplicate_of: Option<String>,
}

/// What a report says of a finding.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) rule: usize,
    pub(super) title: String,
    pub(super) severity: &'static str,
    pub(super) at: DateTime<Utc>,
}

pub(super) const STATUSES: &[&str] = &[
    "new",
    "confirmed",
    "in_progress",
    "fix_claimed",
    "verified_fixed",
    "false_positive",
    "duplicate",
    "not_applicable",
    "risk_accepted",
];

const DISMISSED: [&str; 3] = ["false_positive", "duplicate", "not_applicable"];

/// The permission that a move needs, or the code that refuses it: DESIGN's table, written out.
fn needs(from: &str, to: &str) -> Result<&'static str, &'static str> {
    match (from, to) {
        (_, "risk_accepted") => Err("acceptance_required"),
        ("new", "confirmed" | "fix_claimed" | "false_positive" | "duplicate" | "not_applicable")
        | ("confirmed", "in_progress" | "fix_claimed" | "false_positive" | "duplicate" | "not_applicable")
        | ("in_progress", "confirmed" | "fix_claimed" | "false_positive" | "duplicate" | "not_applicable")
        | ("verified_fixed" | "false_positive" | "duplicate" | "not_applicable", "confirmed") => Ok("findings:write"),
        ("fix_claimed", "verified_fixed" | "confirmed" | "false_positive" | "not_applicable") => Ok("findings:verify"),
        _ => Err("transition_refused"),
    }
}

const JUSTIFIED: &[(&str, &str)] = &[
    ("false_positive", "scanner_error"),
    ("false_positive", "patch_backported"),
    ("not_applicable", "inline_mitigations_already_exist"),
    ("duplicate", "same_as_other"),
];

impl Finding {
    pub(super) fn new(id: String, word: &Word) -> Self {
        Self {
            id,
            title: word.title.clone(),
            reported: word.severity,
            set: None,
            status: "new",
            justification: None,
            comment: None,
            duplicate_of: None,
            assignee: None,
            reopened: 0,
            flagged: false,
            first_seen: word.at,
            last_seen: word.at,
            stands: word.at,
            decided: None,
            claimant: None,
        }
    }

    /// The finding after its source has seen it (again), and whether that opened it again.
    pub(super) fn see(&self, word: &Word) -> (Self, bool) {
        let mut after = self.clone();
        after.first_seen = after.first_seen.min(word.at);
        after.last_seen = after.last_seen.max(word.at);
        let is_later = self.decided.is_none_or(|decided| word.at > decided);
        let reopens = is_later && ["verified_fixed", "fix_claimed"].contains(&self.status);
        if reopens {
            after.reopened += i64::from(self.status == "verified_fixed");
            (after.status, after.comment, after.claimant) = ("confirmed", None, None);
            after.decided = Some(word.at);
        }
        after.flagged |= is_later && DISMISSED.contains(&self.status);
        if word.at > self.stands {
            (after.stands, after.title, after.reported) = (word.at, word.title.clone(), word.severity);
        }
        (after, reopens)
    }

    /// The finding after a person has moved it, or the code that refuses that.
    pub(super) fn move_to(&self, wish: &Wish, others: &[Self], now: DateTime<Utc>) -> Result<Self, &'static str> {
        let permission = needs(self.status, wish.to)?;
        if wish.by == "writer" && permission == "findings:verify" {
            return Err("forbidden");
        }
        match wish.justification {
            Some(given) if JUSTIFIED.contains(&(wish.to, given)) => {}
            None if !DISMISSED.contains(&wish.to) => {}
            Some(_) if !DISMISSED.contains(&wish.to) => return Err("invalid_body"),
            _ => return Err("justification_required"),
        }
        let original = wish.duplicate_of.as_ref();
        if (wish.to == "duplicate") != original.is_some() || original == Some(&self.id) {
            return Err("invalid_body");
        }
        if self.status == "fix_claimed" && self.claimant == Some(wish.by) {
            return Err("same_person");
        }
        if let Some(original) = original {
            let is_duplicate = others.iter().any(|other| other.id == *original && other.status == "duplicate");
            let is_original = others.iter().any(|other| other.duplicate_of.as_ref() == Some(&self.id));
            if is_duplicate || is_original {
                return Err("invalid_body");
            }
        }
        let closed = self.status == "verified_fixed" || DISMISSED.contains(&self.status);
        Ok(Self {
            status: wish.to,
            justification: wish.justification,
            comment: wish.comment.clone(),
            duplicate_of: wish.duplicate_of.clone(),
            reopened: self.reopened + i64::from(closed && wish.to == "confirmed"),
            flagged: self.flagged && DISMISSED.contains(&wish.to),
            decided: Some(now),
            claimant: (wish.to == "fix_claimed").then_some(wish.by),
            ..self.clone()
        })
    }

    /// The finding after somebody has looked whether it is still there, or the code that refuses that.
    pub(super) fn retested(&self, by: &'static str, result: &str, now: DateTime<Utc>) -> Result<Self, &'static str> {
        if by == "writer" {
            return Err("forbidden");
        }
        if DISMISSED.contains(&self.status) {
            return Err("transition_refused");
        }
        let to = match (self.status, result) {
            (_, "not_testable") | ("verified_fixed", "fixed") => return Ok(self.clone()),
            ("fix_claimed", "fixed") => "verified_fixed",
            ("fix_claimed" | "verified_fixed", _) => "confirmed",
            (_, "fixed") => return Err("transition_refused"),
            _ => return Ok(self.clone()),
        };
        if self.status == "fix_claimed" && self.claimant == Some(by) {
            return Err("same_person");
        }
        let reopens = self.status == "verified_fixed";
        let mut after = self.clone();
        (after.status, after.comment, after.claimant) = (to, None, None);
        (after.decided, after.reopened) = (Some(now), self.reopened + i64::from(reopens));
        Ok(after)
    }

    /// The finding after an acceptance was approved and taken back.
    pub(super) fn back_from_acceptance(&self, now: DateTime<Utc>) -> Self {
        Self { status: "confirmed", comment: None, decided: Some(now), ..self.clone() }
    }

    /// What Fynd has to show of it.
    pub(super) fn shown(&self) -> Value {
        let time = |time: DateTime<Utc>| time.timestamp_millis();
        json!({
            "id": self.id, "title": self.title, "severity": self.set.unwrap_or(self.reported), "status": self.status,
            "justification": self.justification, "status_comment": self.comment, "duplicate_of": self.duplicate_of,
            "assignee": self.assignee, "reopened_count": self.reopened, "seen_after_dismissal": self.flagged,
            "first_seen": time(self.first_seen), "last_seen": time(self.last_seen),
        })
    }
}
