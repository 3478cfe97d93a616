//! Lists of comments and one comment.

use super::{READ, visible};
use crate::{
    Error, Etag, Fresh, Result,
    cursor::Bound,
    paging,
    tenancy::{Caller, Read, Scope},
};
use domain::{Comment, CommentId, CommentTarget, FindingId, Page, PageRequest, Permission, TaskId};
use entity::{comment, finding, task};
use sea_orm::{ColumnTrait, Condition, QueryOrder};
use std::collections::HashMap;
use uuid::Uuid;

/// Some comments of a target: what a GraphQL connection asks of each of its nodes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CommentsOf {
    /// What they are about.
    pub target: CommentTarget,
    /// Most of them, 1–500.
    pub limit: u64,
    /// The cursor of the one before.
    pub after: Option<String>,
}

/// A page of the comments on a finding or a task in the order of the conversation, unless the caller has it
/// already. Deleted ones are there without their text. On a finding marked TLP:RED there are none for who may
/// not read evidence.
///
/// # Errors
/// `forbidden`, `not_found` without the finding or task, `cursor_invalid`, `cursor_filter_mismatch`.
pub async fn list(
    caller: &Caller,
    target: CommentTarget,
    page: &PageRequest,
    seen: Option<&str>,
) -> Result<Fresh<Page<Comment>>> {
    let read = caller.begin(permission(target)).await?;
    let scope = read.scope();
    exists(&scope, target).await?;
    let cursors = cursors(caller, target)?;
    let etag = Etag::of_page(&scope, &cursors, page, "").await?;
    if etag.matches(seen) {
        return Ok(Fresh::Unchanged(etag));
    }
    let find = scope.find::<comment::Entity>().filter(of_targets(&[target])).filter(visible(caller, scope.tenants()));
    let mut page = paging::by_id(find, &cursors, page, |row| row.id).await?;
    let rows = std::mem::take(&mut page.items);
    Ok(Fresh::Changed(etag, page.of(rows.into_iter().map(of).collect())))
}

const fn permission(target: CommentTarget) -> Permission {
    match target {
        CommentTarget::Finding(_) => Permission::ReadFindings,
        CommentTarget::Task(_) => Permission::ReadTasks,
    }
}

async fn exists(scope: &Scope<'_>, target: CommentTarget) -> Result<()> {
    let is_there = match target {
        CommentTarget::Finding(id) => {
            scope.find::<finding::Entity>().filter(finding::Column::Id.eq(id.0)).one().await?.is_some()
        }
        CommentTarget::Task(id) => {
            scope.find::<task::Entity>().filter(task::Column::Id.eq(id.0)).one().await?.is_some()
        }
    };
    if is_there { Ok(()) } else { Err(Error::not_found()) }
}

fn cursors(caller: &Caller, target: CommentTarget) -> Result<Bound<'_>> {
    Bound::of(caller, &("comments", target))
}

fn of_targets(targets: &[CommentTarget]) -> Condition {
    let findings =
        targets.iter().filter_map(|target| if let CommentTarget::Finding(id) = target { Some(id.0) } else { None });
    let tasks =
        targets.iter().filter_map(|target| if let CommentTarget::Task(id) = target { Some(id.0) } else { None });
    Condition::any().add(comment::Column::FindingId.is_in(findings)).add(comment::Column::TaskId.is_in(tasks))
}

