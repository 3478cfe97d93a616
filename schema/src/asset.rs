//! Assets and their findings.

use crate::{
    connection::{caller, connection, cost, found, loaders, page},
    error::refused,
    finding::FindingNode,
    loaders::MAX_RELATED,
};
use async_graphql::{
    ComplexObject, Context, Object, Result, SimpleObject,
    connection::{Connection, EmptyFields},
};
use domain::{Asset, AssetId, asset::AssetFilter};

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
    #[graphql(complexity = "MAX_RELATED.saturating_mul(child_complexity)")]
    async fn findings(&self, ctx: &Context<'_>) -> Result<Vec<FindingNode>> {
        let findings = loaders(ctx)?.findings_of_assets.load_one(self.asset.id).await.map_err(refused)?;
        Ok(findings.unwrap_or_default().into_iter().map(Into::into).collect())
    }
}

#[derive(Default)]
pub(crate) struct AssetQueries;

#[Object]
impl AssetQueries {
    /// Assets by id.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn assets(
        &self,
        ctx: &Context<'_>,
        filter: Option<AssetFilter>,
        first: Option<i64>,
        after: Option<String>,
    ) -> Result<Connection<String, AssetNode, EmptyFields, EmptyFields>> {
        let page = page(first, after)?;
        connection(service::asset::list(caller(ctx)?, &filter.unwrap_or_default(), &page, None).await, Into::into)
    }

    /// One asset; null if there is none, or none for the caller's eyes.
    async fn asset(&self, ctx: &Context<'_>, id: AssetId) -> Result<Option<AssetNode>> {
        Ok(found(ctx, service::asset::get(caller(ctx)?, id, None).await)?.map(Into::into))
    }
}
