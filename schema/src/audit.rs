//! Who did what; and what the audit hears of refusals here.

use crate::connection::{caller, connection, cost, operation, page};
use async_graphql::{
    Context, Name, Object, PathSegment, Response, Result, Value,
    connection::{Connection, EmptyFields},
    parser::types::{ExecutableDocument, Selection},
};
use domain::{AuditFilter, AuditRecord, Code};
use service::Caller;
use std::collections::HashMap;

#[derive(Default)]
pub(crate) struct AuditQueries;

#[Object]
impl AuditQueries {
    /// Who did what, newest first.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn audit(
        &self,
        ctx: &Context<'_>,
        filter: Option<AuditFilter>,
        first: Option<i64>,
        after: Option<String>,
    ) -> Result<Connection<String, AuditRecord, EmptyFields, EmptyFields>> {
        let page = page(first, after)?;
        connection(service::audit::list(caller(ctx)?, &filter.unwrap_or_default(), &page, None).await, |record| record)
    }
}

/// The fields that a document gives other names, by those names: the audit holds no text of a request.
pub(crate) struct Aliases(HashMap<Name, Name>);

impl Aliases {
    pub(crate) fn of(document: &ExecutableDocument) -> Self {
        let operations = document.operations.iter().map(|(_, operation)| &operation.node.selection_set);
        let fragments = document.fragments.values().map(|fragment| &fragment.node.selection_set);
        let mut aliases = HashMap::new();
        let mut waiting: Vec<_> = fragments.chain(operations).collect();
        while let Some(set) = waiting.pop() {
            for item in &set.node.items {
                match &item.node {
                    Selection::Field(field) => {
                        if let Some(alias) = &field.node.alias {
                            aliases.insert(alias.node.clone(), field.node.name.node.clone());
                        }
                    }
                    Selection::InlineFragment(inline) => waiting.push(&inline.node.selection_set),
                    Selection::FragmentSpread(_) => {}
                }
            }
        }
        Self(aliases)
    }

    /// Tells the audit of the refusals in an answer. What validation refused has no path and is none.
    pub(crate) fn tell(&self, caller: &Caller, response: &Response) {
        for error in &response.errors {
            let code = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
            let Some(Value::String(code)) = code else { continue };
            let Some(PathSegment::Field(shown)) = error.path.first() else { continue };
            let Some(code) = Code::ALL.iter().find(|known| known.as_str() == code) else { continue };
            let field = self.0.get(shown.as_str()).map_or(shown.as_str(), Name::as_str);
            caller.refused(&operation(field), *code);
        }
    }
}
