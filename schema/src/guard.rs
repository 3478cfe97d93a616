//! What a document may ask, before anything walks it.
//!
//! Fragments that spread fragments double at each step, and validation follows
//! every one of them: thirty lines would keep a server busy for hours. Here
//! each fragment is looked at once.

use crate::{
    introspection,
    limits::{Limits, refusal, too_much, within},
};
use async_graphql::{
    Name, Positioned, ServerError,
    parser::types::{ExecutableDocument, Field, OperationType, Selection, SelectionSet},
};
use domain::Code;
use std::collections::HashMap;

/// Most fields, spreads and inline fragments of a document with its fragments written out.
const MAX_SELECTIONS: usize = 5_000;
/// Deepest nesting of selections and fragments; async-graphql's own limit.
const MAX_NESTING: usize = 32;

/// What is known of a document that may go on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Measure {
    /// Fields, spreads and inline fragments, with fragments written out.
    selections: usize,
    /// Deepest nesting of fields; what hangs on introspection counts for nothing.
    pub(crate) depth: usize,
    /// Fields that stand directly in it.
    roots: usize,
    aliases: usize,
    directives: usize,
    /// Values of the schema, if this is introspection.
    values: usize,
    /// Values of the schema that the document asks for.
    pub(crate) introspected: usize,
}

/// Refuses a document that grows without bound when its fragments are written out, or exceeds a limit.
///
/// # Errors
/// `query_too_complex` in words that name the limit, or `introspection_disabled`.
pub(crate) fn check(document: &ExecutableDocument, limits: &Limits) -> Result<Measure, ServerError> {
    let mut all = Sizes { document, of_fragments: HashMap::new() };
    let mut sum = Measure::default();
    for (_, operation) in document.operations.iter() {
        let mut own = all.of(&operation.node.selection_set, 0)?;
        own.directives += operation.node.directives.len();
        // One operation runs, but validation walks them all.
        sum.add(own);
    }
    within(sum.selections, MAX_SELECTIONS, "fields and fragments")?;
    within(sum.depth, limits.depth, "fields inside each other")?;
    within(sum.roots, limits.root_fields, "fields at its root")?;
    within(sum.aliases, limits.aliases, "aliases")?;
    within(sum.directives, limits.directives, "directives")?;
    if sum.introspected > 0 && !limits.introspection {
        return Err(refusal(Code::IntrospectionDisabled, Code::IntrospectionDisabled.title()));
    }
    Ok(sum)
}

/// Whether the document only asks and changes nothing.
pub(crate) fn only_asks(document: &ExecutableDocument) -> bool {
    document.operations.iter().all(|(_, operation)| operation.node.ty == OperationType::Query)
}

impl Measure {
    /// Takes in what stands beside it.
    fn add(&mut self, other: Self) {
        let sum = |one: &mut usize, other| *one = one.saturating_add(other);
        sum(&mut self.selections, other.selections);
        sum(&mut self.roots, other.roots);
        sum(&mut self.aliases, other.aliases);
        sum(&mut self.directives, other.directives);
        sum(&mut self.values, other.values);
        sum(&mut self.introspected, other.introspected);
        self.depth = self.depth.max(other.depth);
    }

    /// What a field is, of what is selected of it.
    fn under(self, field: &Field) -> Self {
        let name = field.name.node.as_str();
        let is_introspection = introspection::is_root(name);
        let values = introspection::values(name, self.values);
        Self {
            depth: if is_introspection { 1 } else { self.depth + 1 },
            roots: 1,
            aliases: self.aliases.saturating_add(usize::from(field.alias.is_some())),
            introspected: if is_introspection { values } else { self.introspected },
            values,
            ..self
        }
    }
}

/// Measures selections, each fragment once.
struct Sizes<'d> {
    document: &'d ExecutableDocument,
    of_fragments: HashMap<&'d Name, Measure>,
}

impl<'d> Sizes<'d> {
    /// The measure of a selection; an error if it is nested too deeply, as a circle of fragments is.
    fn of(&mut self, selection: &'d Positioned<SelectionSet>, nesting: usize) -> Result<Measure, ServerError> {
        if nesting > MAX_NESTING {
            return Err(too_much("The document is nested too deeply, or its fragments spread each other."));
        }
        let mut sum = Measure::default();
        for item in &selection.node.items {
            let mut own = match &item.node {
                Selection::Field(field) => self.of(&field.node.selection_set, nesting + 1)?.under(&field.node),
                Selection::InlineFragment(inline) => self.of(&inline.node.selection_set, nesting + 1)?,
                Selection::FragmentSpread(spread) => self.of_fragment(&spread.node.fragment_name.node, nesting)?,
            };
            // A spread of nothing counts as well: validation walks it all the same.
            own.selections = own.selections.saturating_add(1);
            own.directives = own.directives.saturating_add(item.node.directives().len());
            sum.add(own);
        }
        Ok(sum)
    }

