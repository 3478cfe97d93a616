//! Pages of a list.

use crate::{Error, error::Result};
use serde::Serialize;
use utoipa::ToSchema;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items, in the order asked for.
    pub items: Vec<T>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
    /// Whether there is a next page.
    pub has_more: bool,
    /// The cursor of each item, where they were asked for.
    #[serde(skip)]
    pub cursors: Vec<String>,
}

impl<T> Page<T> {
    /// The same page of other items, one for one.
    pub fn of<U>(self, items: Vec<U>) -> Page<U> {
        Page { items, next_cursor: self.next_cursor, has_more: self.has_more, cursors: self.cursors }
    }
}

/// Which page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct PageRequest {
    /// Most items on the page, 1–500.
    pub limit: u64,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Whether every item needs a cursor of its own (GraphQL connections).
    pub each: bool,
}

impl PageRequest {
    /// Items on a page if nothing is said.
    pub const DEFAULT: u64 = 50;
    /// Most items on a page of a list.
    pub const MAX: u64 = 500;
    /// Most items on a page of the change feed.
    pub const MAX_FEED: u64 = 1000;

    /// A page of at most `limit` items (or the default) where `max` may be asked for.
    ///
    /// # Errors
    /// `invalid_parameter` naming `parameter` for a limit outside 1–`max`.
    pub fn new(parameter: &str, limit: Option<i64>, max: u64, cursor: Option<String>) -> Result<Self> {
        let limit = match limit {
            None => Self::DEFAULT,
            Some(asked) => u64::try_from(asked)
                .ok()
                .filter(|n| (1..=max).contains(n))
                .ok_or_else(|| Error::parameter(parameter, format!("takes a number from 1 to {max}, not {asked}")))?,
        };
        Ok(Self { limit, cursor, each: false })
    }
}