/// The first comments of each of several targets, with a cursor each: one statement for all that ask alike.
///
/// # Errors
/// `cursor_invalid`, `cursor_filter_mismatch`.
pub async fn first(read: &Read, wanted: &[CommentsOf]) -> Result<HashMap<CommentsOf, Page<Comment>>> {
    let mut alike: HashMap<(u64, Option<Uuid>), Vec<&CommentsOf>> = HashMap::new();
    for one in wanted {
        let cursors = cursors(read.caller(), one.target)?;
        let after = one.after.as_deref().map(|cursor| cursors.open::<Uuid>(cursor)).transpose()?;
        alike.entry((one.limit, after)).or_default().push(one);
    }
    let mut pages = HashMap::new();
    for ((limit, after), wanted) in alike {
        let targets: Vec<CommentTarget> = wanted.iter().map(|one| one.target).collect();
        let mut rows: HashMap<CommentTarget, Vec<comment::Model>> = HashMap::new();
        for row in first_rows(read, &targets, limit + 1, after).await? {
            rows.entry(target_of(&row)).or_default().push(row);
        }
        for one in wanted {
            let page = PageRequest { limit, cursor: None, each: true, count: None };
            let found = rows.remove(&one.target).unwrap_or_default();
            let mut page = paging::cut(found, &cursors(read.caller(), one.target)?, &page, |row| row.id)?;
            let rows = std::mem::take(&mut page.items);
            pages.insert(one.clone(), page.of(rows.into_iter().map(of).collect()));
        }
    }
    Ok(pages)
}

async fn first_rows(
    read: &Read,
    targets: &[CommentTarget],
    each: u64,
    after: Option<Uuid>,
) -> Result<Vec<comment::Model>> {
    use comment::{Column as C, Entity as E};
    let scope = read.scope();
    let shown = Condition::all().add(of_targets(targets)).add(visible(read.caller(), scope.tenants()));
    let find = scope.find::<E>().filter(shown.add_option(after.map(|after| C::Id.gt(after))));
    let first = find.first_of_each(&[C::FindingId, C::TaskId], "id", each, &[C::Id]);
    first.with(|select| select.order_by_asc(C::Id)).all().await
}

/// One comment, unless the caller has it already.
///
/// # Errors
/// `forbidden`, `not_found`.
pub async fn get(caller: &Caller, id: CommentId, seen: Option<&str>) -> Result<Fresh<Comment>> {
    let read = caller.begin_any_in(READ, &[]).await?;
    let comment = rows(&read, &[id]).await?.pop().map(of).ok_or_else(Error::not_found)?;
    let etag = etag(caller, &comment);
    Ok(if etag.matches(seen) { Fresh::Unchanged(etag) } else { Fresh::Changed(etag, comment) })
}

/// Comments by id, each as [`get`] shows it; those that the caller may not see are missing.
///
/// # Errors
/// `forbidden`.
pub async fn several(caller: &Caller, ids: &[CommentId]) -> Result<Vec<Comment>> {
    let read = caller.begin_any_in(READ, &[]).await?;
    Ok(rows(&read, ids).await?.into_iter().map(of).collect())
}

/// Comments by id that are not deleted; those that the caller may not see are missing.
pub async fn by_ids(read: &Read, ids: &[CommentId]) -> Result<Vec<Comment>> {
    let rows = rows(read, ids).await?;
    Ok(rows.into_iter().filter(|row| row.deleted_at.is_none()).map(of).collect())
}

async fn rows(read: &Read, ids: &[CommentId]) -> Result<Vec<comment::Model>> {
    let scope = read.scope();
    let of_ids = comment::Column::Id.is_in(ids.iter().map(|id| id.0));
    scope.find::<comment::Entity>().filter(of_ids).filter(visible(read.caller(), scope.tenants())).all().await
}

pub(super) fn etag(caller: &Caller, comment: &Comment) -> Etag {
    Etag::of_resource(comment.seq, &[&caller.rights_digest()])
}

fn target_of(row: &comment::Model) -> CommentTarget {
    match (row.finding_id, row.task_id) {
        (Some(finding), _) => CommentTarget::Finding(FindingId(finding)),
        // A CHECK of the table says that it is about one of the two.
        (None, task) => CommentTarget::Task(TaskId(task.unwrap_or_default())),
    }
}

pub(super) fn of(row: comment::Model) -> Comment {
    Comment {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        finding_id: row.finding_id.map(Into::into),
        task_id: row.task_id.map(Into::into),
        text: row.text,
        author: row.author.into(),
        external_actor: row.external_actor,
        created_at: row.created_at.into(),
        updated_at: row.updated_at.into(),
        deleted_at: row.deleted_at.map(Into::into),
        seq: row.seq,
    }
}
