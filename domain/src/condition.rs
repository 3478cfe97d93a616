//! Bounds on the conditions of filters, so that none becomes a statement that a store cannot take.

use crate::{DateTime, Error, error::Result, text::is_line};
use chrono::Datelike;

/// Most values in one condition: more than a country has municipalities.
const MAX_VALUES: usize = 500;
/// Longest text in a condition, in characters.
const MAX_TEXT: usize = 2_000;

/// Refuses a list that is too long.
pub(crate) fn few<T>(name: &str, values: &[T]) -> Result<()> {
    if values.len() <= MAX_VALUES {
        return Ok(());
    }
    Err(Error::parameter(name, format!("takes at most {MAX_VALUES} values, not {}", values.len())))
}

/// Refuses a text that nothing stored can equal: too long, or with characters that are never stored.
pub(crate) fn storable<'t>(name: &str, texts: impl IntoIterator<Item = &'t String>) -> Result<()> {
    for text in texts {
        if !is_line(text) {
            return Err(Error::parameter(name, "takes no control characters"));
        }
        if text.chars().count() > MAX_TEXT {
            return Err(Error::parameter(name, format!("takes at most {MAX_TEXT} characters")));
        }
    }
    Ok(())
}

/// Refuses a time that no store can hold.
pub(crate) fn storable_time(name: &str, time: Option<DateTime>) -> Result<()> {
    if time.is_some_and(|time| !(1..=9999).contains(&time.0.year())) {
        return Err(Error::parameter(name, "takes a year from 1 to 9999"));
    }
    Ok(())
}
