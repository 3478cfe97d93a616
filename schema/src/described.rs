//! What holds for every field of a root: it is null where it is refused, so that its neighbours are told, and its
//! arguments are described.
//!
//! An argument means the same wherever it has the same name, so each name is
//! described once, here, instead of at each of two hundred places. A test
//! over the schema names what has none.

use crate::{idempotency, long};
use async_graphql::{
    ContainerType, Context, ContextSelectionSet, ObjectType, OutputType, Positioned, ServerResult, Value,
    parser::types::Field,
    registry::{MetaField, MetaType, Registry},
};
use std::borrow::Cow;

/// What arguments are for, by their names.
const ARGUMENTS: &[(&str, &str)] = &[
    ("after", "Where to go on: the `endCursor` or `nextCursor` of the page before."),
    ("asOf", "The moment to look at; left out, as it is now."),
    ("by", "What is counted by; left out, only the total is told."),
    ("confirmGone", "The `wouldMarkGone` that an earlier attempt was refused with, to have it done."),
    ("content", "The report or inventory itself, as text."),
    ("coverage", "How much of its scope the report has seen."),
    ("descending", "Whether the order is turned round."),
    ("dryRun", "Only tells what would be done."),
    ("filter", "What is listed: all conditions that are given hold. Left out, all that the caller may see."),
    ("findingId", "The finding's id."),
    ("first", "How many at most; left out, 50."),
    ("format", "The form that the content is in."),
    ("id", "Its id."),
    ("ids", "Their ids."),
    ("ifMatch", "The number of the version that was read; needed, and refused with `stale` if another one came since."),
    ("input", "What is wanted."),
    ("into", "The id of the one that stays."),
    ("key", "The ticket's key in its tracker."),
    ("lease", "The token of the lease that the task was claimed with."),
    ("orderBy", "The order; equal ones are always ordered by id."),
    ("other", "The id of the other one."),
    ("overlapSeconds", "How long the secret before goes on, in seconds."),
    ("rule", "The rule to try."),
    ("scope", "The name of the scan, of those that the source has."),
    ("scopeAssets", "The assets that a complete report has seen, by id or name."),
    ("scopeNetworks", "The networks that a complete report has seen, as CIDRs."),
    ("scopeRules", "The rules that a complete report has looked for."),
    ("since", "In place of a cursor: what happened at or after this moment."),
    ("sort", "The key of the order."),
    ("source", "The name of the source; left out, that of the tool."),
    ("sourceId", "The source's id."),
    ("states", "What each state of the tracker means."),
    ("system", "The tracker's name, such as `jira`."),
    ("taskId", "The task's id."),
    (
        "tenant",
        "The municipality, by slug or id; needed where the token spans several. In a list, those that are meant.",
    ),
    ("tlp", "The marking of what the report holds."),
    ("url", "Where people find the ticket."),
];

/// A root whose fields may be null and whose schema is described to the end.
#[derive(Default)]
pub struct Described<T>(T);

impl<T: ObjectType> OutputType for Described<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        let name = T::create_type_info(registry);
        registry.types.iter_mut().for_each(|(name, kind)| describe(name, kind));
        if let Some(MetaType::Object { fields, .. }) = registry.types.get_mut(&*T::type_name()) {
            fields.values_mut().for_each(|field| field.ty = field.ty.trim_end_matches('!').to_owned());
        }
        long::widen(registry);
        name
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        self.0.resolve(ctx, field).await
    }
}

impl<T: ObjectType> ContainerType for Described<T> {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        let answer = idempotency::kept(ctx, self.0.resolve_field(ctx).await).await;
        Ok(answer.unwrap_or_else(|error| {
            ctx.add_error(error);
            Some(Value::Null)
        }))
    }
}

impl<T: ObjectType> ObjectType for Described<T> {}

fn describe(name: &str, kind: &mut MetaType) {
    match kind {
        MetaType::Scalar { description, .. } if name == "ID" => {
            description.get_or_insert_with(|| "An identifier. Those of resources are UUIDv7.".to_owned());
        }
        MetaType::Object { description, fields, .. } => {
            if let Some(item) = name.strip_suffix("Connection") {
                let words = || format!("A page of `{item}` (Relay, Cursor Connections).");
                description.get_or_insert_with(words);
            }
            fields.values_mut().for_each(describe_arguments);
        }
        _ => {}
    }
}

fn describe_arguments(field: &mut MetaField) {
    for argument in field.args.values_mut() {
        let known = ARGUMENTS.iter().find(|(name, _)| *name == argument.name);
        argument.description = argument.description.take().or(known.map(|(_, words)| (*words).to_owned()));
    }
}
