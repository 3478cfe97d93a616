//! A change of who may do what: platform rows that concern some of the caller's
//! tenants. It numbers nothing, since rights are no resources of the feed, but
//! every tenant that it concerns has it in its audit.

use super::Caller;
use crate::{
    Result,
    audit::{self, Entry},
    platform::{self, Rows},
    store::Connection,
};
use domain::{TenantId, Timestamp};
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
        let (vault, principal) = (&self.caller.service().vault, self.caller.principal());
        for tenant in tenants {
            let entry = Entry::done(action).about(about.0, about.1);
            audit::append(&self.connection, vault, TenantId(*tenant), principal, entry, now).await?;
        }
        match self.tenants.first() {
            Some(tenant) => self.caller.settle(self.connection, *tenant).await,
            None => self.connection.commit().await,
        }
    }
}
