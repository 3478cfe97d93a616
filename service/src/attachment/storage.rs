//! Where content lies: a folder, or a bucket that speaks S3. Objects are called `<tenant>/<id>`, never by a file's
//! own name.

use crate::{Error, Result};
use domain::{TenantId, Timestamp};
use object_store::{
    ObjectStore, ObjectStoreExt, RetryConfig, aws::AmazonS3Builder, local::LocalFileSystem, path::Path,
    prefix::PrefixStore,
};
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use uuid::Uuid;

/// How attachments are kept.
#[derive(Clone, Debug)]
pub struct StorageOptions {
    /// `file:FOLDER` or `s3://bucket/prefix`; of the latter, region, keys and endpoint are those of the
    /// environment (`AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_ENDPOINT`, …).
    pub url: String,
    /// Largest file in bytes.
    pub max_bytes: u64,
    /// Room of a municipality in bytes; 0 is without limit.
    pub tenant_bytes: u64,
    /// The media types that are taken, `image/*` for all of a kind.
    pub media_types: Vec<String>,
}

/// The place of attachments, with its limits.
pub struct Storage {
    pub(super) options: StorageOptions,
    objects: Option<Arc<dyn ObjectStore>>,
    /// The folder, where it is one.
    pub(super) folder: Option<PathBuf>,
    /// How much is sent at once: S3 takes no parts below 5 MiB but the last.
    pub(super) part: usize,
    /// When each municipality was last looked through.
    swept: Mutex<HashMap<TenantId, Timestamp>>,
}

const MIB: usize = 1 << 20;

impl Storage {
    /// No place at all: for commands of the binary, which have no use for one.
    pub fn none() -> Self {
        let options = StorageOptions { url: String::new(), max_bytes: 0, tenant_bytes: 0, media_types: Vec::new() };
        Self { options, objects: None, folder: None, part: MIB, swept: Mutex::default() }
    }

    /// Opens the place. A folder is made if it is not there, for its owner alone; a bucket is not asked yet.
    ///
    /// # Errors
    /// One sentence that names the setting.
    pub fn open(options: StorageOptions) -> std::result::Result<Self, String> {
        let failed = |reason: String| format!("attachments.url {}: {reason}", options.url);
        let place: (Arc<dyn ObjectStore>, _, _) = if let Some(folder) = options.url.strip_prefix("file:") {
            // `file:` and `file://` alike; a folder may be relative to the working folder, as the store's file may.
            let folder = PathBuf::from(folder.strip_prefix("//").unwrap_or(folder));
            make_folder(&folder).map_err(|error| failed(error.to_string()))?;
            let local = LocalFileSystem::new_with_prefix(&folder).map_err(|error| failed(error.to_string()))?;
            (Arc::new(local.with_fsync(true)), Some(folder), MIB)
        } else if options.url.starts_with("s3://") {
            (bucket(&options.url).map_err(failed)?, None, 5 * MIB)
        } else {
            return Err(failed("takes `file:FOLDER` or `s3://bucket/prefix`".into()));
        };
        let (objects, folder, part) = place;
        Ok(Self { options, objects: Some(objects), folder, part, swept: Mutex::default() })
    }

    pub(super) fn objects(&self) -> Result<&Arc<dyn ObjectStore>> {
        self.objects.as_ref().ok_or_else(|| Error::Internal("no place for attachments was opened".into()))
    }

    /// Removes an object; one that is gone already is as good.
    pub(super) async fn remove(&self, tenant: Uuid, id: Uuid) -> Result<()> {
        match self.objects()?.delete(&path(tenant, id)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(Error::internal(error)),
        }
    }

    /// Whether it is time to look for what nobody owns: an hour after the last time, or the first one, so that no
    /// start of the server waits for a bucket.
    pub(super) fn is_to_be_swept(&self, tenant: TenantId, now: Timestamp) -> bool {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        let last = swept.entry(tenant).or_insert(now);
        let is_due = self.objects.is_some() && now - *last >= chrono::TimeDelta::hours(1);
        if is_due {
            *last = now;
        }
        is_due
    }
}

/// The name of an object.
pub(super) fn path(tenant: Uuid, id: Uuid) -> Path {
    Path::from_iter([tenant.to_string(), id.to_string()])
}

/// What is in a bucket, under the prefix of the URL.
fn bucket(url: &str) -> std::result::Result<Arc<dyn ObjectStore>, String> {
    let parsed = url::Url::parse(url).map_err(|error| error.to_string())?;
    let prefix = Path::from_url_path(parsed.path()).map_err(|error| error.to_string())?;
    let name = parsed.host_str().ok_or("names no bucket")?;
    // Who waits is a person; what fails can be repeated.
    let retry = RetryConfig { max_retries: 3, retry_timeout: Duration::from_secs(10), ..RetryConfig::default() };
    let bucket = AmazonS3Builder::from_env()
        .with_bucket_name(name)
        .with_retry(retry)
        .build()
        .map_err(|error| error.to_string())?;
    Ok(Arc::new(PrefixStore::new(bucket, prefix)))
}

fn make_folder(folder: &std::path::Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Storage({})", self.options.url)
    }
}
