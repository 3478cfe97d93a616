//! From a file to the table of CVEs. Nobody waits for it: each thousand rows is a short transaction of its own,
//! and what is stored already is not written again.

use crate::{
    Error, Result,
    outbound::Seen,
    platform::{AT_ONCE, Load, Platform},
    tenancy::Service,
};
use chrono::{NaiveTime, TimeDelta};
use domain::{Code, Timestamp};
use formats::enrich::{
    Refusal,
    epss::{Score, Scores},
    kev::{self as catalogue, Entry},
};
use std::io::{BufReader, Read};
use tokio::sync::mpsc;

/// A file about CVEs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feed {
    /// CISA's catalogue of known exploited vulnerabilities.
    Kev,
    /// FIRST's exploit prediction scores.
    Epss,
}

impl Feed {
    /// Its name in the store and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kev => "kev",
            Self::Epss => "epss",
        }
    }
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The version it states.
    pub version: String,
    /// CVEs in it.
    pub read: u64,
    /// CVEs of which something else is known now.
    pub changed: u64,
    /// Entries left out, since they are none.
    pub rejected: u64,
}

/// Loads CISA's catalogue: what is not in it counts as not exploited.
///
/// # Errors
/// `report_refused` for a file that is no whole catalogue, or an older one than was loaded.
pub async fn kev(service: &Service, source: impl Read + Send + 'static, seen: Seen) -> Result<Loaded> {
    let read = move || catalogue::read(BufReader::new(source)).map_err(refused);
    let catalogue = tokio::task::spawn_blocking(read).await.map_err(Error::internal)??;
    let platform = Platform::new(service.store.clone());
    check_age(service, &platform, Feed::Kev, catalogue.released).await?;
    let gone = platform.exploited().await?.into_iter().filter(|cve| !catalogue.entries.contains_key(cve));
    let gone: Vec<(String, Option<Entry>)> = gone.map(|cve| (cve, None)).collect();
    let read = catalogue.entries.len() as u64;
    let entries = catalogue.entries.into_iter().map(|(cve, entry)| (cve, Some(entry)));
    let mut changed = 0;
    for some in entries.chain(gone).collect::<Vec<_>>().chunks(AT_ONCE) {
        changed += platform.store_kev(some).await?;
    }
    let version = catalogue.version;
    let load = Load { version: version.clone(), published_at: catalogue.released, seen };
    platform.loaded(Feed::Kev.as_str(), load, service.clock.now()).await?;
    Ok(Loaded { version, read, changed, rejected: catalogue.rejected })
}

/// What the reading thread hands over.
enum Piece {
    Head { model: String, published_at: Timestamp },
    Scores(Vec<Score>),
    End { rejected: u64 },
}

/// Loads FIRST's scores. Those of CVEs that the file leaves out stay.
///
/// # Errors
/// `report_refused` for a file that is none of scores, is cut, or is older than the one that was loaded.
/// What was read of it before stands: each score is true by itself.
pub async fn epss(service: &Service, source: impl Read + Send + 'static, seen: Seen) -> Result<Loaded> {
    let (sender, mut pieces) = mpsc::channel(2);
    let reader = tokio::task::spawn_blocking(move || send(BufReader::new(source), &sender));
    let platform = Platform::new(service.store.clone());
    let mut loaded = Loaded { version: String::new(), read: 0, changed: 0, rejected: 0 };
    let mut published = Timestamp::default();
    let mut is_whole = false;
    while let Some(piece) = pieces.recv().await {
        match piece {
            Piece::Head { model, published_at } => {
                check_age(service, &platform, Feed::Epss, published_at).await?;
                (loaded.version, published) = (model, published_at);
            }
            Piece::Scores(scores) => {
                loaded.read += scores.len() as u64;
                loaded.changed += platform.store_scores(&scores, published.date_naive()).await?;
            }
            Piece::End { rejected } => (loaded.rejected, is_whole) = (rejected, true),
        }
    }
    reader.await.map_err(Error::internal)??;
    if is_whole {
        let load = Load { version: loaded.version.clone(), published_at: published, seen };
        platform.loaded(Feed::Epss.as_str(), load, service.clock.now()).await?;
    }
    Ok(loaded)
}

/// Reads the file to its end. Whoever has stopped listening has an error of its own to tell.
fn send(source: impl std::io::BufRead, sender: &mpsc::Sender<Piece>) -> Result<()> {
    let mut scores = Scores::open(source).map_err(refused)?;
    let published_at = scores.date.and_time(NaiveTime::MIN).and_utc();
    if sender.blocking_send(Piece::Head { model: scores.model.clone(), published_at }).is_err() {
        return Ok(());
    }
    loop {
        let some = scores.next(AT_ONCE).map_err(refused)?;
        let piece = if some.is_empty() { Piece::End { rejected: scores.rejected } } else { Piece::Scores(some) };
        let is_end = matches!(piece, Piece::End { .. });
        if sender.blocking_send(piece).is_err() || is_end {
            return Ok(());
        }
    }
}

/// An older file would take back what is known by now; one from the future would keep every later one out.
async fn check_age(service: &Service, platform: &Platform, feed: Feed, published_at: Timestamp) -> Result<()> {
    if published_at > service.clock.now() + TimeDelta::days(1) {
        let detail = format!("it was published on {}, which is still to come", published_at.date_naive());
        return Err(Error::refused(Code::ReportRefused, detail));
    }
    let known = platform.feeds().await?.into_iter().find(|row| row.id == feed.as_str());
    match known.and_then(|row| row.published_at) {
        Some(newest) if newest > published_at => {
            let detail = format!(
                "it is of {}, and one of {} was loaded already",
                published_at.date_naive(),
                newest.date_naive()
            );
            Err(Error::refused(Code::ReportRefused, detail))
        }
        _ => Ok(()),
    }
}

fn refused(refusal: Refusal) -> Error {
    Error::refused(Code::ReportRefused, refusal.to_string())
}
