//! Cursors: opaque to the client, signed, bound to its caller and its query.

use crate::{Error, Result, auth::Vault, tenancy::Caller};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Code, PrincipalId};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

/// Whose cursor it is and for which query.
pub(crate) struct Bound<'a> {
    pub(crate) vault: &'a Vault,
    pub(crate) principal: PrincipalId,
    /// Everything about the query but the page.
    pub(crate) query: String,
}

const TAG: usize = 16;
const QUERY: usize = 8;

impl<'a> Bound<'a> {
    /// Cursors of the caller for what is told apart by `about`: the kind of list and everything that chooses its items.
    pub(crate) fn of(caller: &'a Caller, about: &impl Serialize) -> Result<Self> {
        let query = serde_json::to_string(about).map_err(Error::internal)?;
        Ok(Self { vault: &caller.service().vault, principal: caller.principal(), query })
    }

    /// A cursor that holds the position.
    pub(crate) fn seal<T: Serialize>(&self, position: &T) -> Result<String> {
        Ok(self.seal_bytes(&serde_json::to_vec(position).map_err(Error::internal)?))
    }

    /// A cursor that holds a position in bytes.
    pub(crate) fn seal_bytes(&self, position: &[u8]) -> String {
        let body = [&self.query_digest()[..], position].concat();
        let tag = self.vault.authenticate(&self.signed(&body));
        URL_SAFE_NO_PAD.encode([&tag[..], &body].concat())
    }

    /// The position in a cursor.
    ///
    /// # Errors
    /// `cursor_invalid` for anything not sealed for this caller,
    /// `cursor_filter_mismatch` for a cursor of another query.
    pub(crate) fn open<T: DeserializeOwned>(&self, cursor: &str) -> Result<T> {
        serde_json::from_slice(&self.open_bytes(cursor)?).map_err(|_| invalid())
    }

    /// The bytes of a position in a cursor.
    ///
    /// # Errors
    /// As [`Bound::open`].
    pub(crate) fn open_bytes(&self, cursor: &str) -> Result<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid())?;
        let (tag, body) = bytes.split_at_checked(TAG).ok_or_else(invalid)?;
        if !self.vault.is_authentic(&self.signed(body), tag) {
            return Err(invalid());
        }
        let (query, position) = body.split_at_checked(QUERY).ok_or_else(invalid)?;
        if query != self.query_digest() {
            return Err(Error::refused(Code::CursorMismatch, Code::CursorMismatch.title()));
        }
        Ok(position.to_vec())
    }

    fn signed(&self, body: &[u8]) -> Vec<u8> {
        [self.principal.0.as_bytes(), body].concat()
    }

    fn query_digest(&self) -> [u8; QUERY] {
        let digest = Sha256::digest(self.query.as_bytes());
        let mut out = [0; QUERY];
        out.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        out
    }
}

fn invalid() -> Error {
    Error::refused(Code::InvalidCursor, Code::InvalidCursor.title())
}
