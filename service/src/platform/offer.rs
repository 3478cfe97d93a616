//! What the settings of outside issuers offer, as grants that each municipality sees, narrows and revokes.

use super::{NewRow, Platform, To, changed, rows};
use crate::{Result, auth::OfferedGrant, store::Connection};
use domain::{Scopes, Tenant, Timestamp};
use entity::grant;
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, sea_query::Expr};

/// The origin of such a grant, while the settings offer it.
const OFFERED: &str = "issuer";
/// And once they do not any more.
const WITHDRAWN: &str = "issuer_withdrawn";

impl Platform {
    /// Brings the grants to what the settings offer. What a municipality has revoked, shortened or narrowed stays
    /// so: only what is offered anew is granted anew.
    pub(crate) async fn sync_offers(&self, offers: Vec<OfferedGrant>, now: Timestamp) -> Result<()> {
        let tenants = self.tenants().await?;
        let connection = self.write().await?;
        let ever = grant::Column::Origin.is_in([OFFERED, WITHDRAWN]);
        let known = grant::Entity::find().filter(ever).order_by_asc(grant::Column::Id).all(&connection).await?;
        let (mut new, mut kept) = (Vec::new(), Vec::new());
        for offer in offers {
            let Some(tenant) = tenants.iter().find(|tenant| tenant.is_named(&offer.tenant)) else {
                tracing::warn!(
                    issuer = offer.issuer,
                    tenant = offer.tenant,
                    "an issuer is to reach an unknown municipality"
                );
                continue;
            };
            match known.iter().rev().find(|row| is_of(row, &offer, tenant)) {
                None => new.push((offer.scopes, offer, tenant)),
                Some(row) if still_holds(row, offer.scopes) => kept.push(row.id),
                Some(row) => new.push((left(row, offer.scopes), offer, tenant)),
            }
        }
        let is_over =
            |row: &&grant::Model| row.origin == OFFERED && row.revoked_at.is_none() && !kept.contains(&row.id);
        let over: Vec<&grant::Model> = known.iter().filter(is_over).collect();
        if new.is_empty() && over.is_empty() {
            return Ok(());
        }
        withdraw(&connection, &over, now).await?;
        for (scopes, offer, tenant) in new {
            let to = To::Role { issuer: offer.issuer, role: offer.role };
            let row = NewRow { to, tenant: tenant.id, scopes, origin: OFFERED, granted_by: None, window: (now, None) };
            rows(&connection, &[]).add_offer(row, offer.scopes, now).await?;
        }
        changed(connection).await
    }
}

fn is_of(row: &grant::Model, offer: &OfferedGrant, tenant: &Tenant) -> bool {
    row.issuer.as_deref() == Some(&offer.issuer)
        && row.role.as_deref() == Some(&offer.role)
        && row.tenant_id == Some(tenant.id.0)
}

/// Whether nothing is to be done about a row: it says what is offered, or the municipality has had its word.
fn still_holds(row: &grant::Model, offered: Scopes) -> bool {
    let said = row.offered.as_deref().map(Scopes::parse_known);
    let shortened = row.valid_to.is_some()
        && offered.intersection(Scopes::parse_known(&row.scopes)) == Scopes::parse_known(&row.scopes);
    row.revoked_at.is_some() || (row.origin == OFFERED && (said == Some(offered) || shortened))
}

/// What is offered, without what the municipality took out of the offer before.
fn left(before: &grant::Model, offered: Scopes) -> Scopes {
    let said = before.offered.as_deref().map_or(Scopes::NONE, Scopes::parse_known);
    offered.difference(said.difference(Scopes::parse_known(&before.scopes)))
}

/// Ends what is no longer offered, without calling it revoked, which is the municipality's word; but for what the
/// municipality has given an end itself: that does not come back.
async fn withdraw(connection: &Connection, rows: &[&grant::Model], now: Timestamp) -> Result<()> {
    use grant::Column as C;
    let ids = |shortened: bool| -> Vec<uuid::Uuid> {
        rows.iter().filter(|row| row.valid_to.is_some() == shortened).map(|row| row.id).collect()
    };
    for (column, ids) in [(C::RevokedAt, ids(true)), (C::ValidTo, ids(false))] {
        grant::Entity::update_many()
            .col_expr(C::Origin, WITHDRAWN.into())
            .col_expr(column, Some(now).into())
            .col_expr(C::Version, Expr::col(C::Version).add(1))
            .filter(C::Id.is_in(ids))
            .exec(connection)
            .await?;
    }
    Ok(())
}
