//! Pages of a list.

use crate::{Error, error::Result, included::Included};
use serde::{Deserialize, Serialize};
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
    /// How many there are on all pages, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<ListCount>,
    /// What the items lead to, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub included: Option<Included>,
    /// The cursor of each item, where they were asked for.
    #[serde(skip)]
    pub cursors: Vec<String>,
}

/// How the items of all pages are to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CountWish {
    /// Up to 10,000, which takes a moment whatever there is.
    Bounded,
    /// All, which takes as long as there are many.
    Exact,
}

/// How many items there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ListCount {
    /// How many; of a bounded count at most 10,000.
    pub value: i64,
    /// Whether there are no more than that.
    pub is_exact: bool,
}

impl CountWish {
    /// Where a bounded count ends.
    pub const BOUND: u64 = 10_000;

    /// How many are to be looked at, at most.
    pub const fn most(self) -> Option<u64> {
        match self {
            Self::Bounded => Some(Self::BOUND + 1),
            Self::Exact => None,
        }
    }

    /// What was counted of so many that were looked at.
    pub fn counted(self, found: i64) -> ListCount {
        let bound = Self::BOUND as i64;
        match self {
            Self::Bounded if found > bound => ListCount { value: bound, is_exact: false },
            _ => ListCount { value: found, is_exact: true },
        }
    }
}

impl<T> Page<T> {
    /// The same page of other items, one for one.
    pub fn of<U>(self, items: Vec<U>) -> Page<U> {
        let Self { next_cursor, has_more, count, included, cursors, .. } = self;
        Page { items, next_cursor, has_more, count, included, cursors }
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
    /// Whether all items are to be counted.
    pub count: Option<CountWish>,
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
        Ok(Self { limit, cursor, each: false, count: None })
    }
}
