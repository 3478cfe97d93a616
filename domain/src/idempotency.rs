//! `Idempotency-Key`: a request that may come twice has its effect once
//! (draft-ietf-httpapi-idempotency-key-header).

use crate::{Error, error::Result};
use chrono::TimeDelta;

/// How long a key is remembered.
pub const KEPT: TimeDelta = TimeDelta::hours(24);

/// Most characters of a key.
pub const MAX_KEY: usize = 255;

/// A key as the client chose it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Reads a key: 1–255 visible ASCII characters. The quotes of a structured field (RFC 9651) may stand around it.
    ///
    /// # Errors
    /// `invalid_parameter` that names `parameter`.
    pub fn parse(parameter: &str, text: &str) -> Result<Self> {
        let bare = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
        if (1..=MAX_KEY).contains(&bare.len()) && bare.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Self(bare.to_owned()));
        }
        Err(Error::parameter(parameter, format!("takes 1–{MAX_KEY} visible ASCII characters without blanks")))
    }

    /// The key without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_short_and_visible() {
        for (given, read) in
            [("a", "a"), ("\"5f3c-1\"", "5f3c-1"), ("x\"y", "x\"y"), (&"k".repeat(255), &"k".repeat(255))]
        {
            assert_eq!(IdempotencyKey::parse("k", given).map(|key| key.0), Ok(read.to_owned()), "{given}");
        }
        for given in ["", "\"\"", "a b", "å", "a\tb", &"k".repeat(256)] {
            assert!(IdempotencyKey::parse("Idempotency-Key", given).is_err(), "{given}");
        }
    }
}
