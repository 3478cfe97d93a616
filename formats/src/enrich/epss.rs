//! FIRST's exploit prediction scores (EPSS), as the daily CSV: a comment line with the
//! model's version and the date, a head, and one line a CVE. See <https://www.first.org/epss/data_stats>.

use super::{Plain, Refusal};
use crate::import::common;
use chrono::NaiveDate;
use std::io::{BufRead, Read};

/// Largest file, after decompression. That of 2026 has 12 MB and 300,000 lines.
const LIMIT: u64 = 512 << 20;
/// Longest line, in bytes.
const LINE: u64 = 1000;

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// The CVE id, in its normal form.
    pub cve: String,
    /// How likely it is exploited within 30 days, 0.0–1.0.
    pub epss: f64,
    /// Which part of all CVEs has the same score or a lower one, 0.0–1.0.
    pub percentile: f64,
}

/// A file of scores that is being read.
pub struct Scores<R: BufRead> {
    plain: Plain<R>,
    line: Vec<u8>,
    /// The model that made the scores.
    pub model: String,
    /// Their day.
    pub date: NaiveDate,
    /// Lines left out so far, since they hold no score of a CVE.
    pub rejected: u64,
}

impl<R: BufRead> Scores<R> {
    /// Reads the first two lines of a file, plain or gzip.
    ///
    /// # Errors
    /// A [`Refusal`] if they are not those of an EPSS file.
    pub fn open(source: R) -> Result<Self, Refusal> {
        let plain = Plain::new(source, LIMIT)?;
        let mut scores =
            Self { plain, line: Vec::new(), model: String::new(), date: NaiveDate::default(), rejected: 0 };
        let wrong =
            || Refusal::Invalid("it is no EPSS file: it does not begin with `#model_version:…,score_date:…`".into());
        let comment = scores.next_line()?.ok_or_else(wrong)?;
        let (model, date) =
            comment.strip_prefix("#model_version:").and_then(|rest| rest.split_once(',')).ok_or_else(wrong)?;
        let date = date.trim().strip_prefix("score_date:").and_then(|date| date.get(..10)).ok_or_else(wrong)?;
        (scores.model, scores.date) = (domain::text::clean_line(model, 100), date.parse().map_err(|_| wrong())?);
        match scores.next_line()?.as_deref() {
            Some("cve,epss,percentile") => Ok(scores),
            _ => Err(Refusal::Invalid("it is no EPSS file: its head is not `cve,epss,percentile`".into())),
        }
    }

    /// The next scores, at most so many; none at the end.
    ///
    /// # Errors
    /// A [`Refusal`] for a line or a file that is too long, and for one that is cut.
    pub fn next(&mut self, most: usize) -> Result<Vec<Score>, Refusal> {
        let mut scores = Vec::with_capacity(most);
        while scores.len() < most {
            let Some(line) = self.next_line()? else { break };
            match score(&line) {
                Some(score) => scores.push(score),
                None => self.rejected += 1,
            }
        }
        Ok(scores)
    }

    fn next_line(&mut self) -> Result<Option<String>, Refusal> {
        self.line.clear();
        let read = self.plain.source.by_ref().take(LINE).read_until(b'\n', &mut self.line)?;
        if read == 0 {
            self.plain.check_end()?;
            return Ok(None);
        }
        if read as u64 == LINE && !self.line.ends_with(b"\n") {
            return Err(Refusal::Invalid(format!("a line is longer than {LINE} bytes")));
        }
        Ok(Some(String::from_utf8_lossy(&self.line).trim_end().to_owned()))
    }
}

fn score(line: &str) -> Option<Score> {
    let mut fields = line.split(',');
    let cve = common::cve(fields.next()?)?;
    let mut part = || fields.next()?.parse().ok().filter(|part| (0.0..=1.0).contains(part));
    let (epss, percentile) = (part()?, part()?);
    fields.next().is_none().then_some(Score { cve, epss, percentile })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "#model_version:v2025.03.14,score_date:2026-11-24T12:55:00Z\ncve,epss,percentile\n\
        CVE-2021-44228,0.94358,0.99959\ncve-2014-0160,0.5,0.9\nCVE-2024-1,0.5,0.9\nCVE-2024-1000,1.5,0.9\n\
        CVE-2024-1001,NaN,0.9\nCVE-2024-1002,0.1,0.9,x\nCVE-2024-1003,0,0\n";

    fn refused(text: &str) -> String {
        let all = Scores::open(text.as_bytes()).and_then(|mut scores| scores.next(usize::from(u16::MAX)));
        all.expect_err("refused").to_string()
    }

    #[test]
    fn scores_are_read_in_pieces_and_other_lines_counted() {
        let mut scores = Scores::open(SMALL.as_bytes()).unwrap();
        assert_eq!((scores.model.as_str(), scores.date), ("v2025.03.14", "2026-11-24".parse().unwrap()));
        let log4j = Score { cve: "CVE-2021-44228".into(), epss: 0.94358, percentile: 0.99959 };
        assert_eq!(scores.next(1).unwrap(), [log4j]);
        let rest = scores.next(10).unwrap();
        assert_eq!(rest.iter().map(|score| score.cve.as_str()).collect::<Vec<_>>(), ["CVE-2014-0160", "CVE-2024-1003"]);
        assert_eq!((scores.next(10).unwrap().len(), scores.rejected), (0, 4));
    }

    #[test]
    fn gzip_and_the_line_ends_of_windows_make_no_difference() {
        let windows = super::super::tests::gzip(SMALL.replace('\n', "\r\n").as_bytes());
        let all = |bytes: &[u8]| Scores::open(bytes).unwrap().next(100).unwrap();
        assert_eq!(all(&windows), all(SMALL.as_bytes()));
    }

    #[test]
    fn what_is_no_file_of_scores_is_refused() {
        assert!(refused("").contains("no EPSS file"));
        assert!(refused("cve,epss,percentile\nCVE-2021-44228,0.9,0.9\n").contains("model_version"));
        assert!(refused("#model_version:v1,score_date:soon\n").contains("model_version"));
        assert!(refused("#model_version:v1,score_date:2026-11-24\nepss,cve\n").contains("its head"));
        assert!(refused(&format!("{SMALL}{}", "x".repeat(2000))).contains("a line is longer"));
        assert!(refused(&"[".repeat(10 << 20)).contains("a line is longer"));
    }
}
