//! `node` and `nodes`: anything by its id alone (Relay, Object Identification).
//!
//! A resource's UUID is its global id: no two resources of any type share one.
//! Which type it is of is found out by asking those that the caller may read,
//! one statement each for all ids of a request, until each id has been found.

use crate::{
    asset::AssetNode,
    connection::{caller, loaders, operation, times},
    error::{refused, refused_by_rule},
    finding::FindingNode,
    import::ImportNode,
    task::TaskNode,
};
use async_graphql::{Context, ID, Interface, Object, Result, dataloader::Loader};
use domain::{
    AcceptanceId, AssetId, Attachment, AttachmentId, BusinessService, BusinessServiceId, Client, ClientId, Code,
    Comment, CommentId, FindingId, Grant, GrantId, ImportId, Permission, Retest, RetestId, RiskAcceptance, Scopes,
    Source, SourceId, TaskId, change::Resource,
};
use service::{Caller, Error};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use uuid::Uuid;

/// Most ids that are looked up at once.
const MAX_IDS: usize = 100;
/// What looking for an id costs beside the values that are shown: up to a statement for each type.
const LOOKING: usize = 12;

/// Anything that has an id of its own.
#[derive(Interface)]
#[graphql(
    name = "Node",
    field(name = "id", ty = "ID", desc = "Identifier, UUIDv7; no other resource of any type has it.")
)]
pub(crate) enum Node {
    Finding(Box<FindingNode>),
    Asset(Box<AssetNode>),
    BusinessService(BusinessService),
    Task(Box<TaskNode>),
    Import(ImportNode),
    RiskAcceptance(RiskAcceptance),
    Comment(Comment),
    Attachment(Attachment),
    Retest(Retest),
    Source(Source),
    Client(Client),
    Grant(Grant),
}

/// What an id was found to be.
#[derive(Clone)]
pub(crate) enum Found {
    Resource(Resource),
    Client(Client),
    Grant(Grant),
}

impl From<Found> for Node {
    fn from(found: Found) -> Self {
        match found {
            Found::Client(client) => Self::Client(client),
            Found::Grant(grant) => Self::Grant(grant),
            Found::Resource(resource) => match resource {
                Resource::Finding(finding) => Self::Finding(Box::new((*finding).into())),
                Resource::Asset(asset) => Self::Asset(Box::new((*asset).into())),
                Resource::BusinessService(service) => Self::BusinessService(*service),
                Resource::Task(task) => Self::Task(Box::new((*task).into())),
                Resource::Import(import) => Self::Import((*import).into()),
                Resource::RiskAcceptance(acceptance) => Self::RiskAcceptance(*acceptance),
                Resource::Comment(comment) => Self::Comment(*comment),
                Resource::Attachment(attachment) => Self::Attachment(*attachment),
                Resource::Retest(retest) => Self::Retest(*retest),
                Resource::Source(source) => Self::Source(*source),
            },
        }
    }
}

/// The id of a node whose type lives in `domain`, under the fields added here.
macro_rules! has_id {
    ($($node:ident $inner:ident;)*) => {$(
        impl $node {
            /// For the interface; the field itself is the inner type's.
            pub(crate) async fn id(&self, _: &Context<'_>) -> Result<ID> {
                Ok(self.$inner.id.into())
            }
        }
    )*};
}

has_id! {
    FindingNode finding;
    AssetNode asset;
    TaskNode task;
    ImportNode import;
}

#[derive(Default)]
pub(crate) struct NodeQueries;

#[Object]
impl NodeQueries {
    /// Anything by its id; null if there is nothing, or nothing for the caller's eyes.
    #[graphql(complexity = "LOOKING + child_complexity")]
    async fn node(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Node>> {
        Ok(look(ctx, &[id]).await?.pop().flatten())
    }

    /// Up to 100 things by their ids, in the order of the ids; null for each that is nothing, or nothing for the caller's
    /// eyes.
    #[graphql(complexity = "LOOKING + times(ids.len(), 1 + child_complexity)")]
    async fn nodes(&self, ctx: &Context<'_>, ids: Vec<ID>) -> Result<Vec<Option<Node>>> {
        if ids.len() > MAX_IDS {
            let detail = format!("takes at most {MAX_IDS} ids, not {}", ids.len());
            return Err(refused_by_rule(domain::Error::parameter("ids", detail)));
        }
        look(ctx, &ids).await
    }
}

/// What ids are. What is no UUID is the id of nothing. The audit hears of what is missing, which may be foreign.
async fn look(ctx: &Context<'_>, ids: &[ID]) -> Result<Vec<Option<Node>>> {
    let ids: Vec<Option<Uuid>> = ids.iter().map(|id| Uuid::parse_str(id).ok()).collect();
    let found = loaders(ctx)?.nodes.load_many(ids.iter().copied().flatten()).await.map_err(refused)?;
    let nodes: Vec<_> = ids.iter().map(|id| id.and_then(|id| found.get(&id).cloned()).map(Node::from)).collect();
    if nodes.iter().any(Option::is_none) {
        caller(ctx)?.refused(&operation(ctx.field().name()), Code::NotFound);
    }
    Ok(nodes)
}

pub(crate) struct Nodes(pub(crate) Caller);

impl Loader<Uuid> for Nodes {
    type Value = Found;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, Found>, Arc<Error>> {
        let mut search = Search {
            caller: &self.0,
            missing: ids.iter().copied().collect(),
            found: HashMap::with_capacity(ids.len()),
        };
        search.work().await?;
        search.what_it_is_about().await?;
        search.what_was_said_and_done().await?;
        search.rights().await?;
        Ok(search.found)
    }
}

/// A search through the types, in the order in which they are asked for most.
struct Search<'c> {
    caller: &'c Caller,
    missing: HashSet<Uuid>,
    found: HashMap<Uuid, Found>,
}

