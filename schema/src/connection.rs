//! Relay connections (GraphQL Cursor Connections Specification) over pages,
//! and what resolvers find in their context.

use crate::{
    error::{refused, refused_by_rule},
    loaders::Loaders,
};
use async_graphql::{
    Context, Enum, OutputType, Result,
    connection::{Connection, Edge, EmptyFields},
};
use domain::{Code, Page, PageRequest};
use service::{Caller, Fresh, import::ImportOptions};
use std::path::PathBuf;

/// How the server takes reports, for the mutation that sends one.
#[derive(Clone)]
pub struct Imports {
    /// When an import counts as interrupted.
    pub options: ImportOptions,
    /// Where reports wait.
    pub spool_folder: PathBuf,
    /// Largest report.
    pub max_bytes: u64,
}

/// Which end of an order comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub(crate) enum OrderDirection {
    /// The smallest, the earliest.
    #[default]
    Asc,
    /// The largest, the latest.
    Desc,
}

impl OrderDirection {
    pub(crate) fn is_descending(self) -> bool {
        self == Self::Desc
    }
}

/// The caller of the request.
pub(crate) fn caller<'a>(ctx: &Context<'a>) -> Result<&'a Caller> {
    ctx.data::<Caller>()
}

/// The loaders of the request.
pub(crate) fn loaders<'a>(ctx: &Context<'a>) -> Result<&'a Loaders> {
    ctx.data::<Loaders>()
}

/// `first` and `after` as a page.
pub(crate) fn page(first: Option<i64>, after: Option<String>) -> Result<PageRequest> {
    let page = PageRequest::new("first", first, PageRequest::MAX, after).map_err(refused_by_rule)?;
    Ok(PageRequest { each: true, ..page })
}

/// More than any limit of cost; async-graphql adds what stands side by side, and so many times this still is a number.
const CEILING: usize = 1 << 30;

/// What a page may cost: its items, each with all that hangs on it. More items than a page may have are refused
/// elsewhere.
pub(crate) fn cost(first: Option<i64>, of_each: usize) -> usize {
    let items = first.and_then(|first| usize::try_from(first).ok()).unwrap_or(PageRequest::DEFAULT as usize);
    times(items.max(1), of_each)
}

/// What so many items cost, each with all that hangs on it.
pub(crate) fn times(items: usize, of_each: usize) -> usize {
    items.saturating_mul(of_each).min(CEILING)
}

/// A page as a connection.
pub(crate) fn connection<T, N: OutputType>(
    fresh: service::Result<Fresh<Page<T>>>,
    node: impl Fn(T) -> N,
) -> Result<Connection<String, N, EmptyFields, EmptyFields>> {
    let page = changed(fresh)?;
    let mut connection = Connection::new(false, page.has_more);
    connection
        .edges
        .extend(page.cursors.into_iter().zip(page.items).map(|(cursor, item)| Edge::new(cursor, node(item))));
    Ok(connection)
}

/// A field's name as the audit has it.
pub(crate) fn operation(field: &str) -> String {
    format!("graphql {field}")
}

/// What a use case answers to a caller that has nothing yet.
pub(crate) fn changed<T>(fresh: service::Result<Fresh<T>>) -> Result<T> {
    match fresh.map_err(refused)? {
        Fresh::Changed(_, item) => Ok(item),
        Fresh::Unchanged(_) => Err(refused(service::Error::Internal("unchanged since nothing".into()))),
    }
}

/// A missing resource is null; any other error stays one. The audit hears of it: what is missing may be foreign.
pub(crate) fn shown<T>(ctx: &Context<'_>, result: service::Result<T>) -> Result<Option<T>> {
    match result {
        Err(error) if error.code() == Code::NotFound => {
            caller(ctx)?.refused(&operation(ctx.field().name()), Code::NotFound);
            Ok(None)
        }
        other => other.map(Some).map_err(refused),
    }
}

/// [`shown`], of what may be unchanged.
pub(crate) fn found<T>(ctx: &Context<'_>, fresh: service::Result<Fresh<T>>) -> Result<Option<T>> {
    shown(ctx, fresh)?.map(|fresh| changed(Ok(fresh))).transpose()
}
