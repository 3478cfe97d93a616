//! Moving a finding through its life.

use super::{
    patch::answer,
    row,
    write::{self, Edit},
};
use crate::{
    Error, Etag, Result,
    tenancy::{Caller, Command},
};
use domain::{
    Code, Finding, FindingId, Permission, PrincipalId, ResourceType, Status, Timestamp, Transition, Violation,
    status::permission_for, text,
};
use entity::finding;
use sea_orm::ColumnTrait;

/// Moves a finding in the version read to another status. One that is open again
/// comes under the default rule, as one that an import reopens does.
///
/// # Errors
/// `forbidden`, `not_found`, `stale`, `transition_refused`, `justification_required`,
/// `acceptance_required`, `same_person`, `invalid_body`.
pub async fn transition(caller: &Caller, id: FindingId, version: i64, wish: Transition) -> Result<(Etag, Finding)> {
    let write = caller.begin_write_any(&[Permission::WriteFindings, Permission::VerifyFindings]).await?;
    let before = write.get_version::<finding::Entity>(id.0, version).await?;
    write.require(permission_for(before.status, wish.to)?, before.tenant_id)?;
    let mut command = write.command(before.tenant_id).await?;
    let before = command.get_version::<finding::Entity>(id.0, version).await?;
    let claimed_by = match before.claimed_by {
        Some(claimant) => Some(command.platform().hand(PrincipalId(claimant)).await?),
        None => None,
    };
    wish.check(id, before.status, claimed_by, command.platform().hand(caller.principal()).await?)?;
    check_duplicate(&command, &before, &wish).await?;
    let after = apply(&before, wish, caller.principal(), command.recorded_at());
    let saved = write::save(&mut command, vec![Edit::of(before, after)]).await?;
    let shown = row::shown(&command.scope(), saved.into_iter().map(|saved| saved.row).collect()).await?;
    command.commit("finding.transition", Some((ResourceType::Finding, id.0))).await?;
    answer(caller, shown)
}

/// The finding named as the original must be one of the same municipality and no
/// duplicate itself, and none may name this one: a duplicate's original is one step away.
async fn check_duplicate(command: &Command, before: &finding::Model, wish: &Transition) -> Result<()> {
    let Some(original) = wish.duplicate_of else { return Ok(()) };
    let one = async |condition| command.scope().find::<finding::Entity>().filter(condition).one().await;
    let detail = match one(finding::Column::Id.eq(original.0)).await? {
        None => "is no finding of this municipality",
        Some(original) if original.status == Status::Duplicate => "is a duplicate itself",
        Some(_) if one(finding::Column::DuplicateOf.eq(before.id)).await?.is_some() => {
            "cannot be the original of a finding that is the original of others: move those first"
        }
        Some(_) => return Ok(()),
    };
    Err(Error::Refused(domain::Error {
        code: Code::InvalidBody,
        detail: format!("/duplicate_of: {detail}"),
        violations: vec![Violation::new("/duplicate_of", detail)],
    }))
}

fn apply(before: &finding::Model, wish: Transition, by: PrincipalId, now: Timestamp) -> finding::Model {
    let closed = before.status == Status::VerifiedFixed || before.status.is_dismissal();
    finding::Model {
        status: wish.to,
        justification: wish.justification,
        status_comment: wish.comment.map(|comment| text::clean(&comment, 10_000)),
        duplicate_of: wish.duplicate_of.map(|id| id.0),
        decided_at: Some(now),
        claimed_by: (wish.to == Status::FixClaimed).then_some(by.0),
        reopened_count: before.reopened_count + i32::from(closed && wish.to == Status::Confirmed),
        seen_after_dismissal: before.seen_after_dismissal && wish.to.is_dismissal(),
        ..before.clone()
    }
}
