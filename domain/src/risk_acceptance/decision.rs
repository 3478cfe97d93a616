//! What can be done with an acceptance, and by whom.

use super::AcceptanceStatus;
use crate::{Code, Error, Hand, Status, Timestamp, error::Result, text};

/// The price of standing still: days times the cost of each.
pub const fn standstill_cost(days: i32, per_day: i64) -> i64 {
    per_day.saturating_mul(days as i64)
}

/// Whether an acceptance can take a finding in that status along.
pub const fn can_rest(status: Status) -> bool {
    matches!(status, Status::New | Status::Confirmed | Status::InProgress)
}

/// What is known of an acceptance when somebody decides on it.
#[derive(Clone, Copy, Debug)]
pub struct Decision {
    /// How far it is.
    pub status: AcceptanceStatus,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Who asked for it.
    pub requested_by: Hand,
    /// Who decides.
    pub by: Hand,
}

impl Decision {
    /// Whether it can be approved now, where `latest` is the latest end that the municipality allows now.
    ///
    /// # Errors
    /// `same_person` for whoever asked, by whatever login or client; `acceptance_state` if it is decided, its time
    /// is over already, or it would last longer than is allowed by now.
    pub fn approve(self, now: Timestamp, latest: Timestamp) -> Result<()> {
        self.still(AcceptanceStatus::Requested, "approve")?;
        if self.requested_by == self.by {
            return Err(Error::new(Code::SamePerson, Code::SamePerson.title()));
        }
        if self.expires_at <= now {
            return Err(Error::new(Code::AcceptanceState, "its time is over before anybody approved it"));
        }
        if self.expires_at > latest {
            let detail = "it would last longer than the municipality allows by now: ask for a shorter one";
            return Err(Error::new(Code::AcceptanceState, detail));
        }
        Ok(())
    }

    /// Whether it can be refused: also by who asked, who thereby takes it back.
    ///
    /// # Errors
    /// `acceptance_state` if it is decided.
    pub fn refuse(self) -> Result<()> {
        self.still(AcceptanceStatus::Requested, "refuse")
    }

    /// Whether it can be revoked.
    ///
    /// # Errors
    /// `acceptance_state` if it is none that is in force.
    pub fn revoke(self) -> Result<()> {
        self.still(AcceptanceStatus::Approved, "revoke")
    }

    fn still(self, wanted: AcceptanceStatus, verb: &str) -> Result<()> {
        if self.status == wanted {
            return Ok(());
        }
        let detail = format!("it is `{}`; one can {verb} what is `{}`", text::word(&self.status), text::word(&wanted));
        Err(Error::new(Code::AcceptanceState, detail))
    }
}
