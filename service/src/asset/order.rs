//! The orders that assets can be listed in, each by stored columns with an index.

use super::list::AssetOrder;
use domain::asset::AssetSort;
use entity::asset;
use sea_orm::{
    Value,
    sea_query::{Expr, ExprTrait},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where a page ends: the sort key and id of its last item.
#[derive(Serialize, Deserialize)]
pub(super) struct Position {
    key: Key,
    id: Uuid,
}

#[derive(Serialize, Deserialize)]
enum Key {
    Id,
    Name(String),
    OpenFindings([i32; 5]),
}

/// The stored columns of an order; ids need none, since every order ends with them.
pub(super) const fn columns(by: AssetSort) -> &'static [asset::Column] {
    use asset::Column as C;
    match by {
        AssetSort::Id => &[],
        AssetSort::Name => &[C::Name],
        AssetSort::OpenFindings => &[C::OpenCritical, C::OpenHigh, C::OpenMedium, C::OpenLow, C::OpenInformational],
    }
}

pub(super) fn position(order: AssetOrder, row: &asset::Model) -> Position {
    let key = match order.by {
        AssetSort::Id => Key::Id,
        AssetSort::Name => Key::Name(row.name.clone()),
        AssetSort::OpenFindings => {
            Key::OpenFindings([row.open_critical, row.open_high, row.open_medium, row.open_low, row.open_informational])
        }
    };
    Position { key, id: row.id }
}

/// Rows after the position: a row comparison, which an index on all of the columns serves.
pub(super) fn beyond(order: AssetOrder, after: Position) -> Expr {
    let keys: Vec<Value> = match after.key {
        Key::Id => Vec::new(),
        Key::Name(name) => vec![name.into()],
        Key::OpenFindings(counts) => counts.into_iter().map(Into::into).collect(),
    };
    let column = |column: &asset::Column| Expr::col((asset::Entity, *column));
    let left: Vec<Expr> = columns(order.by).iter().chain([&asset::Column::Id]).map(column).collect();
    let right: Vec<Expr> = keys.into_iter().chain([after.id.into()]).map(Expr::val).collect();
    let (left, right) = (Expr::tuple(left), Expr::tuple(right));
    if order.descending { left.lt(right) } else { left.gt(right) }
}
