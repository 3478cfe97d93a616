//! Imports, and the mutation that sends a small report.

use crate::{
    connection::{Imports, caller, connection, cost, found, page},
    error::refused,
};
use async_graphql::{
    Context, InputObject, Object, Result, SimpleObject,
    connection::{Connection, EmptyFields},
};
use domain::{Coverage, Import, ImportFormat, ImportId, ImportScope, Tlp};
use service::import::{ImportRequest, Spool};

/// One report that came in. `read = created + updated + unchanged + rejected`.
#[derive(SimpleObject)]
#[graphql(name = "Import")]
pub(crate) struct ImportNode {
    #[graphql(flatten)]
    pub(crate) import: Import,
}

impl From<Import> for ImportNode {
    fn from(import: Import) -> Self {
        Self { import }
    }
}

/// Which imports.
#[derive(InputObject)]
pub(crate) struct ImportFilter {
    /// Of these municipalities, by slug or id.
    #[graphql(default)]
    tenant: Vec<String>,
}

#[derive(Default)]
pub(crate) struct ImportQueries;

#[Object]
impl ImportQueries {
    /// Imports by id. Who may not read findings sees its own ones alone.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn imports(
        &self,
        ctx: &Context<'_>,
        filter: Option<ImportFilter>,
        #[graphql(deprecation = "`filter` has it, as in the other lists.")] tenant: Option<Vec<String>>,
        first: Option<i64>,
        after: Option<String>,
    ) -> Result<Connection<String, ImportNode, EmptyFields, EmptyFields>> {
        let tenant = filter.map(|filter| filter.tenant).or(tenant).unwrap_or_default();
        connection(service::import::list(caller(ctx)?, &tenant, &page(first, after)?, None).await, Into::into)
    }

    /// One import; null if there is none, or none for the caller's eyes.
    async fn import(&self, ctx: &Context<'_>, id: ImportId) -> Result<Option<ImportNode>> {
        Ok(found(ctx, service::import::get(caller(ctx)?, id, None).await)?.map(Into::into))
    }
}

#[derive(Default)]
pub(crate) struct ImportMutations;

#[Object]
impl ImportMutations {
    /// Sends a report that fits into the request, and waits until it is stored. Larger ones go to `POST /v1/imports`.
    /// `tlp` marks the findings that it makes, and is the least for those that it sees again. With `coverage: COMPLETE`
    /// what it does not hold of its scope is marked gone, as `POST /v1/imports` says; that needs `findings:verify`.
    #[expect(clippy::too_many_arguments, reason = "they are those of the REST operation")]
    async fn import_report(
        &self,
        ctx: &Context<'_>,
        content: String,
        tenant: Option<String>,
        format: Option<ImportFormat>,
        source: Option<String>,
        tlp: Option<Tlp>,
        coverage: Option<Coverage>,
        scope: Option<String>,
        #[graphql(default)] scope_assets: Vec<String>,
        #[graphql(default)] scope_networks: Vec<String>,
        #[graphql(default)] scope_rules: Vec<String>,
        confirm_gone: Option<i64>,
    ) -> Result<ImportNode> {
        let imports = ctx.data::<Imports>()?;
        let scope = ImportScope { name: scope, assets: scope_assets, networks: scope_networks, rules: scope_rules };
        let request = ImportRequest { tenant, format, source, tlp, coverage, scope, confirm_gone };
        service::import::check(caller(ctx)?, &request).map_err(refused)?;
        let mut spool = Spool::new(&imports.spool_folder, imports.max_bytes).map_err(refused)?;
        spool.push(content.as_bytes()).map_err(refused)?;
        let spooled = spool.finish().map_err(refused)?;
        let running = service::import::start(caller(ctx)?, request, spooled, imports.options).await.map_err(refused)?;
        let outcome = running.outcome.await.map_err(|error| refused(service::Error::internal(error)))?;
        Ok(outcome.map_err(refused)?.into())
    }
}
