//! The life of a finding: what people decided about it, and who may decide what.

use crate::{Code, Error, FindingId, Hand, Permission, error::Result, text};
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What people decided about a finding.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    EnumIter,
    DeriveActiveEnum,
    async_graphql::Enum,
)]
#[serde(rename_all = "snake_case")]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Status {
    /// Reported, nobody has looked yet.
    New,
    /// Looked at: it is real.
    Confirmed,
    /// Somebody works on it.
    InProgress,
    /// Somebody says that it is fixed; nobody else has verified that.
    FixClaimed,
    /// Verified by another person, or by a complete scan, to be gone.
    VerifiedFixed,
    /// The tool was wrong.
    FalsePositive,
    /// Another finding says the same.
    Duplicate,
    /// Real elsewhere, but it does not matter here.
    NotApplicable,
    /// Known and borne until a date, through an approved acceptance.
    RiskAccepted,
}

impl Status {
    /// Whether work is left: neither closed nor accepted.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::New | Self::Confirmed | Self::InProgress | Self::FixClaimed)
    }

    /// Whether a person has dismissed the finding.
    pub const fn is_dismissal(self) -> bool {
        matches!(self, Self::FalsePositive | Self::Duplicate | Self::NotApplicable)
    }
}

/// Why a finding was dismissed. Names of the VEX vocabulary (CISA, "Vulnerability
/// Exploitability eXchange: Status Justifications", 2022) where it has one.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    EnumIter,
    DeriveActiveEnum,
    async_graphql::Enum,
)]
#[serde(rename_all = "snake_case")]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Justification {
    /// VEX: the component is not there.
    ComponentNotPresent,
    /// VEX: the component is there without the vulnerable code.
    VulnerableCodeNotPresent,
    /// VEX: the vulnerable code is never run.
    VulnerableCodeNotInExecutePath,
    /// VEX: an adversary cannot reach the vulnerable code.
    VulnerableCodeCannotBeControlledByAdversary,
    /// VEX: something else already stops the attack.
    InlineMitigationsAlreadyExist,
    /// The tool misread what it saw.
    ScannerError,
    /// The fix is there, the tool only reads a version number.
    PatchBackported,
    /// The same as the finding in `duplicate_of`.
    SameAsOther,
}

impl Justification {
    /// The justifications that a dismissal to `status` may carry.
    pub const fn of(status: Status) -> &'static [Self] {
        match status {
            Status::FalsePositive => {
                &[Self::ScannerError, Self::PatchBackported, Self::ComponentNotPresent, Self::VulnerableCodeNotPresent]
            }
            Status::NotApplicable => &[
                Self::ComponentNotPresent,
                Self::VulnerableCodeNotPresent,
                Self::VulnerableCodeNotInExecutePath,
                Self::VulnerableCodeCannotBeControlledByAdversary,
                Self::InlineMitigationsAlreadyExist,
            ],
            Status::Duplicate => &[Self::SameAsOther],
            _ => &[],
        }
    }
}

/// A wish to move a finding to another status.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "TransitionInput")]
pub struct Transition {
    /// The status wanted.
    pub to: Status,
    /// Why, for a dismissal.
    #[serde(default)]
    pub justification: Option<Justification>,
    /// In own words; at most 10,000 characters.
    #[serde(default)]
    #[schema(max_length = 10000)]
    pub comment: Option<String>,
    /// The finding that says the same; for `duplicate` only.
    #[serde(default)]
    pub duplicate_of: Option<FindingId>,
}

/// The permission that a move needs, or why there is no such move.
///
/// This is the whole table; nothing else decides about a status.
///
/// # Errors
/// `acceptance_required` for `risk_accepted`, `transition_refused` for all
/// that the table does not hold.
pub fn permission_for(from: Status, to: Status) -> Result<Permission> {
    use Status::{
        Confirmed, Duplicate, FalsePositive, FixClaimed, InProgress, New, NotApplicable, RiskAccepted, VerifiedFixed,
    };
    match (from, to) {
        (_, RiskAccepted) => Err(Error::new(Code::AcceptanceRequired, Code::AcceptanceRequired.title())),
        (New | InProgress, Confirmed) | (Confirmed, InProgress) => Ok(Permission::WriteFindings),
        (New | Confirmed | InProgress, FalsePositive | Duplicate | NotApplicable | FixClaimed) => {
            Ok(Permission::WriteFindings)
        }
        (FixClaimed, VerifiedFixed | Confirmed | FalsePositive | NotApplicable) => Ok(Permission::VerifyFindings),
        (VerifiedFixed | FalsePositive | Duplicate | NotApplicable, Confirmed) => Ok(Permission::WriteFindings),
        _ => {
            let detail = format!("a finding that is `{}` cannot become `{}`", text::word(&from), text::word(&to));
            Err(Error::new(Code::TransitionRefused, detail))
        }
    }
}

impl Transition {
    /// Checks everything about the move but the caller's permission, which is
    /// [`permission_for`]'s: justification, duplicate and separation of duties.
    ///
    /// # Errors
    /// `justification_required`, `invalid_body` or `same_person`.
    pub fn check(&self, id: FindingId, from: Status, claimed_by: Option<Hand>, by: Hand) -> Result<()> {
        self.check_justification()?;
        match (self.to, self.duplicate_of) {
            (Status::Duplicate, None) => return Err(pointed("/duplicate_of", "name the finding that says the same")),
            (Status::Duplicate, Some(other)) if other == id => {
                return Err(pointed("/duplicate_of", "a finding is no duplicate of itself"));
            }
            (to, Some(_)) if to != Status::Duplicate => {
                return Err(pointed("/duplicate_of", "goes with `duplicate` only"));
            }
            _ => {}
        }
        if self.comment.as_ref().is_some_and(|c| c.chars().count() > 10_000) {
            return Err(pointed("/comment", "is longer than 10,000 characters"));
        }
        if self.comment.as_ref().is_some_and(|c| !text::is_text(c)) {
            return Err(pointed("/comment", "holds a control character"));
        }
        if from == Status::FixClaimed && claimed_by == Some(by) {
            return Err(Error::new(Code::SamePerson, Code::SamePerson.title()));
        }
        Ok(())
    }

    fn check_justification(&self) -> Result<()> {
        let allowed = Justification::of(self.to);
        match self.justification {
            None if allowed.is_empty() => Ok(()),
            Some(given) if allowed.contains(&given) => Ok(()),
            Some(_) if allowed.is_empty() => Err(pointed("/justification", "goes with a dismissal only")),
            _ => {
                let names: Vec<_> = allowed.iter().map(text::word).collect();
                let detail = format!("`{}` takes one of {}", text::word(&self.to), names.join(", "));
                Err(Error::new(Code::JustificationRequired, detail))
            }
        }
    }
}

fn pointed(pointer: &str, detail: &str) -> Error {
    Error::invalid(vec![crate::Violation::new(pointer, detail)])
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
