//! What documents cost: the complexity of each that is to run is taken from
//! its caller's budget, which the edge keeps.

use async_graphql::{
    ErrorExtensionValues, ServerError, ValidationResult,
    async_trait::async_trait,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextValidation},
};
use domain::Code;
use std::sync::Arc;

/// What a caller may spend on documents. A request without one spends freely.
pub struct Budget(Box<Spend>);

type Spend = dyn Fn(usize) -> Result<(), u64> + Send + Sync;

impl Budget {
    /// A budget from the function that takes a document's cost from it, or
    /// tells for how many seconds it does not suffice.
    pub fn new(spend: impl Fn(usize) -> Result<(), u64> + Send + Sync + 'static) -> Self {
        Self(Box::new(spend))
    }
}

/// Charges documents once they are known to be valid and within the limits of one.
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
        let valid = next.run(ctx).await?;
        let Some(Budget(spend)) = ctx.data_opt::<Budget>() else { return Ok(valid) };
        spend(valid.complexity).map_err(|seconds| vec![spent(valid.complexity, seconds)])?;
        Ok(valid)
    }
}

fn spent(cost: usize, seconds: u64) -> ServerError {
    let words = format!("The document costs {cost}, more than is left for this minute; wait {seconds} s.");
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", Code::RateLimited.as_str());
    extensions.set("retry_after", seconds);
    ServerError { extensions: Some(extensions), ..ServerError::new(words, None) }
}
