//! A change of who may do what: platform rows that concern some of the caller's
//! tenants. It numbers nothing, since rights are no resources of the feed, but
//! every tenant that it concerns has it in its audit.

use super::Caller;
use crate::{
    Result,
    platform::{self, Rows},
    store::Connection,
};
use domain::Timestamp;
use entity::audit;
use sea_orm::{ActiveValue::Set, EntityTrait};
use uuid::Uuid;

/// One transaction of one such change. Dropping it changes nothing.
pub struct Administration {
    connection: Connection,
    caller: Caller,
    tenants: Vec<Uuid>,
}

impl Administration {
    pub(super) fn new(connection: Connection, caller: Caller, tenants: Vec<Uuid>) -> Self {
        Self { connection, caller, tenants }
    }

    /// The tenants.
    pub(crate) fn tenants(&self) -> &[Uuid] {
        &self.tenants
    }

    /// The platform's rows about the caller's tenants.
    pub(crate) fn platform(&self) -> Rows<'_> {
        platform::rows(&self.connection, &self.tenants)
    }

    /// Commits the change with an audit row in each of the tenants.
    pub(crate) async fn commit(
        self,
        action: &str,
        about: (&str, Uuid),
        tenants: &[Uuid],
        now: Timestamp,
    ) -> Result<()> {
        self.platform().bump().await?;
        let rows = tenants.iter().map(|tenant| audit::ActiveModel {
            tenant_id: Set(*tenant),
            id: Set(Uuid::now_v7()),
            recorded_at: Set(now),
            principal_id: Set(self.caller.principal().0),
            action: Set(action.to_owned()),
            resource_type: Set(Some(about.0.to_owned())),
            resource_id: Set(Some(about.1)),
            first_seq: Set(0),
            last_seq: Set(0),
        });
        audit::Entity::insert_many(rows).exec_without_returning(&self.connection).await?;
        self.connection.commit().await
    }
}
