//! One command over many findings.

use crate::{error::refused, finding::FindingPatchInput, idempotency::acting};
use async_graphql::{Context, InputObject, Object, Result};
use domain::{
    FindingFilter, FindingId, Transition,
    finding_bulk::{BulkReport, BulkWish, FindingVersion},
};

/// Which findings, by one of `ids`, `items` and `filter`; and what happens to each, by one of `transition` and `patch`.
#[derive(InputObject)]
pub(crate) struct BulkFindingsInput {
    /// 1–1,000 findings as they stand.
    ids: Option<Vec<FindingId>>,
    /// 1–1,000 findings in the versions read.
    items: Option<Vec<FindingVersion>>,
    /// All findings that the filter holds, at most 1,000; needs `findings:read` as well.
    filter: Option<FindingFilter>,
    /// Moves each to another status.
    transition: Option<Transition>,
    /// Changes what people say of each.
    patch: Option<FindingPatchInput>,
    /// Only tells what would happen to how many.
    #[graphql(default)]
    dry_run: bool,
    /// With a filter: the `count` of its dry run.
    expected_count: Option<i64>,
}

#[derive(Default)]
pub(crate) struct FindingBulkMutations;

#[Object]
impl FindingBulkMutations {
    /// Moves or changes up to 1,000 findings. Each has an outcome of its own; what one is refused stops no other.
    async fn bulk_findings(
        &self,
        ctx: &Context<'_>,
        input: BulkFindingsInput,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<BulkReport> {
        let BulkFindingsInput { ids, items, filter, transition, patch, dry_run, expected_count } = input;
        let patch = patch.map(FindingPatchInput::wish);
        let wish = BulkWish { ids, items, filter, transition, patch, dry_run, expected_count };
        service::finding::bulk(acting(ctx, idempotency_key)?, wish).await.map_err(refused)
    }
}
