//! Automatic persisted queries: a document is sent once with its SHA-256, and
//! from then on by the hash alone (`extensions.persistedQuery`, as Apollo's
//! clients send it). Documents are kept in memory only; a client that is told
//! `persisted_query_not_found` sends the text again.
//!
//! What one caller has sent is no other caller's: by asking for the hash of a
//! text that it guesses, a caller would else learn that somebody has asked for
//! just this finding or just this host. And one that sends many fills its own
//! share, not that of the others.

use crate::limits::{Limits, refusal};
use async_graphql::{Request, ServerError, Value};
use domain::{Code, PrincipalId};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Most bytes of all documents together.
const MAX_BYTES: usize = 8 << 20;
/// The part of the room that one caller may take.
const SHARE: usize = 10;

type Hash = [u8; 32];

/// The documents that are kept.
pub(crate) struct PersistedQueries {
    most: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    documents: HashMap<(PrincipalId, Hash), Document>,
    /// Grows with every use, so that what rested longest is known.
    uses: u64,
}

struct Document {
    text: Arc<str>,
    used: u64,
}

impl PersistedQueries {
    /// Room for so many documents; 0 is none.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { most: limits.persisted_queries, kept: Mutex::default() }
    }

    /// Puts the text in that the request names by its hash. Gives the hash of a text that came with it, to be kept once
    /// it is known to be a document.
    ///
    /// # Errors
    /// `persisted_query_not_found`, or `invalid_query` if the hash is none of the text. The messages are those that
    /// Apollo's clients look for.
    pub(crate) fn complete(&self, caller: PrincipalId, request: &mut Request) -> Result<Option<Hash>, ServerError> {
        let Some(wish) = request.extensions.get("persistedQuery") else { return Ok(None) };
        let hash = hash(wish)?;
        if self.most == 0 {
            return Err(refusal(Code::InvalidQuery, "PersistedQueryNotSupported"));
        }
        if !request.query.is_empty() {
            let own: Hash = Sha256::digest(request.query.as_bytes()).into();
            let differs = || refusal(Code::InvalidQuery, "provided sha does not match query");
            return if own == hash { Ok(Some(hash)) } else { Err(differs()) };
        }
        let missing = || refusal(Code::PersistedQueryNotFound, "PersistedQueryNotFound");
        request.query = self.lock().get((caller, hash)).ok_or_else(missing)?.to_string();
        Ok(None)
    }

    /// Keeps a document.
    pub(crate) fn keep(&self, caller: PrincipalId, hash: Hash, text: &str) {
        self.lock().insert((caller, hash), text, self.most);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn get(&mut self, key: (PrincipalId, Hash)) -> Option<Arc<str>> {
        self.uses += 1;
        let document = self.documents.get_mut(&key)?;
        document.used = self.uses;
        Some(document.text.clone())
    }

    fn insert(&mut self, key: (PrincipalId, Hash), text: &str, most: usize) {
        let (all, share) = ((most, MAX_BYTES), ((most / SHARE).max(1), MAX_BYTES / SHARE));
        if text.len() > share.1 || self.get(key).is_some() {
            return;
        }
        self.make_room(text.len(), share, |(caller, _)| *caller == key.0);
        self.make_room(text.len(), all, |_| true);
        self.documents.insert(key, Document { text: text.into(), used: self.uses });
    }

    /// Forgets what rested longest, among some, until one more of this size fits.
    fn make_room(&mut self, size: usize, (most, bytes): (usize, usize), among: impl Fn(&(PrincipalId, Hash)) -> bool) {
        loop {
            let some = || self.documents.iter().filter(|(key, _)| among(key));
            let taken: usize = some().map(|(_, document)| document.text.len()).sum();
            if some().count() < most && taken + size <= bytes {
                return;
            }
            let Some(oldest) = some().min_by_key(|(_, document)| document.used).map(|(key, _)| *key) else { return };
            self.documents.remove(&oldest);
        }
    }
}

/// The hash that the extension names.
fn hash(wish: &Value) -> Result<Hash, ServerError> {
    let Value::Object(wish) = wish else { return Err(malformed()) };
    if wish.get("version") != Some(&Value::from(1)) {
        return Err(refusal(Code::InvalidQuery, "PersistedQueryNotSupported"));
    }
    let Some(Value::String(hex)) = wish.get("sha256Hash") else { return Err(malformed()) };
    if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(malformed());
    }
    let mut hash = Hash::default();
    for (byte, digits) in hash.iter_mut().zip(0..) {
        *byte =
            hex.get(2 * digits..2 * digits + 2).and_then(|two| u8::from_str_radix(two, 16).ok()).unwrap_or_default();
    }
    Ok(hash)
}

fn malformed() -> ServerError {
    let words = "`extensions.persistedQuery` takes `version` 1 and `sha256Hash`, 64 hexadecimal digits.";
    refusal(Code::InvalidQuery, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(at: u128) -> PrincipalId {
        PrincipalId(uuid::Uuid::from_u128(at))
    }

    fn key(who: u128, at: u8) -> (PrincipalId, Hash) {
        (caller(who), [at; 32])
    }

    #[test]
    fn what_rested_longest_is_forgotten_first() {
        let mut kept = Kept::default();
        for at in 0..3 {
            kept.insert(key(1, at), "{ me }", 30);
        }
        assert!(kept.get(key(1, 0)).is_some());
        kept.insert(key(1, 3), "{ me }", 30);
        assert!(kept.get(key(1, 1)).is_none(), "a caller has a tenth of thirty");
        assert!([0, 2, 3].iter().all(|at| kept.get(key(1, *at)).is_some()));
        kept.insert(key(2, 0), "{ me }", 30);
        assert_eq!(kept.documents.len(), 4, "another caller has a share of its own");
        assert!(kept.get(key(2, 2)).is_none(), "and sees its own alone");
    }

    #[test]
    fn the_room_has_an_end_in_number_and_bytes() {
        let mut kept = Kept::default();
        for who in 0..50 {
            kept.insert(key(who, 0), "{ me }", 20);
        }
        assert_eq!(kept.documents.len(), 20);
        let long = "x".repeat(MAX_BYTES / SHARE);
        for who in 100..150 {
            kept.insert(key(who, 0), &long, 1_000);
            kept.insert(key(who, 1), &long, 1_000);
        }
        let bytes: usize = kept.documents.values().map(|document| document.text.len()).sum();
        assert!((MAX_BYTES / 2..=MAX_BYTES).contains(&bytes), "{bytes}");
        kept.insert(key(1, 9), &"x".repeat(MAX_BYTES / SHARE + 1), 1_000);
        assert!(kept.get(key(1, 9)).is_none(), "what is larger than a share is not kept");
    }
}
