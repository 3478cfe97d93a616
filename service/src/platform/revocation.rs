//! Tokens that end before their time.

use super::{Platform, changed};
use crate::Result;
use domain::Timestamp;
use entity::revoked_token;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::OnConflict};

impl Platform {
    /// Ends the token with this `jti`; the row stays until the token would have ended by itself.
    pub(crate) async fn revoke_token(&self, jti: &str, until: Timestamp, now: Timestamp) -> Result<()> {
        use revoked_token::Column as C;
        let connection = self.write().await?;
        revoked_token::Entity::delete_many().filter(C::ExpiresAt.lte(now)).exec(&connection).await?;
        let row = revoked_token::ActiveModel { jti: Set(jti.to_owned()), expires_at: Set(until), revoked_at: Set(now) };
        let again = OnConflict::column(C::Jti).do_nothing().to_owned();
        revoked_token::Entity::insert(row).on_conflict(again).exec_without_returning(&connection).await?;
        changed(connection).await
    }
}
