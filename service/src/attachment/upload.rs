//! Content on its way in: sealed piece by piece as it comes, never whole in memory.

use super::{
    seal::{PIECE, Sealer},
    storage::path,
};
use crate::{
    Error, Result,
    etag::hex,
    tenancy::{Caller, Scope},
};
use domain::{AttachmentId, Code, FindingId, Permission, attachment};
use entity::finding;
use object_store::{ObjectStoreExt, WriteMultipart};
use sea_orm::{
    ColumnTrait, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// What the sender says about its file.
#[derive(Clone, Debug)]
pub struct NewAttachment {
    /// Its name; [`attachment::NAMELESS`] if left out.
    pub file_name: Option<String>,
    /// Its type, as `Content-Type` has it.
    pub media_type: Option<String>,
    /// Its size, if it is known in advance.
    pub bytes: Option<u64>,
}

/// A file that may come in.
pub struct Admitted {
    pub(super) tenant: Uuid,
    pub(super) finding: Uuid,
    pub(super) file_name: String,
    pub(super) media_type: String,
}

/// A file that is coming in. Dropping it leaves nothing behind.
pub struct Upload {
    admitted: Admitted,
    id: Uuid,
    sealer: Sealer,
    sealed_key: Vec<u8>,
    /// Less than two pieces that are not sealed yet.
    waiting: Vec<u8>,
    writer: Option<WriteMultipart>,
    hash: Sha256,
    bytes: u64,
    limit: u64,
}

/// A file whose object is whole.
pub struct Received {
    pub(super) admitted: Admitted,
    pub(super) id: AttachmentId,
    pub(super) sealed_key: Vec<u8>,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

impl Received {
    /// SHA-256 of the file, lower-case hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}

/// Whether the caller may attach this file to the finding: asked before any of it is read.
///
/// # Errors
/// `forbidden`, `not_found`, `invalid_parameter`, `unsupported_media_type`, `payload_too_large`, `quota_exceeded`.
pub async fn admit(caller: &Caller, id: FindingId, new: NewAttachment) -> Result<Admitted> {
    let read = caller.begin(Permission::WriteEvidence).await?;
    let scope = read.scope();
    let of_id = finding::Column::Id.eq(id.0);
    let finding = scope.find::<finding::Entity>().filter(of_id).one().await?.ok_or_else(Error::not_found)?;
    let options = &caller.service().attachments.options;
    let file_name = attachment::file_name(new.file_name.as_deref().unwrap_or(attachment::NAMELESS))?;
    let media_type = new.media_type.as_deref().and_then(attachment::media_type);
    let media_type = media_type.filter(|kind| attachment::is_allowed(kind, &options.media_types)).ok_or_else(|| {
        let detail = format!("`Content-Type` takes one of {}", options.media_types.join(", "));
        Error::refused(Code::UnsupportedMediaType, detail)
    })?;
    if new.bytes.is_some_and(|bytes| bytes > options.max_bytes) {
        return Err(too_large(options.max_bytes));
    }
    // One that may have come before has its room already; it is asked for again when the file is recorded.
    if caller.once().is_none() {
        check_room(caller, &scope, finding.tenant_id, new.bytes.unwrap_or(0)).await?;
    }
    Ok(Admitted { tenant: finding.tenant_id, finding: finding.id, file_name, media_type })
}

/// What a file takes beside its bytes, of the municipality's room.
const FLOOR: i64 = 4_096;

#[derive(sea_orm::FromQueryResult)]
struct Used {
    bytes: Option<i64>,
}

/// Refuses what the municipality has no room for.
pub(super) async fn check_room(caller: &Caller, scope: &Scope<'_>, tenant: Uuid, bytes: u64) -> Result<()> {
    use entity::attachment::{Column as C, Entity as E};
    let room = caller.service().attachments.options.tenant_bytes;
    if room == 0 {
        return Ok(());
    }
    // Every file counts as a few kilobytes at least, or empty ones would cost nothing. A sum of bigints is a numeric to
    // PostgreSQL.
    let sum = Expr::col((E, C::Bytes)).sum().add(Expr::col((E, C::Bytes)).count().mul(FLOOR)).cast_as("bigint");
    let find = scope.find::<E>().filter(C::TenantId.eq(tenant));
    let used: Vec<Used> = find.with(|select| select.select_only().expr_as(sum, "bytes")).rows().await?;
    let used = used.first().and_then(|used| used.bytes).and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0);
    if used.saturating_add(bytes).saturating_add(FLOOR.unsigned_abs()) <= room {
        return Ok(());
    }
    let detail = format!("{used} of {room} bytes are in use");
    Err(Error::refused(Code::QuotaExceeded, detail))
}

fn too_large(limit: u64) -> Error {
    Error::refused(Code::PayloadTooLarge, format!("an attachment may have at most {limit} bytes"))
}

impl Upload {
    /// Begins to take a file in.
    ///
    /// # Errors
    /// Internal if its place cannot be written to.
    pub async fn begin(caller: &Caller, admitted: Admitted) -> Result<Self> {
        let (id, storage) = (Uuid::now_v7(), &caller.service().attachments);
        let (sealer, sealed_key) = Sealer::new(&caller.service().vault, admitted.tenant, id)?;
        let upload = storage.objects()?.put_multipart(&path(admitted.tenant, id)).await.map_err(Error::internal)?;
        let writer = Some(WriteMultipart::new_with_chunk_size(upload, storage.part));
        let (waiting, limit) = (Vec::with_capacity(2 * PIECE), storage.options.max_bytes);
        Ok(Self { admitted, id, sealer, sealed_key, waiting, writer, hash: Sha256::new(), bytes: 0, limit })
    }

    /// Takes the next bytes; waits while the place is slower than the sender.
    ///
    /// # Errors
    /// `payload_too_large` beyond the limit; internal if its place cannot be written to.
    pub async fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.bytes += bytes.len() as u64;
        if self.bytes > self.limit {
            return Err(too_large(self.limit));
        }
        self.hash.update(bytes);
        for bytes in bytes.chunks(PIECE) {
            self.waiting.extend_from_slice(bytes);
            // A full piece is sealed only when more has come: it could be the last one.
            if self.waiting.len() > PIECE {
                let rest = self.waiting.split_off(PIECE);
                let piece = std::mem::replace(&mut self.waiting, rest);
                self.write(piece, false).await?;
            }
        }
        Ok(())
    }

    async fn write(&mut self, mut piece: Vec<u8>, is_last: bool) -> Result<()> {
        self.sealer.seal(&mut piece, is_last)?;
        let Some(writer) = &mut self.writer else { return Err(Error::Internal("an upload that has ended".into())) };
        // One part under way while the next one fills.
        writer.wait_for_capacity(1).await.map_err(Error::internal)?;
        writer.write(&piece);
        Ok(())
    }

    /// The whole file, once its place has it for good.
    ///
    /// # Errors
    /// Internal if its place cannot be written to.
    pub async fn finish(mut self) -> Result<Received> {
        let last = std::mem::take(&mut self.waiting);
        self.write(last, true).await?;
        if let Some(writer) = self.writer.take() {
            writer.finish().await.map_err(Error::internal)?;
        }
        let sha256 = hex(&std::mem::take(&mut self.hash).finalize());
        let nothing =
            Admitted { tenant: Uuid::nil(), finding: Uuid::nil(), file_name: String::new(), media_type: String::new() };
        let admitted = std::mem::replace(&mut self.admitted, nothing);
        let sealed_key = std::mem::take(&mut self.sealed_key);
        Ok(Received { admitted, id: AttachmentId(self.id), sealed_key, bytes: self.bytes, sha256 })
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let runtime = tokio::runtime::Handle::try_current();
        if let (Some(writer), Ok(runtime)) = (self.writer.take(), runtime) {
            // Parts that a bucket has already; what cannot be taken back is its own rule's to remove.
            runtime.spawn(async move { drop(writer.abort().await) });
        }
    }
}
