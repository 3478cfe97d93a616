//! Signing keys in the store.

use super::{Platform, changed};
use crate::Result;
use domain::Timestamp;
use entity::signing_key;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder};

/// A signing key to store.
pub(crate) struct NewKey {
    /// Its id.
    pub(crate) kid: String,
    /// `EdDSA` or `ES256`.
    pub(crate) algorithm: String,
    /// The public half as a JWK.
    pub(crate) public_jwk: String,
    /// The private half (PKCS#8), sealed.
    pub(crate) sealed_private_key: Vec<u8>,
    /// When it was made.
    pub(crate) created_at: Timestamp,
}

impl Platform {
    /// The key that signs now.
    pub(crate) async fn signing_key(&self, now: Timestamp) -> Result<Option<signing_key::Model>> {
        let connection = self.read().await?;
        let newest = signing_key::Entity::find().order_by_desc(signing_key::Column::CreatedAt);
        let keys = newest.order_by_desc(signing_key::Column::Kid).all(&connection).await?;
        Ok(keys.into_iter().find(|key| key.signs_from.is_none_or(|from| from <= now)))
    }

    /// Stores the first key, unless another replica was quicker.
    pub(crate) async fn add_first_key(&self, key: NewKey) -> Result<()> {
        let connection = self.write().await?;
        // The epoch's row is the lock that two first starts meet at.
        super::bump(&connection).await?;
        if signing_key::Entity::find().one(&connection).await?.is_some() {
            return Ok(());
        }
        signing_key::Entity::insert(row(key, None)).exec_without_returning(&connection).await?;
        changed(connection).await
    }

    /// Adds a key that signs from `from`; the tokens of those before are verified until `until`. Keys that
    /// verify nothing any more are removed.
    pub(crate) async fn rotate_keys(&self, key: NewKey, from: Timestamp, until: Timestamp) -> Result<()> {
        use signing_key::Column as C;
        let (connection, now) = (self.write().await?, key.created_at);
        super::bump(&connection).await?;
        signing_key::Entity::update_many()
            .col_expr(C::VerifiesUntil, Some(until).into())
            .filter(C::VerifiesUntil.is_null().or(C::VerifiesUntil.gt(until)))
            .exec(&connection)
            .await?;
        signing_key::Entity::delete_many().filter(C::VerifiesUntil.lte(now)).exec(&connection).await?;
        signing_key::Entity::insert(row(key, Some(from))).exec_without_returning(&connection).await?;
        changed(connection).await
    }
}

fn row(key: NewKey, signs_from: Option<Timestamp>) -> signing_key::ActiveModel {
    signing_key::ActiveModel {
        kid: Set(key.kid),
        algorithm: Set(key.algorithm),
        public_jwk: Set(key.public_jwk),
        sealed_private_key: Set(key.sealed_private_key),
        created_at: Set(key.created_at),
        signs_from: Set(signs_from),
        verifies_until: Set(None),
    }
}
