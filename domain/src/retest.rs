//! Retests: somebody looked whether a finding is still there, round by round.

use crate::{
    AttachmentId, Code, DateTime, Error, FindingId, PrincipalId, RetestId, Status, TenantId, Violation, error::Result,
    text,
};
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How somebody looked.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, EnumIter, DeriveActiveEnum, async_graphql::Enum,
)]
#[serde(rename_all = "snake_case")]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum RetestMethod {
    /// The attack was tried again.
    Exploit,
    /// A tool looked again.
    Scan,
    /// Somebody read the configuration or the code.
    Review,
    /// In another way, which the comment tells.
    Other,
}

/// What somebody saw.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, EnumIter, DeriveActiveEnum, async_graphql::Enum,
)]
#[serde(rename_all = "snake_case")]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum RetestResult {
    /// It is gone.
    Fixed,
    /// Some of it is left, which is as good as all of it.
    Partly,
    /// It is still there.
    NotFixed,
    /// Nobody could tell.
    NotTestable,
}

impl RetestResult {
    /// Where the result moves a finding; nowhere if it says what was known. Only a claimed fix can be found to hold;
    /// one that did not hold, or does not any more, is confirmed again.
    ///
    /// # Errors
    /// `transition_refused` where the result has nothing to say: of a fix that nobody claimed, and of a finding that
    /// a person dismissed, which a person takes back first.
    pub fn leads_to(self, from: Status) -> Result<Option<Status>> {
        let refused = |detail: &str| {
            let detail = format!("a finding that is `{}` {detail}", text::word(&from));
            Err(Error::new(Code::TransitionRefused, detail))
        };
        match (from, self) {
            (Status::FalsePositive | Status::Duplicate | Status::NotApplicable, _) => {
                refused("is not retested: confirm it first")
            }
            (_, Self::NotTestable) | (Status::VerifiedFixed, Self::Fixed) => Ok(None),
            (Status::FixClaimed, Self::Fixed) => Ok(Some(Status::VerifiedFixed)),
            (Status::FixClaimed | Status::VerifiedFixed, Self::Partly | Self::NotFixed) => Ok(Some(Status::Confirmed)),
            (_, Self::Partly | Self::NotFixed) => Ok(None),
            (_, Self::Fixed) => refused("has no claimed fix to verify: claim it first"),
        }
    }
}

/// What somebody saw of a finding in one round. It never changes.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct Retest {
    /// Identifier, UUIDv7.
    pub id: RetestId,
    /// The municipality it belongs to.
    pub tenant_id: TenantId,
    /// The finding.
    pub finding_id: FindingId,
    /// The how many-th look at it, from 1.
    pub round: i32,
    /// How somebody looked.
    pub method: RetestMethod,
    /// What they saw.
    pub result: RetestResult,
    /// The file that shows it. Null if there is none, or it is withheld.
    pub attachment_id: Option<AttachmentId>,
    /// In their own words. Null if there are none, or they are withheld.
    pub comment: Option<String>,
    /// Whether comment and file are withheld, since the finding is marked TLP:RED and the caller lacks `evidence:read`.
    pub withheld: bool,
    /// Who looked.
    pub tested_by: PrincipalId,
    /// When it was recorded, RFC 3339 UTC.
    pub tested_at: DateTime,
    /// The finding's status before.
    pub status_before: Status,
    /// The finding's status after.
    pub status_after: Status,
    /// The finding's `seq` after: what `If-Match` of the next change begins with.
    pub finding_seq: i64,
    /// Its own number on the tenant's clock.
    pub seq: i64,
}

impl Retest {
    /// The names that `fields` may list, in the order they are shown.
    pub const FIELDS: &'static [&'static str] = &[
        "id",
        "tenant_id",
        "finding_id",
        "round",
        "method",
        "result",
        "attachment_id",
        "comment",
        "withheld",
        "tested_by",
        "tested_at",
        "status_before",
        "status_after",
        "finding_seq",
        "seq",
    ];
}

/// A retest to record.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "RetestInput")]
pub struct NewRetest {
    /// How you looked.
    pub method: RetestMethod,
    /// What you saw.
    pub result: RetestResult,
    /// A file of this finding that shows it.
    #[serde(default)]
    pub attachment_id: Option<AttachmentId>,
    /// In your own words: 1–10,000 characters.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 10000)]
    pub comment: Option<String>,
}

impl NewRetest {
    /// Brings the comment to its normal form.
    ///
    /// # Errors
    /// `invalid_body` with a pointer.
    pub fn normalise(mut self) -> Result<Self> {
        if let Some(comment) = &mut self.comment {
            *comment = comment.trim().replace("\r\n", "\n");
            let length = comment.chars().count();
            if !(1..=10_000).contains(&length) || !text::is_text(comment) {
                let detail = "takes 1–10,000 characters without control characters";
                return Err(Error::invalid(vec![Violation::new("/comment", detail)]));
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sea_orm::Iterable;

    /// By status: where `fixed`, `partly`, `not_fixed` and `not_testable` lead. `v` verified, `c` confirmed,
    /// `-` nowhere, `.` refused.
    const TABLE: &[(Status, &str)] = &[
        (Status::New, ".---"),
        (Status::Confirmed, ".---"),
        (Status::InProgress, ".---"),
        (Status::FixClaimed, "vcc-"),
        (Status::VerifiedFixed, "-cc-"),
        (Status::FalsePositive, "...."),
        (Status::Duplicate, "...."),
        (Status::NotApplicable, "...."),
        (Status::RiskAccepted, ".---"),
    ];

    #[test]
    fn every_result_leads_where_the_table_says() {
        assert_eq!(TABLE.len(), Status::iter().count());
        for (from, row) in TABLE {
            for (result, cell) in RetestResult::iter().zip(row.chars()) {
                let found = match result.leads_to(*from) {
                    Ok(None) => '-',
                    Ok(Some(Status::VerifiedFixed)) => 'v',
                    Ok(Some(Status::Confirmed)) => 'c',
                    Ok(Some(other)) => panic!("{other:?}"),
                    Err(error) => {
                        assert_eq!(error.code, Code::TransitionRefused);
                        '.'
                    }
                };
                assert_eq!(found, cell, "{result:?} of {from:?}");
            }
        }
    }
}
