//! The generated documents.

use super::{Failure, print};
use crate::{Config, rest};

pub(super) fn openapi() -> Result<(), Failure> {
    print(&rest::document_json())
}

pub(super) fn schema(config: &Config) -> Result<(), Failure> {
    print(&schema::build(config.limits.graphql_depth, config.limits.graphql_complexity).sdl())
}
