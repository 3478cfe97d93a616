//! Breaking changes between two GraphQL schemas (GraphQL specification, October 2021, section 3).

use async_graphql_parser::{
    parse_schema,
    types::{BaseType, FieldDefinition, InputValueDefinition, Type, TypeDefinition, TypeKind, TypeSystemDefinition},
};
use std::collections::{BTreeMap, BTreeSet};

/// Each breaking change in one line.
pub(super) fn breaking(before: &str, now: &str) -> BTreeSet<String> {
    let (before, now) = (types(before), types(now));
    let mut found = BTreeSet::new();
    for (name, old) in &before {
        match now.get(name) {
            None => drop(found.insert(format!("{name}: removed"))),
            Some(new) => kinds(name, &old.kind, &new.kind, &mut found),
        }
    }
    found
}

fn types(schema: &str) -> BTreeMap<String, TypeDefinition> {
    let document = parse_schema(schema).expect("a schema");
    let types = document.definitions.into_iter().filter_map(|definition| match definition {
        TypeSystemDefinition::Type(of_type) => Some((of_type.node.name.node.to_string(), of_type.node)),
        _ => None,
    });
    types.collect()
}

fn kinds(name: &str, old: &TypeKind, new: &TypeKind, found: &mut BTreeSet<String>) {
    match (old, new) {
        (TypeKind::Scalar, TypeKind::Scalar) => {}
        (TypeKind::Object(old), TypeKind::Object(new)) => fields(name, &nodes(&old.fields), &nodes(&new.fields), found),
        (TypeKind::Interface(old), TypeKind::Interface(new)) => {
            fields(name, &nodes(&old.fields), &nodes(&new.fields), found);
        }
        (TypeKind::Enum(old), TypeKind::Enum(new)) => {
            let values: BTreeSet<String> = new.values.iter().map(|value| value.node.value.to_string()).collect();
            let gone =
                old.values.iter().map(|value| value.node.value.to_string()).filter(|value| !values.contains(value));
            found.extend(gone.map(|value| format!("{name}.{value}: removed")));
        }
        (TypeKind::Union(old), TypeKind::Union(new)) => {
            let gone = old.members.iter().filter(|member| new.members.iter().all(|other| other.node != member.node));
            found.extend(gone.map(|member| format!("{name}: no longer {}", member.node)));
        }
        (TypeKind::InputObject(old), TypeKind::InputObject(new)) => {
            inputs(&|field, what| format!("{name}.{field}: {what}"), &nodes(&old.fields), &nodes(&new.fields), found);
        }
        _ => drop(found.insert(format!("{name}: is something else"))),
    }
}

fn nodes<T>(all: &[async_graphql_parser::Positioned<T>]) -> Vec<&T> {
    all.iter().map(|one| &one.node).collect()
}

fn fields(name: &str, old: &[&FieldDefinition], new: &[&FieldDefinition], found: &mut BTreeSet<String>) {
    for field in old {
        let place = format!("{name}.{}", field.name.node);
        let Some(other) = new.iter().find(|other| other.name.node == field.name.node) else {
            found.insert(format!("{place}: removed"));
            continue;
        };
        if !is_within(&other.ty.node, &field.ty.node) {
            found.insert(format!("{place}: has another type"));
        }
        let said = |argument: &str, what: &str| format!("{place}: argument {argument} {what}");
        inputs(&said, &nodes(&field.arguments), &nodes(&other.arguments), found);
    }
}

fn inputs(
    said: &dyn Fn(&str, &str) -> String,
    old: &[&InputValueDefinition],
    new: &[&InputValueDefinition],
    found: &mut BTreeSet<String>,
) {
    for input in old {
        let name = input.name.node.as_str();
        match new.iter().find(|other| other.name.node == input.name.node) {
            None => drop(found.insert(said(name, "removed"))),
            Some(other) if !is_within(&input.ty.node, &other.ty.node) => {
                found.insert(said(name, "has another type"));
            }
            Some(_) => {}
        }
    }
    for input in new {
        let is_new = old.iter().all(|other| other.name.node != input.name.node);
        if is_new && !input.ty.node.nullable && input.default_value.is_none() {
            found.insert(said(input.name.node.as_str(), "is required now"));
        }
    }
}

/// Whether every value of the one type is one of the other.
fn is_within(one: &Type, other: &Type) -> bool {
    let same_base = match (&one.base, &other.base) {
        (BaseType::Named(one), BaseType::Named(other)) => one == other,
        (BaseType::List(one), BaseType::List(other)) => is_within(one, other),
        _ => false,
    };
    same_base && (!one.nullable || other.nullable)
}
