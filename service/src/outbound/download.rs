//! Larger files than answers: into a file without a name, within a limit, and only if they have changed.

use super::{Outbound, OutboundError, reason};
use reqwest::{Response, StatusCode, Url, header};
use std::{fs::File, io::Seek, io::Write, time::Duration};

/// How long a file may take, all of it.
const PATIENCE: Duration = Duration::from_secs(300);
/// How often an address may lead to another one.
const MAX_REDIRECTS: usize = 5;
/// Longest tag or date that is kept to ask again by.
const MAX_MARK: usize = 500;

/// What a server said about the file that was fetched last, to be told when asked again (RFC 9110, section 13).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Its `ETag`.
    pub etag: Option<String>,
    /// Its `Last-Modified`.
    pub last_modified: Option<String>,
}

/// A file that was fetched.
pub struct Fetched {
    /// The file, at its start. It is gone when dropped.
    pub file: File,
    /// What to ask by next time.
    pub seen: Seen,
}

impl Outbound {
    /// The file at an address, unless it is the one seen. Each address that it is led to is held to the
    /// same rule as the first.
    ///
    /// # Errors
    /// [`OutboundError`].
    pub async fn download(&self, address: &str, seen: &Seen, max_bytes: u64) -> Result<Option<Fetched>, OutboundError> {
        let response = self.ask(address, seen).await?;
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        if response.status() != StatusCode::OK {
            return Err(OutboundError::Answer(address.to_owned(), response.status().to_string()));
        }
        let mark = |name| {
            let value = response.headers().get(name)?.to_str().ok()?;
            (value.len() <= MAX_MARK).then(|| value.to_owned())
        };
        let seen = Seen { etag: mark(header::ETAG), last_modified: mark(header::LAST_MODIFIED) };
        let file = self.receive(address, response, max_bytes).await?;
        Ok(Some(Fetched { file, seen }))
    }

    async fn ask(&self, address: &str, seen: &Seen) -> Result<Response, OutboundError> {
        let no_url = |address: &str| OutboundError::Refused(address.to_owned(), "it is no URL");
        let mut url: Url = address.parse().map_err(|_| no_url(address))?;
        for _ in 0..=MAX_REDIRECTS {
            let mut request = self.client(&url)?.get(url.clone()).timeout(PATIENCE);
            if let Some(etag) = &seen.etag {
                request = request.header(header::IF_NONE_MATCH, etag);
            }
            if let Some(date) = &seen.last_modified {
                request = request.header(header::IF_MODIFIED_SINCE, date);
            }
            let failed = |error: reqwest::Error| OutboundError::Failed(address.to_owned(), reason(&error));
            let response = request.send().await.map_err(failed)?;
            if !response.status().is_redirection() || response.status() == StatusCode::NOT_MODIFIED {
                return Ok(response);
            }
            let place = response.headers().get(header::LOCATION).and_then(|place| place.to_str().ok());
            let place =
                place.ok_or_else(|| OutboundError::Answer(address.to_owned(), "a redirect to nowhere".into()))?;
            url = url.join(place).map_err(|_| no_url(place))?;
        }
        Err(OutboundError::Answer(address.to_owned(), format!("more than {MAX_REDIRECTS} redirects")))
    }

    async fn receive(&self, address: &str, mut response: Response, max_bytes: u64) -> Result<File, OutboundError> {
        let failed = |error: &dyn std::fmt::Display| OutboundError::Failed(address.to_owned(), error.to_string());
        let mut file = tempfile::tempfile().map_err(|error| failed(&error))?;
        let mut bytes = 0;
        while let Some(chunk) = response.chunk().await.map_err(|error| failed(&reason(&error)))? {
            bytes += chunk.len() as u64;
            if bytes > max_bytes {
                return Err(OutboundError::Answer(address.to_owned(), format!("more than {max_bytes} bytes")));
            }
            file.write_all(&chunk).map_err(|error| failed(&error))?;
        }
        file.rewind().map_err(|error| failed(&error))?;
        Ok(file)
    }
}
