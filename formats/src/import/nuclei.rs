//! Nuclei results: JSON Lines (`-jsonl`), one JSON array (`-json-export`), or
//! objects printed over several lines, as `jq` leaves them.
//!
//! Lines stand on their own, so a broken one costs one record; an array or an
//! object over several lines that is broken is refused with the whole report.

mod result;

use super::common;
use super::json::{self, Bounds, Each, outline};
use super::{Limits, Record, Refusal, Source};
use domain::RejectedRecord;
use serde_json::Value;

/// Recognises the first result by its template id and info, or by the members
/// that the first releases of version 2 wrote side by side.
pub(super) fn sniff(head: &[u8]) -> bool {
    let members = outline::outline(head);
    let Some(depth) = members.first().map(|member| member.depth).filter(|depth| *depth <= 2) else { return false };
    let has = |name: &str| members.iter().any(|member| member.depth == depth && member.name == name);
    let old = ["template", "matched", "type"].into_iter().all(has);
    old || (has("info") && (has("template-id") || has("templateID")))
}

/// Reads a report to its end; see [`super::read`].
pub(super) fn read(source: &mut dyn Source, limits: &Limits, each: &mut dyn FnMut(Record)) -> Result<(), Refusal> {
    let bounds = Bounds::new(limits);
    match shape(source, limits)? {
        Shape::Empty => Ok(()),
        Shape::Array => {
            let take = |index: usize, result: Value| {
                each(record(&bounds, &result, || format!("[{index}]")));
                Ok(())
            };
            bounds.document(source, Each { bounds: &bounds, skipped: result::SKIPPED, take }).map(drop)
        }
        Shape::Objects => {
            let mut number = 0;
            bounds.values(source, result::SKIPPED, &mut |result| {
                number += 1;
                each(record(&bounds, &result, || format!("object {number}")));
            })
        }
        Shape::Lines => lines(source, limits, &bounds, each),
    }
}

/// How the results are written down.
enum Shape {
    Empty,
    Array,
    Objects,
    Lines,
}

/// Looks ahead, then goes back to the start.
///
/// An object that begins on one line and goes on with a line that begins no
/// object was printed for reading.
fn shape(source: &mut dyn Source, limits: &Limits) -> Result<Shape, Refusal> {
    json::skip_mark(source)?;
    let shape = match first_sign(source)? {
        None => Shape::Empty,
        // A tool that found nothing may write `null` for its array.
        Some(b'[' | b'n') => Shape::Array,
        Some(b'{') if spans_lines(source, limits)? => Shape::Objects,
        Some(b'{') => Shape::Lines,
        Some(_) => return Err(Refusal::Invalid("the report begins with neither an object nor an array".into())),
    };
    source.rewind()?;
    Ok(shape)
}

/// The first byte that is not blank. Blanks before it are read over.
fn first_sign(source: &mut dyn Source) -> Result<Option<u8>, Refusal> {
    loop {
        let ahead = source.fill_buf()?;
        let blanks = ahead.len() - ahead.trim_ascii_start().len();
        let sign = ahead.get(blanks).copied();
        if sign.is_some() || blanks == 0 {
            return Ok(sign);
        }
        source.consume(blanks);
    }
}

fn spans_lines(source: &mut dyn Source, limits: &Limits) -> Result<bool, Refusal> {
    let mut text = Vec::new();
    let first = next_line(source, limits.record_bytes, &mut text)?;
    let open = serde_json::from_slice::<serde::de::IgnoredAny>(&text).is_err_and(|error| error.is_eof());
    if !open || first.is_none_or(|line| line.cut) {
        return Ok(false);
    }
    let next = next_line(source, limits.record_bytes, &mut text)?;
    Ok(next.is_some() && !text.starts_with(b"{"))
}

fn lines(
    source: &mut dyn Source,
    limits: &Limits,
    bounds: &Bounds,
    each: &mut dyn FnMut(Record),
) -> Result<(), Refusal> {
    json::skip_mark(source)?;
    let mut text = Vec::new();
    let mut number = 0;
    while let Some(line) = next_line(source, limits.record_bytes, &mut text)? {
        number += line.lines;
        let place = || format!("line {number}");
        each(match bounds.record(&text, result::SKIPPED) {
            _ if line.cut => rejected(place(), format!("it is larger than {} bytes", limits.record_bytes)),
            Ok(result) => record(bounds, &result, place),
            // The parser sees one line only, so its "line 1" would mislead.
            Err(error) => {
                rejected(place(), format!("it is not JSON: {error}").replace(" at line 1 column ", " at column "))
            }
        });
    }
    Ok(())
}

fn record(bounds: &Bounds, result: &Value, place: impl FnOnce() -> String) -> Record {
    if bounds.exceeded() {
        return rejected(place(), "it is too large".to_owned());
    }
    match result::observation(result) {
        Ok(observation) => Record::Observation(Box::new(observation)),
        Err(reason) => rejected(place(), reason.to_owned()),
    }
}

fn rejected(place: String, reason: String) -> Record {
    Record::Rejected(RejectedRecord { place, reason: common::line(&reason).unwrap_or_default() })
}

/// A line that is not blank.
struct Line {
    /// How many lines were read to get it, the blank ones before it among them.
    lines: usize,
    /// Whether it was longer than the limit; the rest of it was read over.
    cut: bool,
}

/// Reads the next line that is not blank into `text`, without the blanks around
/// it; none at the end.
fn next_line(source: &mut dyn Source, max: usize, text: &mut Vec<u8>) -> Result<Option<Line>, Refusal> {
    for lines in 1.. {
        text.clear();
        let (read, cut) = line(source, max, text)?;
        if read == 0 {
            return Ok(None);
        }
        let blanks = text.len() - text.trim_ascii_start().len();
        text.truncate(text.trim_ascii_end().len());
        text.drain(..blanks.min(text.len()));
        if cut || !text.is_empty() {
            return Ok(Some(Line { lines, cut }));
        }
    }
    Ok(None)
}

/// Reads up to a line feed and holds at most `max` bytes of it. Gives the bytes read and whether some were not held.
fn line(source: &mut dyn Source, max: usize, text: &mut Vec<u8>) -> Result<(usize, bool), Refusal> {
    let (mut read, mut cut) = (0, false);
    loop {
        let ahead = source.fill_buf()?;
        let end = ahead.iter().position(|byte| *byte == b'\n');
        let part = ahead.get(..end.unwrap_or(ahead.len())).unwrap_or(ahead);
        let room = max.saturating_sub(text.len());
        text.extend_from_slice(part.get(..room).unwrap_or(part));
        cut |= part.len() > room;
        let used = end.map_or(ahead.len(), |end| end + 1);
        source.consume(used);
        read += used;
        if end.is_some() || used == 0 {
            return Ok((read, cut));
        }
    }
}

#[cfg(test)]
#[path = "nuclei_tests.rs"]
mod tests;
