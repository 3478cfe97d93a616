//! A read: one consistent look over the tenants where the caller may look.

use super::{Caller, Scope};
use crate::{
    platform::{self, Rows},
    store::Connection,
};
use domain::{Permission, TenantId};
use std::sync::Arc;
use uuid::Uuid;

/// One transaction of one read request. Dropping it ends it, unless others of the same moment go on.
pub struct Read {
    connection: Arc<Connection>,
    caller: Caller,
    tenants: Vec<Uuid>,
}

impl Read {
    pub(super) fn new(connection: Arc<Connection>, caller: Caller, tenants: Vec<Uuid>) -> Self {
        Self { connection, caller, tenants }
    }

    /// The caller.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The rows of the permission that the read was begun with.
    pub fn scope(&self) -> Scope<'_> {
        Scope::new(&self.connection, &self.caller, self.tenants.clone())
    }

    /// The platform's rows about the tenants of the permission that the read was begun with.
    pub(crate) fn platform(&self) -> Rows<'_> {
        platform::rows(&self.connection, &self.tenants)
    }

    /// The rows that need another permission as well: both hold. May be of no tenant.
    pub fn narrow(&self, permission: Permission) -> Scope<'_> {
        let holds = |tenant: &&Uuid| self.caller.may(permission, TenantId(**tenant));
        Scope::new(&self.connection, &self.caller, self.tenants.iter().filter(holds).copied().collect())
    }
}
