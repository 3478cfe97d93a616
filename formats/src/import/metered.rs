//! A source with an allowance: how many bytes one value may take before the
//! reader refuses it. It is what keeps parsers that buffer a whole event or
//! string from holding whatever a report brings.

use super::{Refusal, Source};
use std::cell::Cell;
use std::io::{self, BufRead, Read};

/// The allowance for the value that is being read, shared with whoever renews it.
#[derive(Debug)]
pub(super) struct Allowance {
    full: usize,
    left: Cell<usize>,
    spent: Cell<bool>,
    /// Bytes taken from the source so far.
    taken: Cell<u64>,
}

impl Allowance {
    /// An allowance of `bytes` for each value.
    pub(super) fn new(bytes: usize) -> Self {
        Self { full: bytes, left: Cell::new(bytes), spent: Cell::new(false), taken: Cell::new(0) }
    }

    /// A new value begins.
    pub(super) fn renew(&self) {
        self.left.set(self.full);
    }

    /// The refusal behind an I/O error: the allowance if it was spent, else the error itself.
    pub(super) fn refusal(&self, error: io::Error) -> Refusal {
        if self.spent.get() {
            let (full, taken) = (self.full, self.taken.get());
            Refusal::Invalid(format!("a single value is larger than {full} bytes, near byte {taken}"))
        } else {
            Refusal::Io(error)
        }
    }
}

/// The source, read through an [`Allowance`].
pub(super) struct Metered<'a> {
    source: &'a mut dyn Source,
    allowance: &'a Allowance,
}

impl<'a> Metered<'a> {
    /// Reads `source` from where it stands.
    pub(super) fn new(source: &'a mut dyn Source, allowance: &'a Allowance) -> Self {
        Self { source, allowance }
    }
}

impl BufRead for Metered<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let left = self.allowance.left.get();
        let ahead = self.source.fill_buf()?;
        if left == 0 && !ahead.is_empty() {
            self.allowance.spent.set(true);
            return Err(io::Error::other("the allowance for one value is spent"));
        }
        Ok(ahead.get(..left).unwrap_or(ahead))
    }

    fn consume(&mut self, amount: usize) {
        self.allowance.left.set(self.allowance.left.get().saturating_sub(amount));
        self.allowance.taken.set(self.allowance.taken.get().saturating_add(amount as u64));
        self.source.consume(amount);
    }
}

impl Read for Metered<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let ahead = self.fill_buf()?;
        let count = ahead.len().min(out.len());
        for (to, from) in out.iter_mut().zip(ahead) {
            *to = *from;
        }
        self.consume(count);
        Ok(count)
    }
}
