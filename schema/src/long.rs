//! Whole numbers that may need more than the 32 bits of GraphQL's `Int` (section 3.5.1): versions, amounts of money and
//! sizes. In Rust they are `i64` like counts, so they are told by their names.

use async_graphql::{
    InputValueError, InputValueResult, OutputType, Scalar, ScalarType, Value,
    registry::{MetaInputValue, MetaType, Registry},
};
use std::sync::Arc;

/// The fields and arguments that are `Long`.
const NAMES: &[&str] = &[
    "bytes",
    "cost",
    "costPerDay",
    "findingSeq",
    "firstSeq",
    "fixCost",
    "ifMatch",
    "lastSeq",
    "seq",
    "standstillCost",
    "version",
];

/// A whole number of up to 64 bits, written as a number.
struct Long(i64);

/// A whole number of up to 64 bits, written as a number.
#[Scalar]
impl ScalarType for Long {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::Number(number) => {
                number.as_i64().map(Self).ok_or_else(|| InputValueError::from("not a whole number"))
            }
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::Number(number) if number.is_i64())
    }

    fn to_value(&self) -> Value {
        self.0.into()
    }
}

/// Gives the type to all that may need it, and leaves 32 bits to the others.
pub(crate) fn widen(registry: &mut Registry) {
    Long::create_type_info(registry);
    if let Some(MetaType::Scalar { is_valid, .. }) = registry.types.get_mut("Int") {
        *is_valid = Some(Arc::new(
            |value| matches!(value, Value::Number(number) if number.as_i64().is_some_and(|number| i32::try_from(number).is_ok())),
        ));
    }
    for kind in registry.types.values_mut() {
        match kind {
            MetaType::Object { fields, .. } | MetaType::Interface { fields, .. } => {
                for field in fields.values_mut() {
                    widen_type(&field.name, &mut field.ty);
                    field.args.values_mut().for_each(widen_input);
                }
            }
            MetaType::InputObject { input_fields, .. } => input_fields.values_mut().for_each(widen_input),
            _ => {}
        }
    }
}

fn widen_input(input: &mut MetaInputValue) {
    widen_type(&input.name, &mut input.ty);
}

fn widen_type(name: &str, kind: &mut String) {
    if NAMES.contains(&name) && kind.trim_end_matches('!') == "Int" {
        *kind = kind.replace("Int", "Long");
    }
}
