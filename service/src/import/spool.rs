//! The body of an import on its way in: on disk, within a limit, hashed.

use crate::{Error, Result, etag::hex};
use domain::Code;
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{BufReader, Read, Seek, Write},
    path::Path,
};

/// A report that is being received. Its file has no name and is gone when dropped.
pub struct Spool {
    file: File,
    hash: Sha256,
    bytes: u64,
    limit: u64,
}

/// A report that was received whole.
pub struct Spooled {
    file: File,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
}

impl Spool {
    /// An empty spool in a folder; it takes up to `limit` bytes.
    ///
    /// # Errors
    /// Internal if the folder cannot be written to.
    pub fn new(folder: &Path, limit: u64) -> Result<Self> {
        let file = tempfile::tempfile_in(folder)
            .map_err(|e| Error::Internal(format!("the spool folder {} cannot be used: {e}", folder.display())))?;
        Ok(Self { file, hash: Sha256::new(), bytes: 0, limit })
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// `payload_too_large` beyond the limit.
    pub fn push(&mut self, chunk: &[u8]) -> Result<()> {
        self.bytes += chunk.len() as u64;
        if self.bytes > self.limit {
            let detail = format!("a report may have at most {} bytes, after decompression", self.limit);
            return Err(Error::refused(Code::PayloadTooLarge, detail));
        }
        self.hash.update(chunk);
        Ok(self.file.write_all(chunk)?)
    }

    /// The whole report.
    ///
    /// # Errors
    /// Internal if the file cannot be written.
    pub fn finish(mut self) -> Result<Spooled> {
        self.file.flush()?;
        Ok(Spooled { file: self.file, sha256: hex(&self.hash.finalize()), bytes: self.bytes })
    }
}

impl Spooled {
    /// The report's file, to be read from its start.
    ///
    /// # Errors
    /// Internal if the file cannot be read.
    pub fn into_file(mut self) -> Result<File> {
        self.file.rewind()?;
        Ok(self.file)
    }

    /// The first bytes, for recognising the format.
    pub(super) fn head(&mut self) -> Result<Vec<u8>> {
        self.file.rewind()?;
        let mut head = Vec::new();
        Read::by_ref(&mut self.file).take(formats::import::SNIFF_BYTES as u64).read_to_end(&mut head)?;
        Ok(head)
    }

    /// A reader from the start.
    pub(crate) fn reader(&mut self) -> Result<BufReader<&mut File>> {
        self.file.rewind()?;
        Ok(BufReader::with_capacity(64 << 10, &mut self.file))
    }
}
