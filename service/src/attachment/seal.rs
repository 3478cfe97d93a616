//! How content is sealed: STREAM (Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption and its
//! Nonce-Reuse Misuse-Resistance", 2015) over AES-256-GCM.
//!
//! Each object has a key of its own, so a counter may be its nonce: 7 zero bytes, the number of the piece in 4, and
//! 1 in the last byte of the last piece. A piece that is missing, moved or of another object does not open, and
//! neither does content that was cut at the end of a piece.

use crate::{Error, Result, auth::Vault};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand,
};
use uuid::Uuid;

/// Bytes of content in a piece.
pub(super) const PIECE: usize = 64 << 10;
/// What sealing adds to each piece.
pub(super) const TAG: usize = 16;

/// The key of one object, which goes through its pieces in order.
pub(super) struct Sealer {
    key: LessSafeKey,
    next: u32,
}

/// What a data key is sealed for: this object and no other.
fn purpose(tenant: Uuid, id: Uuid) -> String {
    format!("attachment {tenant} {id}")
}

impl Sealer {
    /// A new key for an object, and the same sealed with the store key.
    pub(super) fn new(vault: &Vault, tenant: Uuid, id: Uuid) -> Result<(Self, Vec<u8>)> {
        let mut key = [0; 32];
        rand::fill(&mut key).map_err(Error::internal)?;
        Ok((Self::of(&key)?, vault.seal(&purpose(tenant, id), &key)?))
    }

    /// The key of an object.
    pub(super) fn open(vault: &Vault, tenant: Uuid, id: Uuid, sealed: &[u8]) -> Result<Self> {
        Self::of(&vault.open(&purpose(tenant, id), sealed)?)
    }

    fn of(key: &[u8]) -> Result<Self> {
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(Error::internal)?;
        Ok(Self { key: LessSafeKey::new(key), next: 0 })
    }

    fn nonce(&mut self, is_last: bool) -> Result<Nonce> {
        let number = self.next.to_be_bytes();
        self.next = self.next.checked_add(1).ok_or_else(|| Error::Internal("content without end".into()))?;
        let mut nonce = [0; NONCE_LEN];
        let bytes = number.into_iter().chain([u8::from(is_last)]);
        nonce.iter_mut().skip(NONCE_LEN - 5).zip(bytes).for_each(|(to, from)| *to = from);
        Ok(Nonce::assume_unique_for_key(nonce))
    }

    /// Seals the next piece.
    pub(super) fn seal(&mut self, piece: &mut Vec<u8>, is_last: bool) -> Result<()> {
        let nonce = self.nonce(is_last)?;
        self.key.seal_in_place_append_tag(nonce, Aad::empty(), piece).map_err(Error::internal)
    }

    /// Opens the next piece.
    pub(super) fn unseal(&mut self, piece: &mut Vec<u8>, is_last: bool) -> Result<()> {
        let nonce = self.nonce(is_last)?;
        let opened = self.key.open_in_place(nonce, Aad::empty(), piece);
        let length = opened.map_err(|_| Error::Internal("an attachment is not as it was stored".into()))?.len();
        piece.truncate(length);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault() -> Vault {
        Vault::from_base64("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap()
    }

    /// Three pieces, sealed.
    fn sealed(id: Uuid) -> (Vec<u8>, Vec<Vec<u8>>) {
        let (mut sealer, key) = Sealer::new(&vault(), Uuid::nil(), id).unwrap();
        let seal = |(at, piece): (usize, &[u8])| {
            let mut piece = piece.to_vec();
            sealer.seal(&mut piece, at == 2).unwrap();
            piece
        };
        (key, [&b"ett"[..], b"tv\xc3\xa5", b"tre"].into_iter().enumerate().map(seal).collect())
    }

    fn opens(id: Uuid, key: &[u8], pieces: &[Vec<u8>]) -> Option<Vec<u8>> {
        let mut sealer = Sealer::open(&vault(), Uuid::nil(), id, key).ok()?;
        let mut all = Vec::new();
        for (at, piece) in pieces.iter().enumerate() {
            let mut piece = piece.clone();
            sealer.unseal(&mut piece, at + 1 == pieces.len()).ok()?;
            all.extend(piece);
        }
        Some(all)
    }

    #[test]
    fn what_was_cut_moved_or_changed_does_not_open() {
        let id = Uuid::from_u128(7);
        let (key, pieces) = sealed(id);
        assert_eq!(opens(id, &key, &pieces).unwrap(), "etttvåtre".as_bytes());
        assert_eq!(opens(id, &key, &pieces[..2]), None, "cut at the end of a piece");
        assert_eq!(opens(id, &key, &[]), Some(vec![]), "the reader knows how many pieces there are");
        let swapped = [pieces[1].clone(), pieces[0].clone(), pieces[2].clone()];
        assert_eq!(opens(id, &key, &swapped), None);
        let mut changed = pieces.clone();
        changed[1][0] ^= 1;
        assert_eq!(opens(id, &key, &changed), None);
        let longer = [pieces.clone(), vec![pieces[2].clone()]].concat();
        assert_eq!(opens(id, &key, &longer), None);
        assert_eq!(opens(Uuid::from_u128(8), &key, &pieces), None, "the key is this object's");
        let (_, others) = sealed(id);
        assert_eq!(opens(id, &key, &others), None, "each object has a key of its own");
    }
}
