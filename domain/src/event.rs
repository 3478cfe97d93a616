//! Events: what happened to a resource. One per change, numbered by the
//! tenant's clock. (Who did it stands in the audit as well.)

use crate::ResourceType;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What happened.
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
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum EventKind {
    /// A finding was reported for the first time.
    #[serde(rename = "finding.created")]
    #[sea_orm(string_value = "finding.created")]
    FindingCreated,
    /// A finding's fields changed.
    #[serde(rename = "finding.updated")]
    #[sea_orm(string_value = "finding.updated")]
    FindingUpdated,
    /// A finding's status changed.
    #[serde(rename = "finding.status_changed")]
    #[sea_orm(string_value = "finding.status_changed")]
    FindingStatusChanged,
    /// A closed finding was seen again, or a claimed fix did not hold.
    #[serde(rename = "finding.reopened")]
    #[sea_orm(string_value = "finding.reopened")]
    FindingReopened,
    /// A finding is due within a few working days. Once per due date.
    #[serde(rename = "finding.due_soon")]
    #[sea_orm(string_value = "finding.due_soon")]
    FindingDueSoon,
    /// A finding's due date has passed while it was open. Once per due date.
    #[serde(rename = "finding.overdue")]
    #[sea_orm(string_value = "finding.overdue")]
    FindingOverdue,
    /// A complete report no longer holds a finding.
    #[serde(rename = "finding.gone")]
    #[sea_orm(string_value = "finding.gone")]
    FindingGone,
    /// A finding was merged into another one, or another one into it.
    #[serde(rename = "finding.merged")]
    #[sea_orm(string_value = "finding.merged")]
    FindingMerged,
    /// A merged finding was taken out again.
    #[serde(rename = "finding.split")]
    #[sea_orm(string_value = "finding.split")]
    FindingSplit,
    /// An asset became known.
    #[serde(rename = "asset.created")]
    #[sea_orm(string_value = "asset.created")]
    AssetCreated,
    /// An asset's fields or identifiers changed.
    #[serde(rename = "asset.updated")]
    #[sea_orm(string_value = "asset.updated")]
    AssetUpdated,
    /// Somebody reviewed an asset that a report had discovered.
    #[serde(rename = "asset.reviewed")]
    #[sea_orm(string_value = "asset.reviewed")]
    AssetReviewed,
    /// An asset was taken out of use.
    #[serde(rename = "asset.retired")]
    #[sea_orm(string_value = "asset.retired")]
    AssetRetired,
    /// A retired asset is in use again.
    #[serde(rename = "asset.restored")]
    #[sea_orm(string_value = "asset.restored")]
    AssetRestored,
    /// An asset turned out to be another one, and was merged into it.
    #[serde(rename = "asset.merged")]
    #[sea_orm(string_value = "asset.merged")]
    AssetMerged,
    /// A business service was entered.
    #[serde(rename = "business_service.created")]
    #[sea_orm(string_value = "business_service.created")]
    BusinessServiceCreated,
    /// A business service's fields or assets changed.
    #[serde(rename = "business_service.updated")]
    #[sea_orm(string_value = "business_service.updated")]
    BusinessServiceUpdated,
    /// A business service was deleted.
    #[serde(rename = "business_service.deleted")]
    #[sea_orm(string_value = "business_service.deleted")]
    BusinessServiceDeleted,
    /// A task was made.
    #[serde(rename = "task.created")]
    #[sea_orm(string_value = "task.created")]
    TaskCreated,
    /// A task's fields or findings changed.
    #[serde(rename = "task.updated")]
    #[sea_orm(string_value = "task.updated")]
    TaskUpdated,
    /// A ticket was linked to a task.
    #[serde(rename = "task.ticket_linked")]
    #[sea_orm(string_value = "task.ticket_linked")]
    TaskTicketLinked,
    /// Somebody asked to have risks accepted.
    #[serde(rename = "risk_acceptance.requested")]
    #[sea_orm(string_value = "risk_acceptance.requested")]
    RiskAcceptanceRequested,
    /// Another person approved it: its findings rest.
    #[serde(rename = "risk_acceptance.approved")]
    #[sea_orm(string_value = "risk_acceptance.approved")]
    RiskAcceptanceApproved,
    /// It was refused.
    #[serde(rename = "risk_acceptance.refused")]
    #[sea_orm(string_value = "risk_acceptance.refused")]
    RiskAcceptanceRefused,
    /// Its time is over: its findings are back.
    #[serde(rename = "risk_acceptance.expired")]
    #[sea_orm(string_value = "risk_acceptance.expired")]
    RiskAcceptanceExpired,
    /// It was taken back before its time: its findings are back.
    #[serde(rename = "risk_acceptance.revoked")]
    #[sea_orm(string_value = "risk_acceptance.revoked")]
    RiskAcceptanceRevoked,
    /// A finding of it has become worse since it was approved.
    #[serde(rename = "risk_acceptance.review_needed")]
    #[sea_orm(string_value = "risk_acceptance.review_needed")]
    RiskAcceptanceReviewNeeded,
    /// A task's status changed.
    #[serde(rename = "task.status_changed")]
    #[sea_orm(string_value = "task.status_changed")]
    TaskStatusChanged,
    /// A done task was taken up again, since a fix did not hold.
    #[serde(rename = "task.reopened")]
    #[sea_orm(string_value = "task.reopened")]
    TaskReopened,
    /// A task was claimed for a system, or the claim was renewed.
    #[serde(rename = "task.claimed")]
    #[sea_orm(string_value = "task.claimed")]
    TaskClaimed,
    /// The claim of a task was given back.
    #[serde(rename = "task.released")]
    #[sea_orm(string_value = "task.released")]
    TaskReleased,
    /// A ticket was taken off a task, which can then be claimed again.
    #[serde(rename = "task.ticket_unlinked")]
    #[sea_orm(string_value = "task.ticket_unlinked")]
    TaskTicketUnlinked,
    /// A report was stored to its end.
    #[serde(rename = "import.completed")]
    #[sea_orm(string_value = "import.completed")]
    ImportCompleted,
    /// Somebody commented on a finding or a task.
    #[serde(rename = "comment.created")]
    #[sea_orm(string_value = "comment.created")]
    CommentCreated,
    /// The author of a comment gave it other words.
    #[serde(rename = "comment.updated")]
    #[sea_orm(string_value = "comment.updated")]
    CommentUpdated,
    /// The author of a comment deleted it.
    #[serde(rename = "comment.deleted")]
    #[sea_orm(string_value = "comment.deleted")]
    CommentDeleted,
    /// A file was attached to a finding.
    #[serde(rename = "attachment.created")]
    #[sea_orm(string_value = "attachment.created")]
    AttachmentCreated,
    /// An attached file was deleted.
    #[serde(rename = "attachment.deleted")]
    #[sea_orm(string_value = "attachment.deleted")]
    AttachmentDeleted,
    /// Somebody looked whether a finding is still there.
    #[serde(rename = "retest.recorded")]
    #[sea_orm(string_value = "retest.recorded")]
    RetestRecorded,
    /// A source reported for the first time.
    #[serde(rename = "source.created")]
    #[sea_orm(string_value = "source.created")]
    SourceCreated,
    /// A source's fields changed.
    #[serde(rename = "source.updated")]
    #[sea_orm(string_value = "source.updated")]
    SourceUpdated,
    /// A source has not reported within the time that is expected of it.
    #[serde(rename = "source.silent")]
    #[sea_orm(string_value = "source.silent")]
    SourceSilent,
    /// A source that was silent reports again.
    #[serde(rename = "source.reporting")]
    #[sea_orm(string_value = "source.reporting")]
    SourceReporting,
    /// The caller has no more right in the municipality. Stands in no store: it is told to whom it concerns.
    #[serde(rename = "access_lost")]
    #[sea_orm(string_value = "access_lost")]
    AccessLost,
}

