//! Assets and their findings.

use crate::{
    connection::{Imports, OrderDirection, caller, connection, cost, found, loaders, page, times},
    error::refused,
    finding::{FindingNode, version},
    idempotency::acting,
    loaders::MAX_RELATED,
};
use async_graphql::{
    ComplexObject, Context, InputObject, Object, Result, SimpleObject,
    connection::{Connection, EmptyFields},
};
use domain::{
    Asset, AssetId, AssetImport, AssetImportFormat, BusinessService,
    asset::{AssetFilter, AssetPatch, AssetSort, NewAsset},
    asset_change::Retirement,
};
use service::{
    asset::{AssetImportRequest, AssetOrder, AssetQuery},
    import::Spool,
};

/// A machine, application or repository that findings are about.
#[derive(SimpleObject)]
#[graphql(name = "Asset", complex)]
pub(crate) struct AssetNode {
    #[graphql(flatten)]
    pub(crate) asset: Asset,
}

impl From<Asset> for AssetNode {
    fn from(asset: Asset) -> Self {
        Self { asset }
    }
}

#[ComplexObject]
impl AssetNode {
    /// Its first 100 findings by id, if the caller may read findings; `findings(filter: {asset: …})` lists all.
    #[graphql(complexity = "times(MAX_RELATED, child_complexity)")]
    async fn findings(&self, ctx: &Context<'_>) -> Result<Vec<FindingNode>> {
        let findings = loaders(ctx)?.findings_of_assets.load_one(self.asset.id).await.map_err(refused)?;
        Ok(findings.unwrap_or_default().into_iter().map(Into::into).collect())
    }

    /// The business services that need it.
    #[graphql(complexity = "1 + child_complexity")]
    async fn services(&self, ctx: &Context<'_>) -> Result<Vec<BusinessService>> {
        let ids = &self.asset.service_ids;
        let mut found = loaders(ctx)?.business_services.load_many(ids.iter().copied()).await.map_err(refused)?;
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }
}

/// An order of assets.
#[derive(InputObject)]
#[graphql(name = "AssetOrder")]
pub(crate) struct AssetOrderInput {
    /// By what.
    field: AssetSort,
    /// Which end comes first.
    #[graphql(default)]
    direction: OrderDirection,
}

#[derive(Default)]
pub(crate) struct AssetQueries;

#[Object]
impl AssetQueries {
    /// Assets in an order, always ended by id; by id if it is left out, or as the filter's queue has them.
    #[graphql(complexity = "cost(first, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the older way to say the order is deprecated for one version")]
    async fn assets(
        &self,
        ctx: &Context<'_>,
        filter: Option<AssetFilter>,
        order_by: Option<AssetOrderInput>,
        #[graphql(deprecation = "`orderBy` says both the key and the direction.")] sort: Option<AssetSort>,
        #[graphql(deprecation = "`orderBy` says both the key and the direction.")] descending: Option<bool>,
        first: Option<i64>,
        after: Option<String>,
    ) -> Result<Connection<String, AssetNode, EmptyFields, EmptyFields>> {
        let filter = filter.unwrap_or_default();
        let descending = descending.unwrap_or_default();
        let order = match order_by {
            Some(order) => Some(AssetOrder { by: order.field, descending: order.direction.is_descending() }),
            None => {
                sort.or_else(|| descending.then(|| filter.default_sort().0)).map(|by| AssetOrder { by, descending })
            }
        };
        let query = AssetQuery { filter, order, page: page(first, after)? };
        connection(service::asset::list(caller(ctx)?, &query, None).await, Into::into)
    }

    /// One asset; null if there is none, or none for the caller's eyes.
    async fn asset(&self, ctx: &Context<'_>, id: AssetId) -> Result<Option<AssetNode>> {
        Ok(found(ctx, service::asset::get(caller(ctx)?, id, None).await)?.map(Into::into))
    }
}

#[derive(Default)]
pub(crate) struct AssetMutations;

#[Object]
impl AssetMutations {
    /// Enters an asset into the inventory.
    async fn create_asset(
        &self,
        ctx: &Context<'_>,
        tenant: Option<String>,
        input: NewAsset,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<AssetNode> {
        Ok(service::asset::create(acting(ctx, idempotency_key)?, tenant.as_deref(), input)
            .await
            .map_err(refused)?
            .1
            .into())
    }

    /// Changes an asset. `ifMatch` is the `seq` that it was read with.
    async fn update_asset(
        &self,
        ctx: &Context<'_>,
        id: AssetId,
        if_match: Option<i64>,
        input: AssetPatch,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<AssetNode> {
        Ok(service::asset::patch(acting(ctx, idempotency_key)?, id, version(if_match)?, input)
            .await
            .map_err(refused)?
            .1
            .into())
    }

    /// Takes a discovered asset into the inventory, with what the reviewer says about it.
    async fn review_asset(
        &self,
        ctx: &Context<'_>,
        id: AssetId,
        if_match: Option<i64>,
        input: Option<AssetPatch>,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<AssetNode> {
        let patch = input.unwrap_or_default();
        Ok(service::asset::review(acting(ctx, idempotency_key)?, id, version(if_match)?, patch)
            .await
            .map_err(refused)?
            .1
            .into())
    }

    /// Takes an asset out of use.
    async fn retire_asset(
        &self,
        ctx: &Context<'_>,
        id: AssetId,
        if_match: Option<i64>,
        input: Retirement,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<AssetNode> {
        Ok(service::asset::retire(acting(ctx, idempotency_key)?, id, version(if_match)?, input)
            .await
            .map_err(refused)?
            .1
            .into())
    }

    /// Takes a retired asset into use again.
    async fn restore_asset(
        &self,
        ctx: &Context<'_>,
        id: AssetId,
        if_match: Option<i64>,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<AssetNode> {
        Ok(service::asset::restore(acting(ctx, idempotency_key)?, id, version(if_match)?)
            .await
            .map_err(refused)?
            .1
            .into())
    }

    /// Merges an asset into another one, and answers the alias that it now is. One that has findings also needs
    /// `findings:write`.
    async fn merge_asset(
        &self,
        ctx: &Context<'_>,
        id: AssetId,
        if_match: Option<i64>,
        into: AssetId,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<AssetNode> {
        Ok(service::asset::merge(acting(ctx, idempotency_key)?, id, version(if_match)?, into)
            .await
            .map_err(refused)?
            .1
            .into())
    }

    /// Takes an inventory in that fits into the request. Larger ones go to `POST /v1/assets/import`.
    async fn import_assets(
        &self,
        ctx: &Context<'_>,
        content: String,
        format: AssetImportFormat,
        tenant: Option<String>,
        #[graphql(default)] dry_run: bool,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<AssetImport> {
        let caller = acting(ctx, idempotency_key)?;
        let imports = ctx.data::<Imports>()?;
        service::asset::check_import(caller, tenant.as_deref()).map_err(refused)?;
        let mut spool = Spool::new(&imports.spool_folder, imports.max_bytes).map_err(refused)?;
        spool.push(content.as_bytes()).map_err(refused)?;
        let spooled = spool.finish().map_err(refused)?;
        let wish = AssetImportRequest { tenant, format, dry_run };
        service::asset::import(caller, wish, spooled).await.map_err(refused)
    }
}
