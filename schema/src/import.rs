//! Imports, and the mutation that sends a small report.

use crate::{
    connection::{Imports, caller, changed, connection, cost, found, page},
    error::refused,
    idempotency::acting,
};
use async_graphql::{
    Context, InputObject, Object, Result, SimpleObject,
    connection::{Connection, EmptyFields},
};
use domain::{Coverage, Import, ImportFormat, ImportId, ImportScope, Tlp};
use service::{
    Caller,
    import::{ImportRequest, Spool},
};

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
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<ImportNode> {
        let imports = ctx.data::<Imports>()?;
        let scope = ImportScope { name: scope, assets: scope_assets, networks: scope_networks, rules: scope_rules };
        let request = ImportRequest { tenant, format, source, tlp, coverage, scope, confirm_gone };
        let caller = acting(ctx, idempotency_key)?;
        service::import::check(caller, &request).map_err(refused)?;
        let mut spool = Spool::new(&imports.spool_folder, imports.max_bytes).map_err(refused)?;
        spool.push(content.as_bytes()).map_err(refused)?;
        let spooled = spool.finish().map_err(refused)?;
        let running = match service::import::start(caller, request, spooled, imports.options).await {
            Err(service::Error::AnsweredBefore) => return again(caller).await,
            started => started.map_err(refused)?,
        };
        if let Some(once) = caller.once() {
            // It goes on in steps of its own: what is kept is which one it is.
            once.seal(running.id.to_string()).await.map_err(refused)?;
        }
        let outcome = running.outcome.await.map_err(|error| refused(service::Error::internal(error)))?;
        Ok(outcome.map_err(refused)?.into())
    }
}

/// The import that the same request began before.
async fn again(caller: &Caller) -> Result<ImportNode> {
    let id = caller.answered().and_then(|once| once.given()).and_then(|id| id.parse().ok());
    let id: ImportId = id.ok_or_else(|| refused(service::Error::Internal("an import without an id".into())))?;
    Ok(changed(service::import::get(caller, id, None).await)?.into())
}
