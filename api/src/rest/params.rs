//! Parameters that many operations share.

use super::{Problem, respond::Fields};
use domain::{CountWish, PageRequest};
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;

/// Which page of a list, and what to show of its items.
#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageParams {
    /// Most items, 1–500.
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub(super) limit: Option<i64>,
    /// The `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
    /// Fields to show; all if left out. The answer is then of fewer fields than its schema requires.
    #[param(style = Form, explode = false)]
    pub(super) fields: Option<Vec<String>>,
}

/// Which page of a list, what to show of its items, and whether to count all of them.
#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CountedParams {
    /// Most items, 1–500.
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub(super) limit: Option<i64>,
    /// The `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
    /// Fields to show; all if left out. The answer is then of fewer fields than its schema requires.
    #[param(style = Form, explode = false)]
    pub(super) fields: Option<Vec<String>>,
    /// Whether `count` tells how many items there are on all pages: `exact`, or `bounded` to 10,000.
    pub(super) count: Option<CountWish>,
}

impl From<PageParams> for CountedParams {
    fn from(PageParams { limit, cursor, fields }: PageParams) -> Self {
        Self { limit, cursor, fields, count: None }
    }
}

impl CountedParams {
    /// The page and the fields asked for.
    ///
    /// # Errors
    /// `invalid_parameter`.
    pub(super) fn read(self, known: &[&str]) -> Result<(PageRequest, Fields), Problem> {
        let page = PageRequest::new("limit", self.limit, PageRequest::MAX, self.cursor)?;
        Ok((PageRequest { count: self.count, ..page }, Fields::parse(self.fields, known)?))
    }
}

/// An operation without parameters: any one is an error that names it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoParams {}

/// What to show of a resource.
#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FieldParams {
    /// Fields to show; all if left out.
    #[param(style = Form, explode = false)]
    pub(super) fields: Option<Vec<String>>,
}

/// The municipality that something is made in.
#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TenantParam {
    /// The municipality, by slug or id; needed if the token spans several.
    pub(super) tenant: Option<String>,
}

/// The municipalities that something is done in.
#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TenantsParam {
    /// Municipalities, by slug or id; all of the token's if left out.
    #[param(style = Form, explode = false, example = json!(["norrvik"]))]
    pub(super) tenant: Vec<String>,
}

/// Tells a field that is null from one that is not there.
pub(crate) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}
