//! Subscriptions: a query that is asked again whenever something has happened.
//!
//! `subscription { changes { … } }` means what `query { changes { … } }` does. Each time there is a new page, the document
//! runs as that query over it, in the name of the caller as it stands then, so that what hangs on a change is
//! as it stands, and as the caller may see it.

use crate::{Budget, FyndSchema, Imports, answer, error, limits};
use async_graphql::{
    Context, Executor, Request, Response, ServerError, SubscriptionType, Value,
    futures_util::{
        Stream,
        stream::{self, BoxStream},
    },
    parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition, OperationType},
    registry::{MetaType, Registry},
};
use domain::{
    Code,
    change::{ChangeFilter, ChangePage, FeedRequest, Start},
};
use service::{Caller, Error, Fresh};
use std::{
    any::Any,
    borrow::Cow,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// The root of subscriptions, for the schema: its fields are those of the query that go on.
pub struct Subscription;

/// The fields of the query that go on.
const FOLLOWED: &[&str] = &["changes"];

impl SubscriptionType for Subscription {
    fn type_name() -> Cow<'static, str> {
        Cow::Borrowed("Subscription")
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_subscription_type::<Self, _>(|registry| {
            let fields = match registry.types.get("Query") {
                Some(MetaType::Object { fields, .. }) => fields.clone(),
                _ => Default::default(),
            };
            MetaType::Object {
                name: "Subscription".to_owned(),
                description: Some("What goes on, over WebSocket at `/graphql/ws` (`graphql-transport-ws`).".to_owned()),
                fields: fields.into_iter().filter(|(name, _)| FOLLOWED.contains(&name.as_str())).collect(),
                cache_control: Default::default(),
                extends: false,
                shareable: false,
                resolvable: true,
                keys: None,
                visible: None,
                inaccessible: false,
                interface_object: false,
                tags: Default::default(),
                is_subscription: true,
                rust_typename: Some(std::any::type_name::<Self>()),
                directive_invocations: Default::default(),
                requires_scopes: Default::default(),
            }
        })
    }

    /// Nothing runs as a subscription; see the module.
    fn create_field_stream<'a>(
        &'a self,
        _: &'a Context<'_>,
    ) -> Option<Pin<Box<dyn Stream<Item = Response> + Send + 'a>>> {
        None
    }
}

/// Makes a query of the subscription that is to run; says whether there was one.
pub(crate) fn as_query(document: &mut ExecutableDocument, name: Option<&str>) -> Result<bool, ServerError> {
    let operation = match (&mut document.operations, name) {
        (DocumentOperations::Single(one), _) => Some(one),
        (DocumentOperations::Multiple(many), Some(name)) => many.get_mut(name),
        // One that has a name stands among many, though it is the only one.
        (DocumentOperations::Multiple(many), None) if many.len() == 1 => many.values_mut().next(),
        (DocumentOperations::Multiple(_), None) => None,
    };
    let Some(operation) = operation.map(|operation| &mut operation.node) else { return Ok(false) };
    if operation.ty != OperationType::Subscription {
        return Ok(false);
    }
    if !is_followed(operation) {
        let words = format!("A subscription is one of the fields {}, and no other.", FOLLOWED.join(", "));
        return Err(limits::refusal(Code::InvalidQuery, words));
    }
    operation.ty = OperationType::Query;
    Ok(true)
}

/// One field at the root (GraphQL, section 5.2.3.1), with no way round it.
fn is_followed(operation: &OperationDefinition) -> bool {
    use async_graphql::parser::types::Selection;
    match operation.selection_set.node.items.as_slice() {
        [one] => match &one.node {
            Selection::Field(field) => {
                FOLLOWED.contains(&field.node.name.node.as_str()) && field.node.directives.is_empty()
            }
            _ => false,
        },
        _ => false,
    }
}

/// The page of a subscription that its query is to show, and how the next one is asked for.
#[derive(Clone, Default)]
pub(crate) struct Step(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    page: Option<ChangePage>,
    next: Option<Next>,
}

#[derive(Clone)]
struct Next {
    filter: ChangeFilter,
    request: FeedRequest,
}

impl Step {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The page that is there already.
    pub(crate) fn page(&self) -> Option<ChangePage> {
        self.state().page.take()
    }

    /// Notes what was asked, to go on after its page.
    pub(crate) fn asked(&self, filter: &ChangeFilter, limit: u64, page: &ChangePage) {
        let start = Start::Cursor(page.next_cursor.clone());
        let request = FeedRequest { limit, start, each: false };
        self.state().next = Some(Next { filter: filter.clone(), request });
    }
}

