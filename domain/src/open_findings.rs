//! How much is open: the same counts on an asset and on a business service.

use crate::Severity;
use serde::Serialize;
use utoipa::ToSchema;

/// Open findings by severity: neither closed nor accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct OpenFindings {
    /// Worth knowing.
    pub informational: i32,
    /// Low ones.
    pub low: i32,
    /// Medium ones.
    pub medium: i32,
    /// High ones.
    pub high: i32,
    /// Critical ones.
    pub critical: i32,
}

impl OpenFindings {
    /// The worst severity that has one.
    pub fn worst(&self) -> Option<Severity> {
        let worst_first = [
            (Severity::Critical, self.critical),
            (Severity::High, self.high),
            (Severity::Medium, self.medium),
            (Severity::Low, self.low),
            (Severity::Informational, self.informational),
        ];
        worst_first.into_iter().find(|(_, count)| *count > 0).map(|(severity, _)| severity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_is_the_worst_that_has_one() {
        let some = OpenFindings { informational: 7, medium: 1, ..OpenFindings::default() };
        assert_eq!(some.worst(), Some(Severity::Medium));
        assert_eq!(OpenFindings { critical: 1, ..some }.worst(), Some(Severity::Critical));
        assert_eq!(OpenFindings::default().worst(), None);
    }
}
