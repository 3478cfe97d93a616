//! The store key: the one secret outside the store. It seals what the store
//! must not show (private signing keys), authenticates cursors, and proves and
//! signs the audit.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, RandomizedNonceKey},
    hmac, rand,
    signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::{io::Write, path::Path};

/// The store key in use.
pub struct Vault {
    seal: RandomizedNonceKey,
    authenticate: hmac::Key,
    secrets: hmac::Key,
    prove: hmac::Key,
    sign: Ed25519KeyPair,
}

/// Why there is no store key.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The key is no 32 bytes in base64.
    #[error("the store key must be 32 bytes in base64 (make one with `openssl rand -base64 32`)")]
    Malformed,
    /// The key file cannot be read or made.
    #[error("the key file {0} cannot be used: {1}")]
    File(String, String),
    /// Others can read the key file.
    #[error("the key file {0} can be read by others: `chmod 600 {0}`")]
    Readable(String),
    /// The machine has no randomness or no AES.
    #[error("no cryptography: {0}")]
    Crypto(String),
}

impl Vault {
    /// A vault of 32 bytes in base64.
    ///
    /// # Errors
    /// [`VaultError::Malformed`] for anything else.
    pub fn from_base64(key: &str) -> Result<Self, VaultError> {
        let bytes = STANDARD.decode(key.trim()).map_err(|_| VaultError::Malformed)?;
        if bytes.len() != 32 {
            return Err(VaultError::Malformed);
        }
        // A key for each use: none tells anything about another.
        let root = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
        let derive = |purpose: &str| hmac::sign(&root, purpose.as_bytes());
        let seal = RandomizedNonceKey::new(&AES_256_GCM, derive("fynd seal v1").as_ref())
            .map_err(|e| VaultError::Crypto(e.to_string()))?;
        let authenticate = hmac::Key::new(hmac::HMAC_SHA256, derive("fynd cursor v1").as_ref());
        let secrets = hmac::Key::new(hmac::HMAC_SHA256, derive("fynd client secret v1").as_ref());
        let prove = hmac::Key::new(hmac::HMAC_SHA256, derive("fynd audit row v1").as_ref());
        let sign = Ed25519KeyPair::from_seed_unchecked(derive("fynd audit head v1").as_ref())
            .map_err(|e| VaultError::Crypto(e.to_string()))?;
        Ok(Self { seal, authenticate, secrets, prove, sign })
    }

    /// The vault of a file that holds the key; makes the file (for its owner alone) if it is not there.
    ///
    /// # Errors
    /// [`VaultError`], each with one clear sentence.
    pub fn from_file(path: &Path) -> Result<Self, VaultError> {
        let name = path.display().to_string();
        let failed = |e: std::io::Error| VaultError::File(name.clone(), e.to_string());
        if !path.exists() {
            make_file(path).map_err(failed)?;
        }
        if readable_by_others(path).map_err(failed)? {
            return Err(VaultError::Readable(name));
        }
        Self::from_base64(&std::fs::read_to_string(path).map_err(failed)?)
    }

    /// Seals a secret for `purpose` (AES-256-GCM, random nonce in front).
    pub(crate) fn seal(&self, purpose: &str, secret: &[u8]) -> crate::Result<Vec<u8>> {
        let mut sealed = secret.to_vec();
        let nonce = self
            .seal
            .seal_in_place_append_tag(Aad::from(purpose.as_bytes()), &mut sealed)
            .map_err(crate::Error::internal)?;
        Ok([nonce.as_ref().as_slice(), &sealed].concat())
    }

    /// Opens what was sealed for the same purpose with the same key.
    pub(crate) fn open(&self, purpose: &str, sealed: &[u8]) -> crate::Result<Vec<u8>> {
        let wrong = || crate::Error::Internal("the store key does not open what this store has sealed".into());
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or_else(wrong)?;
        let nonce = aws_lc_rs::aead::Nonce::try_assume_unique_for_key(nonce).map_err(|_| wrong())?;
        let mut rest = rest.to_vec();
        let opened = self.seal.open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut rest).map_err(|_| wrong())?;
        Ok(opened.to_vec())
    }

    /// The first 16 bytes of an HMAC-SHA-256 over the text.
    pub(crate) fn authenticate(&self, text: &[u8]) -> [u8; 16] {
        let tag = hmac::sign(&self.authenticate, text);
        let mut out = [0; 16];
        out.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        out
    }

    /// What is stored of a client secret: HMAC-SHA-256 under a key that is not in the store.
    pub(crate) fn digest_secret(&self, secret: &str) -> Vec<u8> {
        hmac::sign(&self.secrets, secret.as_bytes()).as_ref().to_vec()
    }

    /// Whether the tag is the text's, in constant time.
    pub(crate) fn is_authentic(&self, text: &[u8], tag: &[u8]) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(&self.authenticate(text), tag).is_ok()
    }
}

/// What only the holder of the store key can make: the audit rests on it.
impl Vault {
    /// The proof that the service wrote this row of the audit: HMAC-SHA-256.
    pub(crate) fn prove(&self, row: &[u8]) -> Vec<u8> {
        hmac::sign(&self.prove, row).as_ref().to_vec()
    }

    /// Whether the proof is the row's, in constant time.
    pub(crate) fn is_proof(&self, row: &[u8], proof: &[u8]) -> bool {
        hmac::verify(&self.prove, row, proof).is_ok()
    }

    /// Signs a head of the audit (Ed25519, RFC 8032).
    pub(crate) fn sign(&self, head: &[u8]) -> Vec<u8> {
        self.sign.sign(head).as_ref().to_vec()
    }

    /// Whether this store key has signed the head.
    pub(crate) fn is_signed(&self, head: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.public_key()).verify(head, signature).is_ok()
    }

    /// What verifies the heads, for whoever does not have the store key: 32 bytes.
    pub fn public_key(&self) -> &[u8] {
        self.sign.public_key().as_ref()
    }
}

fn make_file(path: &Path) -> std::io::Result<()> {
    let mut key = [0; 32];
    rand::fill(&mut key).map_err(|_| std::io::Error::other("no randomness"))?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(STANDARD.encode(key).as_bytes())
}

#[cfg(unix)]
fn readable_by_others(path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn readable_by_others(_: &Path) -> std::io::Result<bool> {
    Ok(false)
}
