//! A severity that people give a finding, beside what its source says: whoever
//! differs from the source says why.

use crate::{Error, Severity, Violation, error::Result, text};

/// The longest reason, in characters.
pub const MAX_REASON: usize = 1000;

/// How severe a finding is, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjusted {
    /// The severity that counts.
    pub severity: Severity,
    /// Whether a person set it; else it is the source's.
    pub is_set: bool,
    /// Why it is not the source's.
    pub reason: Option<String>,
}

/// What a person wants to change of it. What is left out stays; null goes back to the source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wish {
    /// The severity.
    pub severity: Option<Option<Severity>>,
    /// The reason.
    pub reason: Option<Option<String>>,
}

impl Adjusted {
    /// What becomes of it by the wish of a person, if the source says `reported`.
    ///
    /// # Errors
    /// `invalid_body` with a pointer to the reason that is missing, or that belongs to nothing.
    pub fn by(&self, wish: &Wish, reported: Severity) -> Result<Self> {
        let mut after = match wish.severity {
            None => self.clone(),
            Some(None) => Self { severity: reported, is_set: false, reason: None },
            Some(Some(severity)) if self.is_set && severity == self.severity => self.clone(),
            Some(Some(severity)) => Self { severity, is_set: true, reason: None },
        };
        if let Some(reason) = &wish.reason {
            after.reason.clone_from(reason);
        }
        let why = match (after.is_set, &after.reason) {
            (false, Some(_)) => "is the reason of a severity that a person sets, and there is none",
            (true, None) if after.severity != reported && after != *self => {
                "is missing: a severity that differs from the source's needs a reason"
            }
            _ => return Ok(after),
        };
        Err(Error::invalid(vec![Violation::new("/severity_reason", why)]))
    }
}

/// A reason as it is stored: without blank edges.
pub(crate) fn reason(given: &str, violations: &mut Vec<Violation>) -> String {
    let reason = given.trim();
    let pointer = "/severity_reason";
    if reason.is_empty() {
        violations.push(Violation::new(pointer, "is empty"));
    } else if !text::is_text(reason) {
        violations.push(Violation::new(pointer, "holds a control character"));
    } else if reason.chars().count() > MAX_REASON {
        violations.push(Violation::new(pointer, format!("is longer than {MAX_REASON} characters")));
    }
    reason.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Severity::{Critical, High, Low};

    fn of(severity: Severity, is_set: bool, reason: Option<&str>) -> Adjusted {
        Adjusted { severity, is_set, reason: reason.map(str::to_owned) }
    }

    fn wish(severity: Option<Option<Severity>>, reason: Option<Option<&str>>) -> Wish {
        Wish { severity, reason: reason.map(|reason| reason.map(str::to_owned)) }
    }

    #[test]
    fn whoever_differs_from_the_source_says_why() {
        let sources = of(High, false, None);
        let own = of(Low, true, Some("behind a proxy"));
        for (before, asked, after) in [
            (&sources, wish(None, None), Some(&sources)),
            (&sources, wish(Some(Some(Low)), Some(Some("behind a proxy"))), Some(&own)),
            (&sources, wish(Some(Some(Low)), None), None),
            (&sources, wish(Some(Some(Low)), Some(None)), None),
            (&sources, wish(Some(Some(High)), None), Some(&of(High, true, None))),
            (&sources, wish(Some(None), None), Some(&sources)),
            (&sources, wish(None, Some(Some("why"))), None),
            (&sources, wish(Some(None), Some(Some("why"))), None),
            (&own, wish(Some(Some(Low)), None), Some(&own)),
            (&own, wish(None, Some(Some("moved"))), Some(&of(Low, true, Some("moved")))),
            (&own, wish(None, Some(None)), None),
            // Another severity is another judgement.
            (&own, wish(Some(Some(Critical)), None), None),
            (&own, wish(Some(Some(High)), None), Some(&of(High, true, None))),
            (&own, wish(Some(None), None), Some(&sources)),
        ] {
            let given = before.by(&asked, High);
            assert_eq!(given.as_ref().ok(), after, "{before:?} by {asked:?}");
            if let Err(error) = given {
                assert_eq!(error.violations[0].pointer, "/severity_reason");
            }
        }
    }

    #[test]
    fn what_was_set_before_reasons_were_asked_for_stays() {
        let old = of(Low, true, None);
        assert_eq!(old.by(&wish(None, None), High).unwrap(), old);
        assert_eq!(old.by(&wish(Some(Some(Low)), None), High).unwrap(), old);
    }
}