impl Search<'_> {
    /// The ids that are still missing, if the caller may read a type anywhere.
    fn of<I>(&self, permissions: &[Permission], id: fn(Uuid) -> I) -> Option<Vec<I>> {
        let holds = |scopes: &Scopes| permissions.iter().any(|permission| scopes.has(*permission));
        let may = !self.missing.is_empty() && self.caller.rights().values().any(|right| holds(&right.scopes));
        may.then(|| self.missing.iter().copied().map(id).collect())
    }

    fn note<T>(&mut self, items: Vec<T>, id: impl Fn(&T) -> Uuid, found: impl Fn(T) -> Found) {
        for item in items {
            let id = id(&item);
            self.missing.remove(&id);
            self.found.insert(id, found(item));
        }
    }

    fn resources<T>(&mut self, items: Vec<T>, id: impl Fn(&T) -> Uuid, of: fn(Box<T>) -> Resource) {
        self.note(items, id, |item| Found::Resource(of(Box::new(item))));
    }

    async fn work(&mut self) -> Result<(), Error> {
        if let Some(ids) = self.of(&[Permission::ReadFindings], FindingId) {
            let found = service::finding::by_ids(&self.caller.look().await?, &ids).await?;
            self.resources(found, |one| one.id.0, Resource::Finding);
        }
        if let Some(ids) = self.of(&[Permission::ReadTasks], TaskId) {
            let found = service::task::by_ids(&self.caller.look().await?, &ids).await?;
            self.resources(found, |one| one.id.0, Resource::Task);
        }
        if let Some(ids) = self.of(&[Permission::ReadFindings], AcceptanceId) {
            let found = service::risk_acceptance::by_ids(&self.caller.look().await?, &ids).await?;
            self.resources(found, |one| one.id.0, Resource::RiskAcceptance);
        }
        Ok(())
    }

    async fn what_it_is_about(&mut self) -> Result<(), Error> {
        if let Some(ids) = self.of(&[Permission::ReadAssets], AssetId) {
            let found = service::asset::by_ids(&self.caller.look().await?, &ids).await?;
            self.resources(found, |one| one.id.0, Resource::Asset);
        }
        if let Some(ids) = self.of(&[Permission::ReadAssets], BusinessServiceId) {
            let found = service::business_service::by_ids(&self.caller.look().await?, &ids).await?;
            self.resources(found, |one| one.id.0, Resource::BusinessService);
        }
        if let Some(ids) = self.of(&[Permission::ReadFindings], SourceId) {
            let found = service::source::by_ids(&self.caller.look().await?, &ids).await?;
            self.resources(found, |one| one.id.0, Resource::Source);
        }
        Ok(())
    }

    async fn what_was_said_and_done(&mut self) -> Result<(), Error> {
        if let Some(ids) = self.of(service::comment::READ, CommentId) {
            let found = service::comment::several(self.caller, &ids).await?;
            self.resources(found, |one| one.id.0, Resource::Comment);
        }
        if let Some(ids) = self.of(&[Permission::ReadEvidence], AttachmentId) {
            let found = service::attachment::by_ids(&self.caller.look().await?, &ids).await?;
            self.resources(found, |one| one.id.0, Resource::Attachment);
        }
        if let Some(ids) = self.of(&[Permission::ReadFindings], RetestId) {
            let found = service::retest::by_ids(&self.caller.look().await?, &ids).await?;
            self.resources(found, |one| one.id.0, Resource::Retest);
        }
        if let Some(ids) = self.of(service::import::EITHER, ImportId) {
            let found = service::import::several(self.caller, &ids).await?;
            self.resources(found, |one| one.id.0, Resource::Import);
        }
        Ok(())
    }

    async fn rights(&mut self) -> Result<(), Error> {
        if let Some(ids) = self.of(&[Permission::ManageClients], ClientId) {
            let found = service::client::by_ids(self.caller, &ids).await?;
            self.note(found, |one| one.id.0, Found::Client);
        }
        if let Some(ids) = self.of(&[Permission::ManageGrants], GrantId) {
            let found = service::grant::by_ids(self.caller, &ids).await?;
            self.note(found, |one| one.id.0, Found::Grant);
        }
        Ok(())
    }
}
