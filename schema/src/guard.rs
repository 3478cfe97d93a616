//! What a document may ask, before anything walks it.
//!
//! Fragments that spread fragments double at each step, and validation follows
//! every one of them: thirty lines would keep a server busy for hours. Here
//! each fragment is looked at once.

use async_graphql::{
    Name, Positioned, ServerError,
    parser::types::{ExecutableDocument, OperationType, Selection, SelectionSet},
};
use std::collections::HashMap;

/// Most fields, spreads and inline fragments of a document with its fragments written out.
const MAX_SELECTIONS: usize = 5_000;
/// Deepest nesting of selections and fragments; async-graphql's own limit.
const MAX_NESTING: usize = 32;

/// Refuses a document that grows without bound when its fragments are written out.
///
/// # Errors
/// `too complex`, in the words of async-graphql's own limit.
pub(crate) fn check(document: &ExecutableDocument) -> Result<(), ServerError> {
    let mut all = Sizes { document, of_fragments: HashMap::new() };
    let sizes: Option<Vec<usize>> =
        document.operations.iter().map(|(_, operation)| all.of(&operation.node.selection_set, 0)).collect();
    match sizes {
        Some(sizes) if sizes.iter().fold(0, |sum: usize, size| sum.saturating_add(*size)) <= MAX_SELECTIONS => Ok(()),
        _ => Err(ServerError::new("Query is too complex.", None)),
    }
}

/// Whether the document only asks and changes nothing.
pub(crate) fn only_asks(document: &ExecutableDocument) -> bool {
    document.operations.iter().all(|(_, operation)| operation.node.ty == OperationType::Query)
}

/// Counts selections, each fragment once.
struct Sizes<'d> {
    document: &'d ExecutableDocument,
    of_fragments: HashMap<&'d Name, usize>,
}

impl<'d> Sizes<'d> {
    /// The size of a selection; none if it is nested too deeply, as a circle of fragments is.
    fn of(&mut self, selection: &'d Positioned<SelectionSet>, depth: usize) -> Option<usize> {
        if depth > MAX_NESTING {
            return None;
        }
        selection.node.items.iter().try_fold(0_usize, |sum, item| {
            let size = match &item.node {
                Selection::Field(field) => self.of(&field.node.selection_set, depth + 1)?,
                Selection::InlineFragment(inline) => self.of(&inline.node.selection_set, depth + 1)?,
                Selection::FragmentSpread(spread) => self.of_fragment(&spread.node.fragment_name.node, depth)?,
            };
            // A spread of nothing counts as well: validation walks it all the same.
            Some(sum.saturating_add(size).saturating_add(1))
        })
    }

    fn of_fragment(&mut self, name: &'d Name, depth: usize) -> Option<usize> {
        if let Some(size) = self.of_fragments.get(name) {
            return Some(*size);
        }
        // An unknown fragment is for validation to name.
        let Some(fragment) = self.document.fragments.get(name) else { return Some(0) };
        let size = self.of(&fragment.node.selection_set, depth + 1)?;
        self.of_fragments.insert(name, size);
        Some(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::parser::parse_query;

    fn passes(query: &str) -> bool {
        check(&parse_query(query).expect("a document")).is_ok()
    }

    /// Each fragment spreads the next one twice.
    fn bomb(fragments: usize) -> String {
        let link = |at: usize| format!("fragment F{at} on Query {{ ...F{} ...F{} }}", at + 1, at + 1);
        let links: String = (0..fragments).map(link).collect();
        format!("{{ ...F0 }} {links} fragment F{fragments} on Query {{ me {{ issuer }} }}")
    }

    #[test]
    fn fragments_that_double_are_refused_at_once() {
        assert!(passes(&bomb(8)));
        assert!(!passes(&bomb(12)));
        assert!(!passes(&bomb(30)));
        assert!(!passes(&bomb(5_000)));
    }

    #[test]
    fn fragments_of_nothing_count_as_well() {
        let empty = |last| bomb(25).replace("{ me { issuer } }", last);
        assert!(!passes(&empty("{ ...Unknown }")));
        assert!(!passes(&empty("{ ... on Query { ...Unknown } }")));
    }

    #[test]
    fn circles_of_fragments_are_refused() {
        assert!(!passes("{ ...A } fragment A on Query { ...B ...B } fragment B on Query { ...A ...A }"));
    }

    #[test]
    fn what_people_ask_passes() {
        assert!(passes("query A { me { issuer } } query B { ...F ...F } fragment F on Query { me { subject } }"));
    }

    #[test]
    fn a_change_is_told_from_a_question() {
        let only_asks = |query| only_asks(&parse_query(query).expect("a document"));
        assert!(only_asks("{ me { issuer } }"));
        assert!(!only_asks("query A { me { issuer } } mutation B { linkTicket { id } }"));
    }
}