impl EventKind {
    /// Whether it tells how far a due date is away.
    pub const fn tells_due_date(self) -> bool {
        matches!(self, Self::FindingDueSoon | Self::FindingOverdue)
    }

    /// The type of the resource that it happened to.
    pub const fn resource_type(self) -> ResourceType {
        match self {
            Self::FindingCreated
            | Self::FindingUpdated
            | Self::FindingStatusChanged
            | Self::FindingReopened
            | Self::FindingMerged
            | Self::FindingSplit
            | Self::FindingDueSoon
            | Self::FindingGone
            | Self::FindingOverdue => ResourceType::Finding,
            Self::RiskAcceptanceRequested
            | Self::RiskAcceptanceApproved
            | Self::RiskAcceptanceRefused
            | Self::RiskAcceptanceExpired
            | Self::RiskAcceptanceRevoked
            | Self::RiskAcceptanceReviewNeeded => ResourceType::RiskAcceptance,
            Self::AssetCreated
            | Self::AssetUpdated
            | Self::AssetReviewed
            | Self::AssetRetired
            | Self::AssetRestored
            | Self::AssetMerged => ResourceType::Asset,
            Self::BusinessServiceCreated | Self::BusinessServiceUpdated | Self::BusinessServiceDeleted => {
                ResourceType::BusinessService
            }
            Self::TaskCreated
            | Self::TaskUpdated
            | Self::TaskStatusChanged
            | Self::TaskReopened
            | Self::TaskClaimed
            | Self::TaskReleased
            | Self::TaskTicketLinked
            | Self::TaskTicketUnlinked => ResourceType::Task,
            Self::ImportCompleted => ResourceType::Import,
            Self::CommentCreated | Self::CommentUpdated | Self::CommentDeleted => ResourceType::Comment,
            Self::AttachmentCreated | Self::AttachmentDeleted => ResourceType::Attachment,
            Self::RetestRecorded => ResourceType::Retest,
            Self::SourceCreated | Self::SourceUpdated | Self::SourceSilent | Self::SourceReporting => {
                ResourceType::Source
            }
            Self::AccessLost => ResourceType::Tenant,
        }
    }
}
