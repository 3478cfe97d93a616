//! Variables that a document declares and a request leaves out.
//!
//! What they would fill counts as not given (GraphQL, sections 3.10 and
//! 6.4.1): an argument takes its default, a field of an input object is
//! absent. Clients with one document for many cases live by that.
//! async-graphql refuses such an argument where it has a cost or a default, so
//! it is taken out of the document beforehand.

use async_graphql::{
    Name, Positioned, Variables,
    parser::types::{Directive, DocumentOperations, ExecutableDocument, OperationDefinition, Selection, SelectionSet},
};
use async_graphql_value::Value;
use std::collections::{HashMap, HashSet};

/// Takes what omitted variables would fill out of the document.
pub(crate) fn take_out(document: &mut ExecutableDocument, operation: Option<&str>, given: &Variables) {
    let runs = match (&document.operations, operation) {
        (DocumentOperations::Single(one), _) => Some(one),
        (DocumentOperations::Multiple(many), Some(name)) => many.get(name),
        (DocumentOperations::Multiple(many), None) => many.values().next(),
    };
    let omitted = runs.map(|operation| omitted(&operation.node, given)).unwrap_or_default();
    if omitted.is_empty() {
        return;
    }
    let mut work = Work { omitted, taken: HashSet::new(), kept: HashSet::new() };
    document.fragments.values_mut().for_each(|fragment| work.clean(&mut fragment.node.selection_set));
    let operations: Vec<&mut Positioned<OperationDefinition>> = match &mut document.operations {
        DocumentOperations::Single(one) => vec![one],
        DocumentOperations::Multiple(many) => many.values_mut().collect(),
    };
    for operation in operations {
        work.note(&operation.node.directives);
        work.clean(&mut operation.node.selection_set);
        // One that stood nowhere stays, for validation to name.
        let is_used = |name: &Name| !work.taken.contains(name) || work.kept.contains(name);
        operation.node.variable_definitions.retain(|definition| is_used(&definition.node.name.node));
    }
}

/// The variables of an operation that may be omitted, and are.
fn omitted(operation: &OperationDefinition, given: &Variables) -> HashSet<Name> {
    let definitions = || operation.variable_definitions.iter().map(|definition| &definition.node);
    let mut declared: HashMap<&Name, usize> = HashMap::new();
    definitions().for_each(|definition| *declared.entry(&definition.name.node).or_default() += 1);
    // One that is declared twice is for validation to name.
    let left_out = definitions().filter(|definition| {
        definition.var_type.node.nullable
            && definition.default_value.is_none()
            && !given.contains_key(&definition.name.node)
            && declared.get(&definition.name.node) == Some(&1)
    });
    left_out.map(|definition| definition.name.node.clone()).collect()
}

struct Work {
    omitted: HashSet<Name>,
    /// Those that filled something.
    taken: HashSet<Name>,
    /// Those that still stand somewhere: in a directive, or in a list, where they are null.
    kept: HashSet<Name>,
}

impl Work {
    fn clean(&mut self, selection: &mut Positioned<SelectionSet>) {
        for item in &mut selection.node.items {
            self.note(item.node.directives());
            match &mut item.node {
                Selection::Field(field) => {
                    let Self { omitted, taken, .. } = self;
                    field.node.arguments.retain(|(_, value)| !fills(&value.node, omitted, taken));
                    field.node.arguments.iter_mut().for_each(|(_, value)| self.clean_value(&mut value.node));
                    self.clean(&mut field.node.selection_set);
                }
                Selection::InlineFragment(inline) => self.clean(&mut inline.node.selection_set),
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn clean_value(&mut self, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.retain(|_, value| !fills(value, &self.omitted, &mut self.taken));
                fields.values_mut().for_each(|value| self.clean_value(value));
            }
            Value::List(items) => items.iter_mut().for_each(|item| self.clean_value(item)),
            Value::Variable(name) => {
                self.kept.insert(name.clone());
            }
            _ => {}
        }
    }

    fn note(&mut self, directives: &[Positioned<Directive>]) {
        for (_, value) in directives.iter().flat_map(|directive| &directive.node.arguments) {
            self.clean_value(&mut value.node.clone());
        }
    }
}

/// Whether a value is an omitted variable, which is noted.
fn fills(value: &Value, omitted: &HashSet<Name>, taken: &mut HashSet<Name>) -> bool {
    let Value::Variable(name) = value else { return false };
    let is_omitted = omitted.contains(name);
    if is_omitted {
        taken.insert(name.clone());
    }
    is_omitted
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::{parser::parse_query, value};

    /// The arguments that are left of the fields at the root, and the variables that are left.
    fn left(query: &str, operation: Option<&str>) -> (Vec<String>, Vec<String>) {
        let mut document = parse_query(query).expect("a document");
        take_out(&mut document, operation, &Variables::from_value(value!({"given": 1, "null": null})));
        let name = operation.map(Name::new);
        let mut operations = document.operations.iter();
        let (_, runs) = operations.find(|(known, _)| *known == name.as_ref()).expect("an operation");
        let mut arguments = Vec::new();
        for item in &runs.node.selection_set.node.items {
            let Selection::Field(field) = &item.node else { continue };
            arguments.extend(field.node.arguments.iter().map(|(name, value)| format!("{}: {}", name.node, value.node)));
        }
        let variables = runs.node.variable_definitions.iter().map(|one| one.node.name.node.to_string());
        (arguments, variables.collect())
    }

    #[test]
    fn what_is_left_out_is_not_given() {
        let query = "query($a: Int, $given: Int, $null: Int, $default: Int = 1, $must: Int!) {
            f(a: $a, b: $given, c: $null, d: $default, e: $must, g: {h: $a, i: $given, j: [{k: $a}]}) }";
        let arguments = ["b: $given", "c: $null", "d: $default", "e: $must", "g: {i: $given, j: [{}]}"];
        assert_eq!(
            left(query, None),
            (arguments.map(str::to_owned).into(), ["given", "null", "default", "must"].map(str::to_owned).into())
        );
    }

    #[test]
    fn what_still_stands_somewhere_stays_declared() {
        let (_, unused) = left("query($a: Int, $b: Int) { f(a: $a) }", None);
        assert_eq!(unused, ["b"]);
        let (arguments, variables) = left("query($a: Int, $b: Boolean) { f(a: $a, l: [$a]) g @skip(if: $b) }", None);
        assert_eq!((arguments, variables), (vec!["l: [$a]".to_owned()], vec!["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn only_the_operation_that_runs_says_what_is_left_out() {
        let query =
            "query A($x: Int = 1) { f(x: $x) } query B($x: Int) { f(x: $x) ...F } fragment F on Query { g(x: $x) }";
        assert_eq!(left(query, Some("A")), (vec!["x: $x".to_owned()], vec!["x".to_owned()]));
        assert_eq!(left(query, Some("B")), (vec![], vec![]));
    }
}
