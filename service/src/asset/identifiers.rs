//! The identifiers that a person gives an asset or takes from it.

use super::book::{Book, Claim, Given};
use crate::{Error, Result, tenancy::Command};
use domain::{Code, Identifier, Violation, text};
use entity::asset_identifier;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition,
    sea_query::{Expr, ExprTrait},
};
use std::collections::BTreeSet;
use uuid::Uuid;

/// All that an asset has.
pub(super) async fn of(command: &Command, asset: Uuid) -> Result<BTreeSet<Identifier>> {
    let of_asset = asset_identifier::Column::AssetId.eq(asset);
    let rows = command.scope().find::<asset_identifier::Entity>().filter(of_asset).all().await?;
    Ok(rows.into_iter().map(|row| Identifier { kind: row.kind, value: row.value }).collect())
}

/// Those of the wanted ones that the asset has not.
///
/// # Errors
/// `identifier_taken` if another asset of the municipality has one, `invalid_body` if they are too many.
pub(super) async fn missing(
    command: &Command,
    asset: Uuid,
    wanted: &[Identifier],
    room: usize,
) -> Result<Vec<Identifier>> {
    let mut book = Book::default();
    book.load(&command.scope(), wanted.iter()).await?;
    let mut missing = Vec::new();
    for identifier in wanted {
        match book.give(asset, identifier, Claim::Entered) {
            Given::Held | Given::From(_) => {}
            Given::Taken(owner) => {
                let (kind, value) = (text::word(&identifier.kind), &identifier.value);
                return Err(Error::refused(Code::IdentifierTaken, format!("{kind} {value} belongs to asset {owner}")));
            }
            Given::New | Given::Full => missing.push(identifier.clone()),
        }
    }
    if missing.len() > room {
        let detail = format!("an asset has at most {} identifiers", Identifier::MAX_OF_ASSET);
        return Err(domain::Error::invalid(vec![Violation::new("/add_identifiers", detail)]).into());
    }
    Ok(missing)
}

/// Writes identifiers that nobody has, as a person gives them.
pub(super) async fn add(command: &Command, given: impl Iterator<Item = (Uuid, Identifier)>) -> Result<()> {
    let row = |(asset, identifier): (Uuid, Identifier)| asset_identifier::ActiveModel {
        tenant_id: Set(command.tenant()),
        kind: Set(identifier.kind),
        value: Set(identifier.value),
        asset_id: Set(asset),
        entered: Set(true),
        seen_at: Set(None),
    };
    command.insert::<asset_identifier::Entity>(given.map(row).collect()).await
}

/// Takes identifiers away from an asset.
pub(super) async fn remove(command: &Command, asset: Uuid, lost: &[Identifier]) -> Result<()> {
    use asset_identifier::Column as C;
    if lost.is_empty() {
        return Ok(());
    }
    let one = |identifier: &Identifier| {
        Condition::all().add(C::Kind.eq(identifier.kind)).add(C::Value.eq(identifier.value.as_str()))
    };
    let any = lost.iter().fold(Condition::any(), |any, identifier| any.add(one(identifier)));
    command.delete::<asset_identifier::Entity>(Condition::all().add(C::AssetId.eq(asset)).add(any)).await
}

/// Gives all of an asset's identifiers to another one.
pub(super) async fn hand_over(command: &Command, from: Uuid, into: Uuid) -> Result<()> {
    let of_asset = Expr::col(asset_identifier::Column::AssetId).eq(from);
    let change = asset_identifier::ActiveModel { asset_id: Set(into), ..Default::default() };
    command.update_where::<asset_identifier::Entity>(of_asset, change).await?;
    Ok(())
}
