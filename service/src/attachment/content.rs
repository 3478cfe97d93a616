//! Content on its way out: opened piece by piece as it is asked for.

use super::{
    read,
    seal::{PIECE, Sealer, TAG},
    storage::path,
};
use crate::{Error, Result, audit, tenancy::Caller};
use domain::{Attachment, AttachmentId, Permission};
use entity::attachment;
use futures_util::{StreamExt, stream::BoxStream};
use object_store::ObjectStoreExt;
use sea_orm::ColumnTrait;

/// The content of an attachment.
pub struct Content {
    /// What it is the content of.
    pub attachment: Attachment,
    sealed: BoxStream<'static, object_store::Result<Vec<u8>>>,
    sealer: Sealer,
    waiting: Vec<u8>,
    /// Pieces that are still to come.
    left: u64,
    /// The first piece, opened before anything is said, so that what does not open is an error and no broken answer.
    first: Option<Vec<u8>>,
}

/// The content of an attachment. That the caller reads it is recorded first.
///
/// # Errors
/// `forbidden`, `not_found`; internal if the object is missing or the store key does not open it.
pub async fn content(caller: &Caller, id: AttachmentId) -> Result<Content> {
    let read = caller.begin(Permission::ReadEvidence).await?;
    let find = read.scope().find::<attachment::Entity>().filter(attachment::Column::Id.eq(id.0));
    let row = find.one().await?.ok_or_else(Error::not_found)?;
    drop(read);
    let service = caller.service();
    let sealer = Sealer::open(&service.vault, row.tenant_id, row.id, &row.sealed_key)?;
    let object = service.attachments.objects()?.get(&path(row.tenant_id, row.id)).await.map_err(Error::internal)?;
    let left = pieces(row.bytes);
    let expected = u64::try_from(row.bytes).unwrap_or(0) + left * TAG as u64;
    if object.meta.size != expected {
        return Err(Error::Internal(format!("attachment {id} is not as it was stored")));
    }
    audit::read(caller, "attachment.content", "attachment", &[(row.tenant_id, row.id)]).await?;
    let sealed = object.into_stream().map(|bytes| bytes.map(Vec::from)).boxed();
    let attachment = read::of(row);
    let mut content = Content { attachment, sealed, sealer, waiting: Vec::new(), left, first: None };
    content.first = content.next().await?;
    Ok(content)
}

/// How many pieces so many bytes are: one at least, so that nothing at all is sealed as well.
fn pieces(bytes: i64) -> u64 {
    u64::try_from(bytes).unwrap_or(0).div_ceil(PIECE as u64).max(1)
}

impl Content {
    /// The next piece; none after the last.
    ///
    /// # Errors
    /// Internal if its place fails or what it gives is not what was stored: then what came before is not whole.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        if self.left == 0 {
            return Ok(None);
        }
        let is_last = self.left == 1;
        while is_last || self.waiting.len() < PIECE + TAG {
            let Some(bytes) = self.sealed.next().await else { break };
            self.waiting.extend_from_slice(&bytes.map_err(Error::internal)?);
            if is_last && self.waiting.len() > PIECE + TAG {
                return Err(Error::Internal("an attachment is longer than it was stored".into()));
            }
        }
        let rest = self.waiting.split_off(self.waiting.len().min(PIECE + TAG));
        let mut piece = std::mem::replace(&mut self.waiting, rest);
        self.sealer.unseal(&mut piece, is_last)?;
        self.left -= 1;
        Ok(Some(piece))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_one_piece_at_least() {
        let piece = PIECE as i64;
        for (bytes, expected) in [(0, 1), (1, 1), (piece, 1), (piece + 1, 2), (3 * piece, 3)] {
            assert_eq!(pieces(bytes), expected, "{bytes}");
        }
    }
}
