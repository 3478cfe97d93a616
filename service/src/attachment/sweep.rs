//! Objects that nobody owns: of uploads that were killed, and of attachments whose object could not be removed with
//! them. A row is written when its object is whole, so that one without a row a day later is not on its way any more.

use crate::{
    Error, Result,
    tenancy::{Caller, Service},
};
use chrono::TimeDelta;
use domain::{Permission, TenantId, Timestamp};
use entity::attachment;
use futures_util::StreamExt;
use object_store::path::Path;
use sea_orm::ColumnTrait;
use std::{collections::HashSet, path::Path as File};
use uuid::Uuid;

/// How old an object is that an upload no longer works on.
const OLD: TimeDelta = TimeDelta::days(1);
/// Objects looked up in one statement.
const AT_ONCE: usize = 1_000;

/// Removes the objects of a tenant that nobody owns; says how many. Looks once an hour, since it lists everything
/// that there is.
///
/// # Errors
/// Store errors, or the place of attachments.
pub(crate) async fn sweep(service: &Service, tenant: TenantId) -> Result<u64> {
    let now = service.clock.now();
    if !service.attachments.is_to_be_swept(tenant, now) {
        return Ok(0);
    }
    let mut removed = without_owner(service, tenant, now - OLD).await?;
    if let Some(folder) = &service.attachments.folder {
        removed += unfinished(&folder.join(tenant.to_string()), now - OLD).await?;
    }
    Ok(removed)
}

async fn without_owner(service: &Service, tenant: TenantId, before: Timestamp) -> Result<u64> {
    let storage = &service.attachments;
    let prefix = Path::from(tenant.to_string());
    let mut objects = storage.objects()?.list(Some(&prefix)).chunks(AT_ONCE);
    let mut removed = 0;
    while let Some(some) = objects.next().await {
        let mut old = Vec::new();
        for object in some {
            let object = object.map_err(Error::internal)?;
            let id = object.location.filename().and_then(|name| name.parse::<Uuid>().ok());
            old.extend(id.filter(|_| object.last_modified < before));
        }
        for id in without_row(service, tenant, old).await? {
            storage.remove(tenant.0, id).await?;
            removed += 1;
        }
    }
    Ok(removed)
}

async fn without_row(service: &Service, tenant: TenantId, ids: Vec<Uuid>) -> Result<Vec<Uuid>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let read =
        Caller::system(service.clone(), tenant, Permission::ReadEvidence).begin(Permission::ReadEvidence).await?;
    let find = read.scope().find::<attachment::Entity>().filter(attachment::Column::Id.is_in(ids.iter().copied()));
    let owned: HashSet<Uuid> = find.all().await?.into_iter().map(|row| row.id).collect();
    Ok(ids.into_iter().filter(|id| !owned.contains(id)).collect())
}

/// Files that a killed process was still writing: the object store gives them `#` and a number behind the name, and
/// never lists them.
async fn unfinished(folder: &File, before: Timestamp) -> Result<u64> {
    let Ok(mut files) = tokio::fs::read_dir(folder).await else { return Ok(0) };
    let mut removed = 0;
    while let Some(file) = files.next_entry().await? {
        let is_unfinished = file.file_name().to_string_lossy().contains('#');
        let changed = file.metadata().await.and_then(|metadata| metadata.modified());
        if is_unfinished && changed.is_ok_and(|changed| Timestamp::from(changed) < before) {
            tokio::fs::remove_file(file.path()).await?;
            removed += 1;
        }
    }
    Ok(removed)
}
