//! What others know about CVEs: readers of CISA's catalogue of known exploited
//! vulnerabilities ([`kev`]) and of FIRST's exploit prediction scores ([`epss`]).
//!
//! Both files come from outside, so each has its limits: of size after decompression,
//! of a line, of nesting. A catalogue is read whole or refused; scores are read as a stream.

pub mod epss;
pub mod kev;

use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufRead, BufReader, Read, Take};

/// A file that is not what it is said to be, or not whole.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// What is wrong and where.
    #[error("{0}")]
    Invalid(String),
    /// The file could not be read.
    #[error("the file could not be read: {0}")]
    Io(#[from] io::Error),
}

/// A file as it is, or out of its gzip; never more than a limit.
struct Plain<R: BufRead> {
    source: BufReader<Take<Unzipped<R>>>,
    limit: u64,
}

enum Unzipped<R: BufRead> {
    Plain(R),
    Gzip(Box<MultiGzDecoder<R>>),
}

impl<R: BufRead> Read for Unzipped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(source) => source.read(buffer),
            Self::Gzip(source) => source.read(buffer),
        }
    }
}

impl<R: BufRead> Plain<R> {
    /// Tells gzip by its first bytes; names mislead.
    fn new(mut source: R, limit: u64) -> Result<Self, Refusal> {
        let is_gzip = source.fill_buf()?.starts_with(&[0x1f, 0x8b]);
        let source =
            if is_gzip { Unzipped::Gzip(Box::new(MultiGzDecoder::new(source))) } else { Unzipped::Plain(source) };
        Ok(Self { source: BufReader::with_capacity(64 << 10, source.take(limit + 1)), limit })
    }

    /// Refuses a file that goes on beyond the limit; to be asked wherever it seems to end.
    fn check_end(&self) -> Result<(), Refusal> {
        if self.source.get_ref().limit() == 0 {
            return Err(Refusal::Invalid(format!("it is larger than {} bytes", self.limit)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: &[u8], limit: u64) -> Result<Vec<u8>, Refusal> {
        let mut plain = Plain::new(bytes, limit)?;
        let mut all = Vec::new();
        plain.source.read_to_end(&mut all)?;
        plain.check_end().map(|()| all)
    }

    #[test]
    fn gzip_is_told_by_its_first_bytes_and_bounded() {
        assert_eq!(read(b"abc", 3).unwrap(), b"abc");
        assert_eq!(read(&gzip(b"abc"), 3).unwrap(), b"abc");
        assert_eq!(
            read(&[gzip(b"ab"), gzip(b"c")].concat(), 3).unwrap(),
            b"abc",
            "files of several members are read on"
        );
        let refused = read(&gzip(&vec![b'a'; 1_000_000]), 1000).unwrap_err().to_string();
        assert_eq!(refused, "it is larger than 1000 bytes");
        let whole = gzip(b"abcdefghij");
        assert!(matches!(read(&whole[..whole.len() - 6], 100), Err(Refusal::Io(_))), "a file that was cut is no file");
    }
}
