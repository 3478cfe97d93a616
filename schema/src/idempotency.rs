//! `idempotencyKey`: a mutation that comes again has its effect once and gives its first answer again, which is what
//! its field showed then; another document, or other arguments, under the same key is a mismatch.

use crate::{
    connection::caller,
    error::{refused, refused_by_rule},
};
use async_graphql::{
    Context, Error, Name, Positioned, Result, ServerResult, Value,
    async_trait::async_trait,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextResolve, ResolveInfo},
    parser::types::{Directive, Field, FragmentDefinition, Selection, SelectionSet},
};
use domain::idempotency::IdempotencyKey;
use service::{Caller, Once};
use std::{
    collections::HashMap,
    fmt::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

const ARGUMENT: &str = "idempotencyKey";

/// The caller of a mutation that may come twice if it has a key.
pub(crate) fn acting<'a>(ctx: &Context<'a>, key: Option<String>) -> Result<&'a Caller> {
    let caller = caller(ctx)?;
    let Some(key) = key else { return Ok(caller) };
    let key = IdempotencyKey::parse(ARGUMENT, &key).map_err(refused_by_rule)?;
    let field = ctx.field();
    let mut arguments = field.arguments()?;
    arguments.retain(|(name, _)| name != ARGUMENT);
    arguments.sort_by(|(left, _), (right, _)| left.cmp(right));
    let tenant = arguments.iter().find(|(name, _)| name == "tenant").map(|(_, tenant)| tenant.to_string());
    let once = Once::new(&key, &format!("MUTATION {}", field.name()), &tenant.unwrap_or_default());
    for (name, value) in arguments {
        once.asks(name.as_bytes());
        once.asks(value.to_string().as_bytes());
    }
    let mut shown = String::new();
    written(&mut shown, &ctx.item.node.selection_set.node, &ctx.query_env.fragments);
    once.asks(shown.as_bytes());
    once.asks(serde_json::to_string(&ctx.query_env.variables).unwrap_or_default().as_bytes());
    caller.answers_once(once).map_err(refused)?;
    Ok(caller)
}

/// A selection with its fragments written out, wherever it stands in the document. Circles of fragments are refused
/// before anything is resolved.
fn written(out: &mut String, selection: &SelectionSet, fragments: &HashMap<Name, Positioned<FragmentDefinition>>) {
    for item in &selection.items {
        match &item.node {
            Selection::Field(field) => {
                let Field { alias, name, arguments, directives, selection_set } = &field.node;
                let alias = alias.as_ref().map(|alias| alias.node.as_str()).unwrap_or_default();
                let _ = write!(out, "{alias}:{}(", name.node);
                for (name, value) in arguments {
                    let _ = write!(out, "{}:{},", name.node, value.node);
                }
                let _ = write!(out, "){}{{", conditions(directives));
                written(out, &selection_set.node, fragments);
                out.push('}');
            }
            Selection::InlineFragment(inline) => {
                let kind = inline.node.type_condition.as_ref().map(|kind| kind.node.on.node.as_str());
                let _ = write!(out, "...{}{}{{", kind.unwrap_or_default(), conditions(&inline.node.directives));
                written(out, &inline.node.selection_set.node, fragments);
                out.push('}');
            }
            Selection::FragmentSpread(spread) => {
                let _ = write!(out, "...{}{{", conditions(&spread.node.directives));
                if let Some(fragment) = fragments.get(&spread.node.fragment_name.node) {
                    let _ = write!(out, "{}:", fragment.node.type_condition.node.on.node);
                    written(out, &fragment.node.selection_set.node, fragments);
                }
                out.push('}');
            }
        }
    }
}

fn conditions(directives: &[Positioned<Directive>]) -> String {
    let mut out = String::new();
    for directive in directives {
        let _ = write!(out, "@{}(", directive.node.name.node);
        for (name, value) in &directive.node.arguments {
            let _ = write!(out, "{}:{},", name.node, value.node);
        }
        out.push(')');
    }
    out
}

/// Where in the answer stands what is told once and never again.
#[derive(Clone, Default)]
pub(crate) struct ToldOnce(Arc<Mutex<Vec<Vec<String>>>>);

impl ToldOnce {
    fn places(&self) -> MutexGuard<'_, Vec<Vec<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer without what is told once.
    fn taken_out_of(&self, value: &Value) -> Result<String> {
        let mut value = value.clone();
        for path in self.places().iter() {
            // The first step is the mutation itself.
            let found = path.iter().skip(1).try_fold(&mut value, |at, step| match at {
                Value::Object(fields) => fields.get_mut(&Name::new(step)),
                Value::List(items) => items.get_mut(step.parse::<usize>().ok()?),
                _ => None,
            });
            if let Some(secret) = found {
                *secret = Value::Null;
            }
        }
        value.into_json().map(|json| json.to_string()).map_err(|error| refused(service::Error::internal(error)))
    }
}

/// Notes where secrets are told.
pub(crate) struct Secrets;

impl ExtensionFactory for Secrets {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait]
impl Extension for Secrets {
    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        if info.parent_type == "ClientCredentials"
            && info.name == "secret"
            && let Some(told) = ctx.data_opt::<ToldOnce>()
        {
            told.places().push(info.path_node.to_string_vec());
        }
        next.run(ctx, info).await
    }
}

/// Keeps the answer of a mutation with its effect, or gives the one that was kept.
pub(crate) async fn kept(ctx: &Context<'_>, answer: ServerResult<Option<Value>>) -> ServerResult<Option<Value>> {
    let Some(once) = ctx.data_opt::<Caller>().and_then(Caller::answered) else { return answer };
    let placed = |error: Error| ctx.set_error_path(error.into_server_error(ctx.item.pos));
    match answer {
        Err(_) if let Some(given) = once.given() => again(&given).map_err(placed),
        Ok(Some(value)) if once.has_changed() => {
            let told = ctx.data::<ToldOnce>().map_err(placed)?;
            once.seal(told.taken_out_of(&value).map_err(placed)?).await.map_err(|error| placed(refused(error)))?;
            Ok(Some(value))
        }
        other => {
            once.forget();
            other
        }
    }
}

fn again(given: &str) -> Result<Option<Value>> {
    let unreadable = |error| -> Error { refused(service::Error::internal(error)) };
    let json: serde_json::Value = serde_json::from_str(given).map_err(unreadable)?;
    Value::from_json(json).map(Some).map_err(unreadable)
}
