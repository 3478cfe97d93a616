//! Signing keys in the store.

use super::{Platform, changed};
use crate::Result;
use domain::Timestamp;
use entity::signing_key;
use sea_orm::{ActiveValue::Set, EntityTrait, QueryOrder};

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
    /// The key that signs.
    pub(crate) async fn newest_key(&self) -> Result<Option<signing_key::Model>> {
        let connection = self.read().await?;
        Ok(signing_key::Entity::find().order_by_desc(signing_key::Column::CreatedAt).one(&connection).await?)
    }

    /// Stores the first key, unless another replica was quicker.
    pub(crate) async fn add_first_key(&self, key: NewKey) -> Result<()> {
        let connection = self.write().await?;
        // The epoch's row is the lock that two first starts meet at.
        super::bump(&connection).await?;
        if signing_key::Entity::find().one(&connection).await?.is_some() {
            return Ok(());
        }
        let row = signing_key::ActiveModel {
            kid: Set(key.kid),
            algorithm: Set(key.algorithm),
            public_jwk: Set(key.public_jwk),
            sealed_private_key: Set(key.sealed_private_key),
            created_at: Set(key.created_at),
        };
        signing_key::Entity::insert(row).exec_without_returning(&connection).await?;
        changed(connection).await
    }
}
