//! The rows of attachments.

use super::{
    read,
    upload::{Received, check_room},
};
use crate::{
    Error, Etag, Result,
    tenancy::{Caller, Change},
};
use domain::{Attachment, AttachmentId, Code, EventKind, Permission, ResourceType};
use entity::{attachment, finding, retest};
use sea_orm::{ActiveModelTrait, ColumnTrait, IntoActiveModel};

/// Records a file whose object is whole. If that fails, the object goes.
///
/// # Errors
/// `forbidden`, `not_found`, `quota_exceeded`.
pub async fn create(caller: &Caller, received: Received) -> Result<(Etag, Attachment)> {
    let (tenant, id) = (received.admitted.tenant, received.id.0);
    let recorded = record(caller, received).await;
    if recorded.is_err()
        && let Err(error) = caller.service().attachments.remove(tenant, id).await
    {
        tracing::warn!(attachment = %id, %error, "an object without a row waits for the sweep");
    }
    recorded
}

async fn record(caller: &Caller, received: Received) -> Result<(Etag, Attachment)> {
    let Received { admitted, id, sealed_key, bytes, sha256 } = received;
    let write = caller.begin_write(Permission::WriteEvidence).await?;
    write.get::<finding::Entity>(admitted.finding).await?;
    let mut command = write.command(admitted.tenant).await?;
    // Again behind the clock, where no other upload comes in between.
    check_room(caller, &command.scope(), admitted.tenant, bytes).await?;
    let row = attachment::Model {
        tenant_id: admitted.tenant,
        id: id.0,
        finding_id: admitted.finding,
        file_name: admitted.file_name,
        media_type: admitted.media_type,
        bytes: i64::try_from(bytes).map_err(Error::internal)?,
        sha256,
        sealed_key,
        created_by: caller.principal().0,
        created_at: command.recorded_at(),
        seq: command.record(EventKind::AttachmentCreated, id.0, Change::default()),
    };
    command.insert::<attachment::Entity>(vec![row.clone().into_active_model().reset_all()]).await?;
    command.commit("attachment.create", Some((ResourceType::Attachment, id.0))).await?;
    let attachment = read::of(row);
    Ok((read::etag(caller, &attachment), attachment))
}

/// Deletes an attachment in the version read: its row, then its object.
///
/// # Errors
/// `forbidden`, `not_found`, `stale`, `attachment_in_use` if a retest rests on it.
pub async fn delete(caller: &Caller, id: AttachmentId, version: i64) -> Result<Attachment> {
    let write = caller.begin_write(Permission::WriteEvidence).await?;
    let tenant = write.get_version::<attachment::Entity>(id.0, version).await?.tenant_id;
    let mut command = write.command(tenant).await?;
    let row = command.get_version::<attachment::Entity>(id.0, version).await?;
    let in_use = retest::Column::AttachmentId.eq(id.0);
    if command.scope().find::<retest::Entity>().filter(in_use).one().await?.is_some() {
        return Err(Error::refused(Code::AttachmentInUse, Code::AttachmentInUse.title()));
    }
    command.record(EventKind::AttachmentDeleted, id.0, Change::default());
    command.delete::<attachment::Entity>(attachment::Column::Id.eq(id.0)).await?;
    command.commit("attachment.delete", Some((ResourceType::Attachment, id.0))).await?;
    // Where the change still waits for its answer, the object is left to the sweep.
    if caller.once().is_none()
        && let Err(error) = caller.service().attachments.remove(row.tenant_id, id.0).await
    {
        tracing::warn!(attachment = %id, %error, "an object without a row waits for the sweep");
    }
    Ok(read::of(row))
}
