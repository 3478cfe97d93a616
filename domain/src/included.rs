//! What a page brings along: resources that its items lead to, each once.

use crate::{Asset, Finding, Source, Task, error::Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most nodes of a page: its items and what it brings along.
pub const MAX_NODES: usize = 1_000;

/// What findings lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingInclude {
    /// The assets that they are on; needs `assets:read`.
    Assets,
    /// The tasks that they belong to; needs `tasks:read`.
    Tasks,
    /// Their sources.
    Sources,
}

/// What tasks lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskInclude {
    /// Their findings; needs `findings:read`.
    Findings,
    /// The assets of their findings; needs `findings:read` and `assets:read`.
    Assets,
}

/// What a page brings along, as far as the caller may read it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Included {
    /// Assets, by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assets: Option<Vec<Asset>>,
    /// Findings, by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub findings: Option<Vec<Finding>>,
    /// Sources, by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sources: Option<Vec<Source>>,
    /// Tasks, by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tasks: Option<Vec<Task>>,
}

/// Refuses a page of more nodes than one answer holds.
///
/// # Errors
/// `include_too_large`.
pub fn check_nodes(nodes: usize) -> Result<()> {
    if nodes <= MAX_NODES {
        return Ok(());
    }
    let detail = format!("the page and what it includes are {nodes} nodes; {MAX_NODES} are the most");
    Err(crate::Error::new(crate::Code::IncludeTooLarge, detail))
}