/// Who a connection is, asked for anew for each step.
pub trait Reader: service::change::Reader {
    /// Charges an operation to the caller, and keeps a place for it as long as the second is held.
    ///
    /// # Errors
    /// `rate_limited`, `unavailable`.
    fn admit(&self, caller: &Caller) -> service::Result<(Budget, Box<dyn Any + Send + Sync>)>;
}

/// Runs the operations of a connection.
#[derive(Clone)]
pub struct Connected {
    schema: FyndSchema,
    imports: Imports,
}

impl Connected {
    /// Over the schema.
    pub fn new(schema: FyndSchema, imports: Imports) -> Self {
        Self { schema, imports }
    }
}

/// The reader of a connection, once it has said who it is.
pub type Session = Arc<dyn Reader>;

/// How long a subscription waits before it looks whether its caller still is one.
const WAIT: Duration = Duration::from_secs(30);

impl Executor for Connected {
    async fn execute(&self, _: Request) -> Response {
        Response::from_errors(vec![limits::refusal(Code::InvalidQuery, "A connection is needed.")])
    }

    fn execute_stream(
        &self,
        request: Request,
        session: Option<Arc<async_graphql::Data>>,
    ) -> BoxStream<'static, Response> {
        let session = session.as_deref().and_then(|data| data.get(&std::any::TypeId::of::<Session>()));
        let Some(reader) = session.and_then(|reader| reader.downcast_ref::<Session>()).cloned() else {
            let nobody = limits::refusal(Code::Unauthenticated, Code::Unauthenticated.title());
            return Box::pin(stream::iter([Response::from_errors(vec![nobody])]));
        };
        let run =
            Run { connected: self.clone(), reader, asked: Asked::of(request), step: Step::default(), place: None };
        Box::pin(stream::unfold(Some(run), async |run| run?.next().await))
    }
}

/// An operation as it was sent.
struct Asked {
    query: String,
    operation: Option<String>,
    variables: async_graphql::Variables,
    extensions: std::collections::HashMap<String, Value>,
}

impl Asked {
    fn of(request: Request) -> Self {
        let Request { query, operation_name, variables, extensions, .. } = request;
        Self { query, operation: operation_name, variables, extensions: extensions.0 }
    }

    fn request(&self) -> Request {
        let mut request = Request::new(self.query.clone()).variables(self.variables.clone());
        request.operation_name.clone_from(&self.operation);
        request.extensions.0.clone_from(&self.extensions);
        request
    }
}

/// An operation of a connection.
struct Run {
    connected: Connected,
    reader: Session,
    asked: Asked,
    step: Step,
    /// Held while it goes on; none before the first answer.
    place: Option<Box<dyn Any + Send + Sync>>,
}

impl Run {
    /// The next answer, and what follows it.
    async fn next(mut self) -> Option<(Response, Option<Self>)> {
        match self.answer().await {
            Ok(response) => {
                // What hangs on a change may be refused, which ends nothing.
                let goes_on = self.step.state().next.is_some();
                Some((response, goes_on.then_some(self)))
            }
            Err(refused) => {
                let refused = error::refused(refused).into_server_error(Default::default());
                Some((Response::from_errors(vec![refused]), None))
            }
        }
    }

    async fn answer(&mut self) -> service::Result<Response> {
        let mut request = self.asked.request();
        let mut caller = self.reader.caller().await?;
        if self.place.is_none() {
            let (budget, place) = self.reader.admit(&caller)?;
            self.place = Some(place);
            request = request.data(budget);
        } else {
            let page = self.follow().await?;
            self.step.state().page = Some(page);
            caller = self.reader.caller().await?;
        }
        let Connected { schema, imports } = &self.connected;
        Ok(answer(schema, caller, imports.clone(), request, Some(self.step.clone())).await)
    }

    /// Waits for the next page.
    async fn follow(&self) -> service::Result<ChangePage> {
        let next = self.step.state().next.take();
        let Some(Next { filter, mut request }) = next else {
            return Err(Error::Internal("nothing is followed".into()));
        };
        loop {
            let reader: &dyn service::change::Reader = &*self.reader;
            let Fresh::Changed(_, page) = service::change::follow(reader, &filter, &request, None, WAIT).await? else {
                return Err(Error::Internal("unchanged without a tag".into()));
            };
            if !page.items.is_empty() {
                return Ok(page);
            }
            request.start = Start::Cursor(page.next_cursor);
        }
    }
}
