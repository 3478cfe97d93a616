//! Entity tags (RFC 9110, section 8.8.3): what a client has seen already.

use crate::{Result, cursor::Bound, tenancy::Scope};
use domain::{Code, PageRequest};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// A strong entity tag, without its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Etag(String);

/// An answer, unless the client has it already.
#[derive(Clone, Debug)]
pub enum Fresh<T> {
    /// The client's tag is the current one.
    Unchanged(Etag),
    /// The current answer with its tag.
    Changed(Etag, T),
}

impl Etag {
    /// The tag of one resource: `<seq>-<digest>`. The digest is of what can
    /// change without a new number: the caller's rights, the fields shown and
    /// the volatile values.
    pub fn of_resource(seq: i64, parts: &[&str]) -> Self {
        Self(format!("{seq}-{}", digest(parts)))
    }

    /// The tag of a list: the clocks of its tenants, the caller's rights and the query.
    pub async fn of_list(scope: &Scope<'_>, parts: &[&str]) -> Result<Self> {
        let mut clocks = String::new();
        for (tenant, value) in scope.clocks().await? {
            // Writing to a String does not fail.
            let _ = write!(clocks, "{tenant}:{value};");
        }
        let all: Vec<&str> = std::iter::once(clocks.as_str()).chain(parts.iter().copied()).collect();
        Ok(Self(format!("l-{}", digest(&all))))
    }

    /// [`Etag::of_list`] of one page; `beside` is what it shows that changes without a clock, empty for nothing.
    pub(crate) async fn of_page(
        scope: &Scope<'_>,
        cursors: &Bound<'_>,
        page: &PageRequest,
        beside: &str,
    ) -> Result<Self> {
        Self::of_list(scope, &[&scope.caller().rights_digest(), &cursors.query, &format!("{page:?}"), beside]).await
    }

    /// The tag of an answer that has no number: a digest of its content.
    pub fn of_content(content: &[u8]) -> Self {
        Self(format!("c-{}", hex(Sha256::digest(content).get(..8).unwrap_or_default())))
    }

    /// Whether `If-None-Match` holds this tag (weak comparison, RFC 9110 section 13.1.2).
    pub fn matches(&self, if_none_match: Option<&str>) -> bool {
        if_none_match.is_some_and(|header| {
            header
                .split(',')
                .map(str::trim)
                .any(|tag| tag == "*" || tag.trim_start_matches("W/").trim_matches('"') == self.0)
        })
    }

    /// The tag without quotes.
    pub fn value(&self) -> &str {
        &self.0
    }
}

/// The version that a change is meant for: the `seq` part of an `If-Match`.
///
/// # Errors
/// `precondition_required` without the header, `stale` for a tag that cannot be
/// of this resource, since then the resource is not the one that was read.
pub fn required_version(if_match: Option<&str>) -> Result<i64> {
    let header = if_match
        .ok_or_else(|| crate::Error::refused(Code::PreconditionRequired, Code::PreconditionRequired.title()))?;
    let tag = header.trim().trim_matches('"');
    let seq = tag.split('-').next().unwrap_or(tag);
    seq.parse().map_err(|_| crate::Error::refused(Code::Stale, format!("{header} is no tag of this resource")))
}

fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex(&hash.finalize()[..8])
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // Writing to a String does not fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}
