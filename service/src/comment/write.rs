//! Commenting, and an author's second thoughts.

use super::{ON_FINDING, ON_TASK, READ, read, visible};
use crate::{
    Error, Etag, Result,
    tenancy::{Caller, Change, Command, Write},
};
use domain::{
    Code, Comment, CommentId, CommentTarget, EventKind, Permission, PrincipalId, ResourceType,
    comment::{CommentPatch, NewComment},
};
use entity::{comment, finding, task};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, IntoActiveModel};
use uuid::Uuid;

/// Comments on a finding or a task. What is said stays out of the event, so that a deletion leaves nothing of it.
///
/// # Errors
/// `forbidden` (also on a finding marked TLP:RED without `evidence:read`: nobody writes into a conversation that
/// they may not read), `not_found`, `invalid_body`.
pub async fn create(caller: &Caller, target: CommentTarget, new: NewComment) -> Result<(Etag, Comment)> {
    let new = new.normalise()?;
    let (write, tenant) = match target {
        CommentTarget::Finding(id) => {
            let write = caller.begin_write_any(ON_FINDING).await?;
            let finding = write.get::<finding::Entity>(id.0).await?;
            if finding.tlp.is_restricted() {
                write.require(Permission::ReadEvidence, finding.tenant_id)?;
            }
            (write, finding.tenant_id)
        }
        CommentTarget::Task(id) => {
            let write = caller.begin_write_any(ON_TASK).await?;
            let tenant = write.get::<task::Entity>(id.0).await?.tenant_id;
            (write, tenant)
        }
    };
    let mut command = write.command(tenant).await?;
    let (finding_id, task_id) = match target {
        CommentTarget::Finding(id) => (Some(id.0), None),
        CommentTarget::Task(id) => (None, Some(id.0)),
    };
    let id = Uuid::now_v7();
    let row = comment::Model {
        tenant_id: tenant,
        id,
        finding_id,
        task_id,
        text: Some(new.text),
        author: caller.principal().0,
        external_actor: new.external_actor,
        created_at: command.recorded_at(),
        updated_at: command.recorded_at(),
        deleted_at: None,
        seq: command.record(EventKind::CommentCreated, id, Change::default()),
    };
    command.insert::<comment::Entity>(vec![row.clone().into_active_model().reset_all()]).await?;
    command.commit("comment.create", Some((ResourceType::Comment, id))).await?;
    Ok(answer(caller, row))
}

/// Gives an own comment other words, in the version read.
///
/// # Errors
/// `forbidden` for somebody else's, `not_found`, `stale`, `comment_deleted`, `invalid_body`.
pub async fn patch(caller: &Caller, id: CommentId, version: i64, patch: CommentPatch) -> Result<(Etag, Comment)> {
    let patch = patch.normalise()?;
    let (mut command, before) = own(caller, id, version).await?;
    if before.deleted_at.is_some() {
        return Err(Error::refused(Code::CommentDeleted, Code::CommentDeleted.title()));
    }
    if before.text.as_ref() == Some(&patch.text) {
        return Ok(answer(caller, before));
    }
    let mut after = comment::Model { text: Some(patch.text), updated_at: command.recorded_at(), ..before.clone() };
    after.seq = command.record(EventKind::CommentUpdated, id.0, Change::default());
    save(command, before, after, "comment.patch", caller).await
}

/// Deletes an own comment in the version read: its text goes, that there was one stays. Repeating it changes nothing.
///
/// # Errors
/// `forbidden` for somebody else's, `not_found`, `stale`.
pub async fn delete(caller: &Caller, id: CommentId, version: i64) -> Result<(Etag, Comment)> {
    let (mut command, before) = own(caller, id, version).await?;
    if before.deleted_at.is_some() {
        return Ok(answer(caller, before));
    }
    let now = command.recorded_at();
    let mut after = comment::Model { text: None, updated_at: now, deleted_at: Some(now), ..before.clone() };
    after.seq = command.record(EventKind::CommentDeleted, id.0, Change::default());
    save(command, before, after, "comment.delete", caller).await
}

/// A comment that the caller may see, may write and has written: by whatever login or client of the same person.
async fn own(caller: &Caller, id: CommentId, version: i64) -> Result<(Command, comment::Model)> {
    let writing: Vec<Permission> = ON_FINDING.iter().chain(ON_TASK).copied().collect();
    let write = caller.begin_write_any(&writing).await?;
    let row = known(caller, &write, id).await?;
    let needed = if row.finding_id.is_some() { ON_FINDING } else { ON_TASK };
    if !needed.iter().any(|permission| caller.may(*permission, row.tenant_id.into())) {
        write.require(needed.first().copied().unwrap_or(Permission::WriteFindings), row.tenant_id)?;
    }
    if row.seq != version {
        return Err(Error::refused(Code::Stale, Code::Stale.title()));
    }
    let author = PrincipalId(row.author);
    let command = write.command(row.tenant_id).await?;
    let is_own = author == caller.principal()
        || command.platform().hand(author).await? == command.platform().hand(caller.principal()).await?;
    if is_own { Ok((command, row)) } else { Err(Error::refused(Code::Forbidden, "only its author changes a comment")) }
}

/// The comment, if the caller may know of it. Who wrote it may, whatever else they may read.
async fn known(caller: &Caller, write: &Write, id: CommentId) -> Result<comment::Model> {
    let scope = write.scope();
    let may_read = |tenant: &&Uuid| READ.iter().any(|permission| caller.may(*permission, (**tenant).into()));
    let readable: Vec<Uuid> = scope.tenants().iter().filter(may_read).copied().collect();
    let known =
        sea_orm::Condition::any().add(visible(caller, &readable)).add(comment::Column::Author.eq(caller.principal().0));
    let find = scope.find::<comment::Entity>().filter(comment::Column::Id.eq(id.0)).filter(known);
    find.one().await?.ok_or_else(Error::not_found)
}

async fn save(
    command: Command,
    before: comment::Model,
    after: comment::Model,
    action: &str,
    caller: &Caller,
) -> Result<(Etag, Comment)> {
    let row = comment::ActiveModel {
        text: Set(after.text.clone()),
        updated_at: Set(after.updated_at),
        deleted_at: Set(after.deleted_at),
        seq: Set(after.seq),
        ..Default::default()
    };
    command.update::<comment::Entity>(after.id, before.seq, row).await?;
    command.commit(action, Some((ResourceType::Comment, after.id))).await?;
    Ok(answer(caller, after))
}

fn answer(caller: &Caller, row: comment::Model) -> (Etag, Comment) {
    let comment = read::of(row);
    (read::etag(caller, &comment), comment)
}
