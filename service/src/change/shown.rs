//! Events with their resources as they stand, as the caller may see them.

use super::Found;
use crate::{
    Result, asset, attachment, business_service, comment, finding, import, retest, risk_acceptance, source, task,
    tenancy::{Caller, Read},
};
use domain::{Change, Permission, ResourceType, RestrictedField, TenantId, change::Resource};
use entity::event;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Events with their resources as they stand, a few statements per type that occurs.
pub(super) async fn shown(read: &Read, found: Vec<Found>) -> Result<Vec<Change>> {
    let mut resources = resources(read, &found).await?;
    let mut last_use: HashMap<Uuid, usize> = HashMap::new();
    for (at, Found { event, .. }) in found.iter().enumerate() {
        last_use.insert(event.resource_id, at);
    }
    let shown = |(at, Found { event, matches }): (usize, Found)| {
        let id = event.resource_id;
        // Moved out at its last use, so that state mode copies nothing.
        let resource = if last_use.get(&id) == Some(&at) { resources.remove(&id) } else { resources.get(&id).cloned() };
        let deleted = resource.is_none();
        let changed = readable(read.caller(), &event, resource.as_ref());
        Change {
            event_id: event.id,
            tenant_id: event.tenant_id.into(),
            seq: event.seq,
            recorded_at: event.recorded_at.into(),
            event: event.kind,
            resource_type: event.resource_type,
            resource_id: id,
            deleted,
            left_filter: !matches,
            changed,
            resource,
        }
    };
    Ok(found.into_iter().enumerate().map(shown).collect())
}

/// What changed, without what the caller does not get of the finding as it is marked now. One that
/// is gone says no more how it was marked, so that of it everything restricted is left out.
fn readable(caller: &Caller, event: &event::Model, resource: Option<&Resource>) -> Option<serde_json::Value> {
    let mut changed = event.changed.clone()?;
    let withheld = match resource {
        Some(Resource::Finding(finding)) => finding.withheld.as_slice(),
        None if !caller.may(Permission::ReadEvidence, TenantId(event.tenant_id)) => RestrictedField::ALL,
        _ => &[],
    };
    if let Some(fields) = changed.as_object_mut() {
        fields.retain(|name, _| !withheld.iter().any(|field| field.as_str() == name));
    }
    Some(changed)
}

async fn resources(read: &Read, events: &[Found]) -> Result<HashMap<Uuid, Resource>> {
    let mut ids: BTreeMap<ResourceType, Vec<Uuid>> = BTreeMap::new();
    for Found { event, .. } in events {
        ids.entry(event.resource_type).or_default().push(event.resource_id);
    }
    let mut found = HashMap::new();
    for (kind, mut ids) in ids {
        ids.sort_unstable();
        ids.dedup();
        match kind {
            ResourceType::Finding => {
                let rows = finding::by_ids(read, &typed(ids)).await?;
                found.extend(rows.into_iter().map(|row| (row.id.0, Resource::Finding(Box::new(row)))));
            }
            ResourceType::Asset => {
                let rows = asset::by_ids(read, &typed(ids)).await?;
                found.extend(rows.into_iter().map(|row| (row.id.0, Resource::Asset(Box::new(row)))));
            }
            ResourceType::BusinessService => {
                let rows = business_service::by_ids(read, &typed(ids)).await?;
                found.extend(rows.into_iter().map(|row| (row.id.0, Resource::BusinessService(Box::new(row)))));
            }
            ResourceType::Task => {
                let rows = task::by_ids(read, &typed(ids)).await?;
                found.extend(rows.into_iter().map(|row| (row.id.0, Resource::Task(Box::new(row)))));
            }
            ResourceType::RiskAcceptance => {
                let rows = risk_acceptance::by_ids(read, &typed(ids)).await?;
                found.extend(rows.into_iter().map(|row| (row.id.0, Resource::RiskAcceptance(Box::new(row)))));
            }
            ResourceType::Import => {
                let rows = import::by_ids(read, &typed(ids)).await?;
                found.extend(rows.into_iter().map(|row| (row.id.0, Resource::Import(Box::new(row)))));
            }
            ResourceType::Comment => {
                let rows = comment::by_ids(read, &typed(ids)).await?;
                found.extend(rows.into_iter().map(|row| (row.id.0, Resource::Comment(Box::new(row)))));
            }
            ResourceType::Attachment => {
                let rows = attachment::by_ids(read, &typed(ids)).await?;
                found.extend(rows.into_iter().map(|row| (row.id.0, Resource::Attachment(Box::new(row)))));
            }
            ResourceType::Retest => {
                let rows = retest::by_ids(read, &typed(ids)).await?;
                found.extend(rows.into_iter().map(|row| (row.id.0, Resource::Retest(Box::new(row)))));
            }
            // A municipality is told of by its absence alone.
            ResourceType::Tenant => {}
            ResourceType::Source => {
                let rows = source::by_ids(read, &typed(ids)).await?;
                found.extend(rows.into_iter().map(|row| (row.id.0, Resource::Source(Box::new(row)))));
            }
        }
    }
    Ok(found)
}

fn typed<Id: From<Uuid>>(ids: Vec<Uuid>) -> Vec<Id> {
    ids.into_iter().map(Into::into).collect()
}
