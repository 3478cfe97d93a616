//! Texts that people write: brought to one form, and told what is wrong with them, field by field.

use crate::{
    Error, Violation,
    error::Result,
    text::{is_line, is_text},
};
use async_graphql::MaybeUndefined;

/// What is wrong with the texts seen so far.
#[derive(Default)]
pub(crate) struct Labels(Vec<Violation>);

impl Labels {
    /// Trims a text of one line.
    pub(crate) fn line(&mut self, pointer: &str, value: &mut String, max: usize) {
        self.trimmed(pointer, value, max, is_line);
    }

    /// Trims a text of several lines.
    pub(crate) fn text(&mut self, pointer: &str, value: &mut String, max: usize) {
        self.trimmed(pointer, value, max, is_text);
    }

    /// [`Labels::line`], if there is one.
    pub(crate) fn optional(&mut self, pointer: &str, value: &mut Option<String>, max: usize) {
        if let Some(value) = value {
            self.line(pointer, value, max);
        }
    }

    /// [`Labels::line`], if there is one.
    pub(crate) fn undefinable(&mut self, pointer: &str, value: &mut MaybeUndefined<String>, max: usize) {
        if let MaybeUndefined::Value(value) = value {
            self.line(pointer, value, max);
        }
    }

    /// Something else is wrong.
    pub(crate) fn refuse(&mut self, pointer: &str, detail: impl Into<String>) {
        self.0.push(Violation::new(pointer, detail));
    }

    /// Refuses the body if anything is wrong with it.
    pub(crate) fn check(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::invalid(self.0)) }
    }

    fn trimmed(&mut self, pointer: &str, value: &mut String, max: usize, is_storable: impl Fn(&str) -> bool) {
        *value = value.trim().to_owned();
        if value.is_empty() {
            self.refuse(pointer, "is empty");
        } else if !is_storable(value) {
            self.refuse(pointer, "holds a control character");
        } else if value.chars().count() > max {
            self.refuse(pointer, format!("is longer than {max} characters"));
        }
    }
}
