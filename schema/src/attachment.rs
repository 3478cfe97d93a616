//! Attachments without their content, which comes and goes over REST.

use crate::{
    connection::{caller, found},
    error::refused,
    finding::version,
    idempotency::acting,
};
use async_graphql::{Context, Object, Result};
use domain::{Attachment, AttachmentId};

#[derive(Default)]
pub(crate) struct AttachmentQueries;

#[Object]
impl AttachmentQueries {
    /// One attachment; null if there is none, or none for the caller's eyes. Its content is at
    /// `/v1/attachments/{id}/content`.
    async fn attachment(&self, ctx: &Context<'_>, id: AttachmentId) -> Result<Option<Attachment>> {
        found(ctx, service::attachment::get(caller(ctx)?, id, None).await)
    }
}

#[derive(Default)]
pub(crate) struct AttachmentMutations;

#[Object]
impl AttachmentMutations {
    /// Deletes an attached file for good. `ifMatch` is the `seq` that it was read with.
    async fn delete_attachment(
        &self,
        ctx: &Context<'_>,
        id: AttachmentId,
        if_match: Option<i64>,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<Attachment> {
        service::attachment::delete(acting(ctx, idempotency_key)?, id, version(if_match)?).await.map_err(refused)
    }
}
