//! How far the feed has been read: what its cursors hold.

use crate::{Error, Result, cursor::Bound};
use std::collections::BTreeMap;
use uuid::Uuid;

/// How far each tenant has been read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// The number that each tenant has been read to.
    pub(super) read_to: BTreeMap<Uuid, i64>,
    /// The tenant that the page before ended in the midst of, and its clock when its reader knew all that it had been
    /// told to the end, or began. What has left a filter since then has to be told.
    pub(super) within: Option<(Uuid, i64)>,
}

impl Position {
    /// The number since which the reader may know what is no longer so, in a tenant with this clock: where it has read all
    /// that there was, or, if it is about to begin, now.
    pub(super) fn since(&self, tenant: Uuid, clock: i64) -> i64 {
        match (self.within, self.read_to.get(&tenant)) {
            (Some((within, since)), _) if within == tenant => since,
            (_, None | Some(0)) => clock,
            (_, Some(read_to)) => *read_to,
        }
    }

    pub(super) fn sealed(&self, cursors: &Bound<'_>) -> String {
        cursors.seal_bytes(&self.written())
    }

    pub(super) fn open(cursors: &Bound<'_>, cursor: &str) -> Result<Self> {
        // It was signed here, so that it can be read.
        Self::read(&cursors.open_bytes(cursor)?).ok_or_else(|| Error::Internal("a cursor that cannot be read".into()))
    }

    /// Sixteen bytes and a number of a few bytes a tenant, so that a cursor of many stays short.
    fn written(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self.within {
            None => out.push(0),
            Some((tenant, since)) => {
                out.push(1);
                one(&mut out, tenant, since);
            }
        }
        self.read_to.iter().for_each(|(tenant, read_to)| one(&mut out, *tenant, *read_to));
        out
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (is_within, mut rest) = bytes.split_first()?;
        let within = if *is_within == 1 { Some(next(&mut rest)?) } else { None };
        let mut read_to = BTreeMap::new();
        while !rest.is_empty() {
            let (tenant, number) = next(&mut rest)?;
            read_to.insert(tenant, number);
        }
        Some(Self { read_to, within })
    }
}

/// A tenant and its number, seven bits a byte, the lowest first (LEB128).
fn one(out: &mut Vec<u8>, tenant: Uuid, number: i64) {
    out.extend_from_slice(tenant.as_bytes());
    let mut rest = number.unsigned_abs();
    while rest >= 0x80 {
        out.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn next(bytes: &mut &[u8]) -> Option<(Uuid, i64)> {
    let (tenant, rest) = bytes.split_at_checked(16)?;
    let length = rest.iter().position(|byte| byte & 0x80 == 0)? + 1;
    let (number, rest) = rest.split_at_checked(length.min(9))?;
    *bytes = rest;
    let number = number.iter().rev().fold(0, |sum, byte| sum << 7 | i64::from(byte & 0x7f));
    Some((Uuid::from_slice(tenant).ok()?, number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(read_to: BTreeMap<u128, u32>, far in 0..i64::MAX, within: bool) {
            let mut read_to: BTreeMap<_, _> =
                read_to.into_iter().map(|(id, number)| (Uuid::from_u128(id), i64::from(number))).collect();
            read_to.insert(Uuid::max(), far);
            let within = within.then_some((Uuid::max(), far));
            let position = Position { read_to, within };
            prop_assert_eq!(Position::read(&position.written()), Some(position));
        }

        #[test]
        fn nothing_else_is_taken_for_one(bytes: Vec<u8>) {
            // It may be none, but reading it ends.
            Position::read(&bytes);
        }
    }
}