    fn of_fragment(&mut self, name: &'d Name, nesting: usize) -> Result<Measure, ServerError> {
        if let Some(known) = self.of_fragments.get(name) {
            return Ok(*known);
        }
        // An unknown fragment is for validation to name.
        let Some(fragment) = self.document.fragments.get(name) else { return Ok(Measure::default()) };
        let mut measure = self.of(&fragment.node.selection_set, nesting + 1)?;
        measure.directives = measure.directives.saturating_add(fragment.node.directives.len());
        self.of_fragments.insert(name, measure);
        Ok(measure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::parser::parse_query;

    const LIMITS: Limits = Limits {
        document_bytes: 1_000_000,
        tokens: 100_000,
        depth: 5,
        complexity: 1_000,
        root_fields: 3,
        aliases: 4,
        directives: 2,
        introspection: true,
        persisted_queries: 0,
    };

    fn refused(query: &str) -> Option<String> {
        check(&parse_query(query).expect("a document"), &LIMITS).err().map(|error| error.message)
    }

    fn passes(query: &str) -> bool {
        refused(query).is_none()
    }

    /// Each fragment spreads the next one twice; what they come to has no field of its own.
    fn bomb(fragments: usize) -> String {
        let link = |at: usize| format!("fragment F{at} on Query {{ ...F{} ...F{} }}", at + 1, at + 1);
        let links: String = (0..fragments).map(link).collect();
        format!("{{ ...F0 }} {links} fragment F{fragments} on Query {{ ...Unknown }}")
    }

    #[test]
    fn fragments_that_double_are_refused_at_once() {
        assert!(passes(&bomb(8)));
        assert!(!passes(&bomb(12)));
        assert!(!passes(&bomb(30)));
        assert!(!passes(&bomb(5_000)));
        assert!(!passes(&bomb(25).replace("{ ...Unknown }", "{ ... on Query { ...Unknown } }")));
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
    fn each_limit_is_named() {
        let says = |query: &str, what: &str| {
            let words = refused(query).unwrap_or_default();
            assert!(words.contains(what), "{query}: {words}");
        };
        assert!(passes("{ a { b { c { d { e } } } } }"));
        says("{ a { b { c { d { e { f } } } } } }", "6 fields inside each other; at most 5");
        says("{ a { ...F } } fragment F on A { b { c { d { e { f } } } } }", "fields inside each other");
        assert!(passes("{ a b ...F } fragment F on Query { c }"));
        says("{ a b ...F } fragment F on Query { c ... on Query { d } }", "4 fields at its root; at most 3");
        assert!(passes("{ a { w: b x: b y: b z: b } }"));
        says("{ a { ...F } c { ...F } } fragment F on A { x: b y: b z: b }", "6 aliases; at most 4");
        assert!(passes("query @a { b @c }"));
        says("query @a { b @c ...F } fragment F on Query @d { e }", "3 directives; at most 2");
        says("{ ... @a { ...F @b } } fragment F on Query { e @c }", "3 directives");
    }

    #[test]
    fn introspection_is_measured_by_what_it_shows() {
        let document = |query| parse_query(query).expect("a document");
        let values = |query| check(&document(query), &LIMITS).expect("it passes").introspected;
        assert_eq!(values("{ a { types { fields { name } } } __typename }"), 0);
        assert_eq!(values("{ __type(name: \"A\") { name kind } }"), 3);
        assert!(values("{ __schema { types { name } } }") > 100);
        assert_eq!(values("{ ...F ...F } fragment F on Query { __type(name: \"A\") { name } }"), 4);
        assert!(passes("{ __type(name: \"A\") { ofType { ofType { ofType { ofType { ofType { name } } } } } } }"));
        let off = Limits { introspection: false, ..LIMITS };
        assert!(check(&document("{ __typename a { b } }"), &off).is_ok());
        for asks in ["{ __schema { __typename } }", "{ ...F } fragment F on Query { __type(name: \"A\") { name } }"] {
            let code = check(&document(asks), &off).expect_err("refused").extensions.expect("a code");
            assert_eq!(code.get("code"), Some(&"introspection_disabled".into()));
        }
    }

    #[test]
    fn a_change_is_told_from_a_question() {
        let only_asks = |query| only_asks(&parse_query(query).expect("a document"));
        assert!(only_asks("{ me { issuer } }"));
        assert!(!only_asks("query A { me { issuer } } mutation B { linkTicket { id } }"));
    }
}
