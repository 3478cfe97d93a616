//! Lists of attachments and one attachment, without their content.

use crate::{
    Error, Etag, Fresh, Result,
    cursor::Bound,
    paging,
    tenancy::{Caller, Read},
};
use domain::{Attachment, AttachmentId, FindingId, Page, PageRequest, Permission};
use entity::{attachment, finding};
use sea_orm::{ColumnTrait, QueryOrder};

/// A page of the attachments of a finding by id, unless the caller has it already.
///
/// # Errors
/// `forbidden`, `not_found`, `cursor_invalid`, `cursor_filter_mismatch`.
pub async fn list(
    caller: &Caller,
    id: FindingId,
    page: &PageRequest,
    seen: Option<&str>,
) -> Result<Fresh<Page<Attachment>>> {
    let read = caller.begin(Permission::ReadEvidence).await?;
    let scope = read.scope();
    let of_id = finding::Column::Id.eq(id.0);
    scope.find::<finding::Entity>().filter(of_id).one().await?.ok_or_else(Error::not_found)?;
    let cursors = Bound::of(caller, &("attachments", id))?;
    let etag = Etag::of_page(&scope, &cursors, page, "").await?;
    if etag.matches(seen) {
        return Ok(Fresh::Unchanged(etag));
    }
    let find = scope.find::<attachment::Entity>().filter(attachment::Column::FindingId.eq(id.0));
    let mut page = paging::by_id(find, &cursors, page, |row| row.id).await?;
    let rows = std::mem::take(&mut page.items);
    Ok(Fresh::Changed(etag, page.of(rows.into_iter().map(of).collect())))
}

/// One attachment, unless the caller has it already.
///
/// # Errors
/// `forbidden`, `not_found`.
pub async fn get(caller: &Caller, id: AttachmentId, seen: Option<&str>) -> Result<Fresh<Attachment>> {
    let read = caller.begin(Permission::ReadEvidence).await?;
    let attachment = by_ids(&read, &[id]).await?.pop().ok_or_else(Error::not_found)?;
    let etag = etag(caller, &attachment);
    Ok(if etag.matches(seen) { Fresh::Unchanged(etag) } else { Fresh::Changed(etag, attachment) })
}

/// Attachments by id; those that the caller may not see are missing.
pub async fn by_ids(read: &Read, ids: &[AttachmentId]) -> Result<Vec<Attachment>> {
    let scope = read.narrow(Permission::ReadEvidence);
    let of_ids = attachment::Column::Id.is_in(ids.iter().map(|id| id.0));
    let rows = scope.find::<attachment::Entity>().filter(of_ids).all().await?;
    Ok(rows.into_iter().map(of).collect())
}

/// The first attachments of each finding, by id: at most `each` of every one.
pub async fn of_findings(read: &Read, findings: &[FindingId], each: u64) -> Result<Vec<Attachment>> {
    use attachment::{Column as C, Entity as E};
    let scope = read.narrow(Permission::ReadEvidence);
    let find = scope.find::<E>().filter(C::FindingId.is_in(findings.iter().map(|id| id.0)));
    let first = find.first_of_each(&[C::FindingId], "id", each, &[C::Id]);
    let rows = first.with(|select| select.order_by_asc(C::Id)).all().await?;
    Ok(rows.into_iter().map(of).collect())
}

pub(super) fn etag(caller: &Caller, attachment: &Attachment) -> Etag {
    Etag::of_resource(attachment.seq, &[&caller.rights_digest()])
}

pub(super) fn of(row: attachment::Model) -> Attachment {
    Attachment {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        finding_id: row.finding_id.into(),
        file_name: row.file_name,
        media_type: row.media_type,
        bytes: row.bytes,
        sha256: row.sha256,
        created_by: row.created_by.into(),
        created_at: row.created_at.into(),
        seq: row.seq,
    }
}
