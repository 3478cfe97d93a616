//! Messages: texts with placeholders, or ids of texts that the rule or the tool holds.

use super::rule::Rule;
use super::run::Component;
use crate::import::common::TEXT_BYTES;
use crate::import::json::Look;
use domain::text;
use serde_json::Value;
use std::collections::BTreeMap;

/// The most messages of one rule, and the longest of them, in characters.
const MESSAGES: usize = 200;
const LENGTH: usize = 2_000;

/// The texts of `messageStrings` or `globalMessageStrings`, by id.
pub(super) fn strings(value: Option<&Value>) -> BTreeMap<String, String> {
    let members = value.and_then(Value::as_object).into_iter().flatten();
    let texts = members.filter_map(|(id, message)| Some((id, either(message)?)));
    texts.take(MESSAGES).map(|(id, message)| (text::clean_line(id, 200), text::clean(message, LENGTH))).collect()
}

/// What a short text costs besides its letters: its place in a table and the allocator's share.
pub(super) const OVERHEAD: usize = 64;

/// Bytes that messages take, roughly.
pub(super) fn bytes(messages: &BTreeMap<String, String>) -> usize {
    messages.iter().map(|(id, message)| id.len() + message.len() + 2 * OVERHEAD).sum()
}

/// What a result says; empty if it says nothing.
pub(super) fn of(result: &Value, rule: Option<&Rule>, component: &Component) -> String {
    let Some(message) = result.get("message") else { return String::new() };
    let by_id = || {
        let id = message.text(&["id"])?;
        let known = rule.and_then(|rule| rule.messages.get(id)).or_else(|| component.messages.get(id));
        known.map(String::as_str)
    };
    let template = either(message).or_else(by_id).unwrap_or_default();
    let arguments: Vec<&str> = message.list(&["arguments"]).iter().map(|a| a.as_str().unwrap_or_default()).collect();
    fill(template, &arguments)
}

fn either(message: &Value) -> Option<&str> {
    message.text(&["text"]).or_else(|| message.text(&["markdown"]))
}

/// Puts the arguments in (SARIF 2.1.0, 3.11.5): `{0}` is the first, `{{` a brace.
///
/// A long argument named often would grow without bound, so filling ends where no text is kept any more.
fn fill(template: &str, arguments: &[&str]) -> String {
    if arguments.is_empty() {
        return template.to_owned();
    }
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']).filter(|_| out.len() < TEXT_BYTES) {
        let (before, brace) = rest.split_at(at);
        out.push_str(before);
        rest = match placeholder(brace, arguments) {
            Some((argument, after)) => {
                out.push_str(argument.get(..argument.floor_char_boundary(TEXT_BYTES)).unwrap_or(argument));
                after
            }
            None => {
                // Both braces are one byte: a doubled one is written once, a single one as it is.
                let (one, after) = brace.split_at(1);
                out.push_str(one);
                after.strip_prefix(one).unwrap_or(after)
            }
        };
    }
    out.push_str(rest.get(..rest.floor_char_boundary(TEXT_BYTES)).unwrap_or(rest));
    out
}

/// The argument that a text begins to name, and what follows.
fn placeholder<'t>(text: &'t str, arguments: &[&'t str]) -> Option<(&'t str, &'t str)> {
    let (number, after) = text.strip_prefix('{')?.split_once('}')?;
    let index: usize = number.parse().ok()?;
    Some((arguments.get(index)?, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_and_braces_kept() {
        assert_eq!(fill("{0} före {1}, {{0}} {2} {x} }", &["å", "ö"]), "å före ö, {0} {2} {x} }");
        assert_eq!(fill("{0}", &[]), "{0}");
    }

    #[test]
    fn filling_ends_where_no_text_is_kept() {
        let argument = "x".repeat(1 << 20);
        assert!(fill(&"{0}".repeat(100_000), &[&argument]).len() < 4 * TEXT_BYTES);
    }
}
