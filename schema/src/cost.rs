//! What documents cost: the complexity of each that is to run is held against
//! the limit of one, taken from its caller's budget, which the edge keeps, and
//! told in `extensions.cost`.

use crate::limits::{Limits, refusal, too_much};
use async_graphql::{
    ErrorExtensionValues, Response, ServerError, ValidationResult, Value,
    async_trait::async_trait,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextValidation},
    value,
};
use domain::Code;
use std::sync::{Arc, Mutex, PoisonError};

/// What a caller may spend on documents. A request without one spends freely.
pub struct Budget(Box<Spend>);

type Spend = dyn Fn(usize) -> Result<Option<Left>, u64> + Send + Sync;

/// What is left of a budget.
#[derive(Clone, Copy, Debug)]
pub struct Left {
    /// What may be spent in a minute.
    pub limit: u32,
    /// What is left of it.
    pub remaining: u32,
    /// Seconds until it is whole again.
    pub resets_in: u64,
}

impl Budget {
    /// A budget from the function that takes a document's cost from it and tells what is left if there is a limit, or
    /// for how many seconds it does not suffice.
    pub fn new(spend: impl Fn(usize) -> Result<Option<Left>, u64> + Send + Sync + 'static) -> Self {
        Self(Box::new(spend))
    }
}

/// What one document costs, from when that is known.
#[derive(Clone, Default)]
pub(crate) struct Bill(Arc<Mutex<Cost>>);

#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    requested: usize,
    depth: usize,
    introspection: usize,
    left: Option<Left>,
}

impl Bill {
    /// Notes what is known of the document's form: its depth, and what its introspection adds to the complexity.
    pub(crate) fn known(&self, depth: usize, introspection: usize) {
        self.change(|cost| *cost = Cost { depth, introspection, ..*cost });
    }

    /// Tells in the answer what was charged. A document that was refused before its cost was known has cost nothing.
    pub(crate) fn tell(&self, response: &mut Response, limits: &Limits) {
        let Cost { requested, depth, left, .. } = self.read();
        let mut told = value!({
            "requested": requested,
            "limit": limits.complexity,
            "depth": depth,
            "depthLimit": limits.depth,
        });
        if let (Value::Object(fields), Some(Left { limit, remaining, resets_in })) = (&mut told, left) {
            let budget = value!({"limit": limit, "remaining": remaining, "resetsIn": resets_in});
            fields.insert(async_graphql::Name::new("budget"), budget);
        }
        response.extensions.insert("cost".to_owned(), told);
    }

    fn read(&self) -> Cost {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Cost)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Charges documents once they are known to be valid.
pub(crate) struct Charge;

impl ExtensionFactory for Charge {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait]
impl Extension for Charge {
    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let mut valid = next.run(ctx).await?;
        let Some(bill) = ctx.data_opt::<Bill>() else { return Ok(valid) };
        valid.complexity = valid.complexity.saturating_add(bill.read().introspection);
        bill.change(|cost| cost.requested = valid.complexity);
        if let Some(limits) = ctx.data_opt::<Limits>() {
            affordable(valid.complexity, limits.complexity).map_err(|error| vec![error])?;
        }
        if let Some(Budget(spend)) = ctx.data_opt::<Budget>() {
            let left = spend(valid.complexity).map_err(|seconds| vec![spent(valid.complexity, seconds)])?;
            bill.change(|cost| cost.left = left);
        }
        Ok(valid)
    }
}

fn affordable(cost: usize, limit: usize) -> Result<(), ServerError> {
    if cost <= limit {
        return Ok(());
    }
    Err(too_much(format!("The document is too complex: it costs {cost}; at most {limit} is taken.")))
}

fn spent(cost: usize, seconds: u64) -> ServerError {
    let words = format!("The document costs {cost}, more than is left for this minute; wait {seconds} s.");
    let mut error = refusal(Code::RateLimited, words);
    error.extensions.get_or_insert_with(ErrorExtensionValues::default).set("retry_after", seconds);
    error
}
