//! Feeds that are fetched by themselves, and findings that follow what is known, whoever loaded it.

use super::{Feed, Loaded, load};
use crate::{
    Error, Result,
    outbound::{Fetched, Outbound, Seen},
    platform::Platform,
    tenancy::Service,
};
use chrono::TimeDelta;
use std::{
    fs::File,
    sync::atomic::{AtomicI64, Ordering},
};

/// Largest file that is fetched, before decompression.
const MAX_BYTES: u64 = 64 << 20;
/// When a feed that could not be fetched is asked for again.
const AGAIN_MINUTES: i64 = 30;

/// From where feeds are fetched and how often.
#[derive(Clone, Debug, Default)]
pub struct FeedOptions {
    /// CISA's catalogue; empty to leave it to `fynd enrich`.
    pub kev_url: String,
    /// FIRST's scores; empty to leave them to `fynd enrich`.
    pub epss_url: String,
    /// How often each is asked for.
    pub every_hours: u32,
}

/// See the module.
pub struct Feeds {
    outbound: Outbound,
    options: FeedOptions,
    /// How many loads the findings were compared with; none yet after the start.
    compared: AtomicI64,
}

impl Feeds {
    /// Feeds by these options.
    pub fn new(outbound: Outbound, options: FeedOptions) -> Self {
        Self { outbound, options, compared: AtomicI64::new(-1) }
    }

    /// Fetches what is due, and prioritises where anything was loaded since the last step, by whomever.
    /// A failure is told to the log and tried again later.
    pub async fn step(&self, service: &Service) {
        for (feed, url) in [(Feed::Kev, &self.options.kev_url), (Feed::Epss, &self.options.epss_url)] {
            if url.is_empty() {
                continue;
            }
            match self.fetch(service, feed, url).await {
                Ok(None) => {}
                Ok(Some(loaded)) => tracing::info!(
                    feed = feed.as_str(),
                    version = loaded.version,
                    read = loaded.read,
                    changed = loaded.changed,
                    rejected = loaded.rejected,
                    "loaded"
                ),
                Err(error) => tracing::warn!(feed = feed.as_str(), %error, "could not be loaded"),
            }
        }
        if let Err(error) = self.prioritise(service).await {
            tracing::warn!(%error, "findings could not be compared with what is known about CVEs");
        }
    }

    async fn fetch(&self, service: &Service, feed: Feed, url: &str) -> Result<Option<Loaded>> {
        let (platform, now) = (Platform::new(service.store.clone()), service.clock.now());
        let known = platform.feeds().await?.into_iter().find(|row| row.id == feed.as_str());
        let known = known.ok_or_else(|| Error::Internal("a feed without a row".into()))?;
        // Asked again soon if this fails or the process ends over it.
        if known.next_at > now
            || !platform.take_turn(feed.as_str(), now, now + TimeDelta::minutes(AGAIN_MINUTES)).await?
        {
            return Ok(None);
        }
        let seen = Seen { etag: known.etag, last_modified: known.last_modified };
        let fetched = self.outbound.download(url, &seen, MAX_BYTES).await.map_err(Error::internal)?;
        let loaded = match fetched {
            None => None,
            Some(Fetched { file, seen }) => Some(read(service, feed, file, seen).await?),
        };
        let next = now + TimeDelta::hours(self.options.every_hours.into());
        platform.next_turn(feed.as_str(), next).await?;
        Ok(loaded)
    }

    async fn prioritise(&self, service: &Service) -> Result<()> {
        let loads: i64 = Platform::new(service.store.clone()).feeds().await?.iter().map(|row| row.loads).sum();
        if self.compared.load(Ordering::Relaxed) == loads {
            return Ok(());
        }
        let changed = super::prioritise(service).await?;
        self.compared.store(loads, Ordering::Relaxed);
        if changed > 0 {
            tracing::info!(changed, "findings were prioritised anew");
        }
        Ok(())
    }
}

async fn read(service: &Service, feed: Feed, file: File, seen: Seen) -> Result<Loaded> {
    match feed {
        Feed::Kev => load::kev(service, file, seen).await,
        Feed::Epss => load::epss(service, file, seen).await,
    }
}
