//! What it costs to ask for the schema itself.
//!
//! async-graphql counts a list of all types like one value, and lets types
//! lead to fields and fields to types without end.

/// Whether a field at the root asks for the schema.
pub(crate) fn is_root(field: &str) -> bool {
    matches!(field, "__schema" | "__type")
}

/// How many values a field of introspection is, if this many are selected of each of its items. The lists are taken to
/// be about as long as those of this schema are on average.
pub(crate) fn values(field: &str, of_each: usize) -> usize {
    let items: usize = match field {
        "types" => 200,
        "fields" => 12,
        "inputFields" | "enumValues" => 8,
        "directives" => 6,
        "args" => 3,
        "possibleTypes" | "interfaces" => 2,
        _ => 1,
    };
    of_each.saturating_add(1).saturating_mul(items)
}

/// The complexity of so many values of the schema. A tenth: they are in memory, and the query that every tool sends
/// first is to pass.
pub(crate) fn cost(values: usize) -> usize {
    values.div_ceil(10)
}
