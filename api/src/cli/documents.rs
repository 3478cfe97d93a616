//! The generated documents.

use super::{Failure, print};
use crate::rest;

pub(super) fn openapi() -> Result<(), Failure> {
    print(&rest::document_json())
}

pub(super) fn schema() -> Result<(), Failure> {
    print(&schema::sdl())
}
