//! Loaders: the relations of a whole page in one go.

use crate::node::Nodes;
use async_graphql::{
    dataloader::{DataLoader, Loader},
    runtime::{TokioSpawner, TokioTimer},
};
use domain::{
    Asset, AssetId, Attachment, BusinessService, BusinessServiceId, Comment, Finding, FindingId, Page, Retest, Task,
};
use service::{Caller, Error, comment::CommentsOf};
use std::{collections::HashMap, sync::Arc, time::Duration};

/// Most findings shown under one asset or task; the lists show all.
pub(crate) const MAX_RELATED: usize = 100;

/// Most findings of other sources shown under one finding.
const MAX_RELATED_FINDINGS: usize = 20;

/// The loaders of one request. They see what its caller may see.
pub struct Loaders {
    pub(crate) assets: DataLoader<Assets>,
    pub(crate) business_services: DataLoader<BusinessServices>,
    pub(crate) findings: DataLoader<Findings>,
    pub(crate) findings_of_assets: DataLoader<FindingsOfAssets>,
    pub(crate) tasks_of_findings: DataLoader<TasksOfFindings>,
    pub(crate) comments: DataLoader<Comments>,
    pub(crate) attachments_of_findings: DataLoader<AttachmentsOfFindings>,
    pub(crate) retests_of_findings: DataLoader<RetestsOfFindings>,
    pub(crate) related_findings: DataLoader<RelatedFindings>,
    pub(crate) nodes: DataLoader<Nodes>,
}

impl Loaders {
    /// Loaders for a caller.
    pub fn new(caller: &Caller) -> Self {
        Self {
            assets: loader(Assets(caller.clone())),
            business_services: loader(BusinessServices(caller.clone())),
            findings: loader(Findings(caller.clone())),
            findings_of_assets: loader(FindingsOfAssets(caller.clone())),
            tasks_of_findings: loader(TasksOfFindings(caller.clone())),
            comments: loader(Comments(caller.clone())),
            attachments_of_findings: loader(AttachmentsOfFindings(caller.clone())),
            retests_of_findings: loader(RetestsOfFindings(caller.clone())),
            related_findings: loader(RelatedFindings(caller.clone())),
            nodes: loader(Nodes(caller.clone())),
        }
    }
}

fn loader<T>(loader: T) -> DataLoader<T> {
    // A page's keys are all asked for before the first answer; waiting longer would only cost time.
    DataLoader::new(loader, TokioSpawner::current(), TokioTimer::default()).delay(Duration::ZERO)
}

pub(crate) struct Assets(Caller);
pub(crate) struct BusinessServices(Caller);
pub(crate) struct Findings(Caller);
pub(crate) struct FindingsOfAssets(Caller);
pub(crate) struct TasksOfFindings(Caller);
pub(crate) struct Comments(Caller);
pub(crate) struct AttachmentsOfFindings(Caller);
pub(crate) struct RetestsOfFindings(Caller);
pub(crate) struct RelatedFindings(Caller);

impl Loader<AssetId> for Assets {
    type Value = Asset;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[AssetId]) -> Result<HashMap<AssetId, Asset>, Arc<Error>> {
        let read = self.0.look().await?;
        let assets = service::asset::by_ids(&read, ids).await?;
        Ok(assets.into_iter().map(|asset| (asset.id, asset)).collect())
    }
}

impl Loader<BusinessServiceId> for BusinessServices {
    type Value = BusinessService;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[BusinessServiceId]) -> Result<HashMap<BusinessServiceId, BusinessService>, Arc<Error>> {
        let read = self.0.look().await?;
        let services = service::business_service::by_ids(&read, ids).await?;
        Ok(services.into_iter().map(|service| (service.id, service)).collect())
    }
}

impl Loader<FindingId> for Findings {
    type Value = Finding;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[FindingId]) -> Result<HashMap<FindingId, Finding>, Arc<Error>> {
        let read = self.0.look().await?;
        let findings = service::finding::by_ids(&read, ids).await?;
        Ok(findings.into_iter().map(|finding| (finding.id, finding)).collect())
    }
}

impl Loader<AssetId> for FindingsOfAssets {
    type Value = Vec<Finding>;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[AssetId]) -> Result<HashMap<AssetId, Vec<Finding>>, Arc<Error>> {
        let read = self.0.look().await?;
        let mut of_assets: HashMap<AssetId, Vec<Finding>> = HashMap::new();
        for finding in service::finding::of_assets(&read, ids, MAX_RELATED as u64).await? {
            if let Some(asset) = finding.asset_id {
                of_assets.entry(asset).or_default().push(finding);
            }
        }
        Ok(of_assets)
    }
}

impl Loader<FindingId> for TasksOfFindings {
    type Value = Vec<Task>;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[FindingId]) -> Result<HashMap<FindingId, Vec<Task>>, Arc<Error>> {
        let read = self.0.look().await?;
        let mut of_findings: HashMap<FindingId, Vec<Task>> = HashMap::new();
        for (finding, task) in service::task::of_findings(&read, ids).await? {
            of_findings.entry(finding).or_default().push(task);
        }
        Ok(of_findings)
    }
}

impl Loader<CommentsOf> for Comments {
    type Value = Page<Comment>;
    type Error = Arc<Error>;

    async fn load(&self, wanted: &[CommentsOf]) -> Result<HashMap<CommentsOf, Page<Comment>>, Arc<Error>> {
        let read = self.0.look().await?;
        Ok(service::comment::first(&read, wanted).await?)
    }
}

impl Loader<FindingId> for AttachmentsOfFindings {
    type Value = Vec<Attachment>;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[FindingId]) -> Result<HashMap<FindingId, Vec<Attachment>>, Arc<Error>> {
        let read = self.0.look().await?;
        let mut of_findings: HashMap<FindingId, Vec<Attachment>> = HashMap::new();
        for attachment in service::attachment::of_findings(&read, ids, MAX_RELATED as u64).await? {
            of_findings.entry(attachment.finding_id).or_default().push(attachment);
        }
        Ok(of_findings)
    }
}

impl Loader<FindingId> for RetestsOfFindings {
    type Value = Vec<Retest>;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[FindingId]) -> Result<HashMap<FindingId, Vec<Retest>>, Arc<Error>> {
        let read = self.0.look().await?;
        let mut of_findings: HashMap<FindingId, Vec<Retest>> = HashMap::new();
        for retest in service::retest::of_findings(&read, ids, MAX_RELATED as u64).await? {
            of_findings.entry(retest.finding_id).or_default().push(retest);
        }
        Ok(of_findings)
    }
}

impl Loader<FindingId> for RelatedFindings {
    type Value = Vec<Finding>;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[FindingId]) -> Result<HashMap<FindingId, Vec<Finding>>, Arc<Error>> {
        let read = self.0.look().await?;
        let mut of_findings: HashMap<FindingId, Vec<Finding>> = HashMap::new();
        for (finding, other) in service::finding::related_of(&read, ids, MAX_RELATED_FINDINGS).await? {
            of_findings.entry(finding).or_default().push(other);
        }
        Ok(of_findings)
    }
}
