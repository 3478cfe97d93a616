//! A write before it names its tenant: what it is about is looked up here.

use super::{Caller, Command, Scope};
use crate::{Error, Result, store::Connection};
use domain::{Code, Permission};
use entity::Numbered;
use sea_orm::ColumnTrait;
use uuid::Uuid;

/// One transaction of one changing request. Dropping it changes nothing.
pub struct Write {
    connection: Connection,
    caller: Caller,
    tenants: Vec<Uuid>,
}

impl Write {
    pub(super) fn new(connection: Connection, caller: Caller, tenants: Vec<Uuid>) -> Self {
        Self { connection, caller, tenants }
    }

    /// The rows of the permission that the write was begun with.
    pub fn scope(&self) -> Scope<'_> {
        Scope::new(&self.connection, &self.caller, self.tenants.clone())
    }

    /// A row by its id.
    ///
    /// # Errors
    /// `not_found`, whether it is missing or another tenant's.
    pub async fn get<E: Numbered>(&self, id: Uuid) -> Result<E::Model> {
        self.scope().find::<E>().filter(E::id().eq(id)).one().await?.ok_or_else(Error::not_found)
    }

    /// A row by its id in the version that the caller has read.
    ///
    /// # Errors
    /// `not_found`, or `stale` if it has changed since.
    pub async fn get_version<E: Numbered>(&self, id: Uuid, version: i64) -> Result<E::Model> {
        let row = self.get::<E>(id).await?;
        if E::seq_of(&row) == version { Ok(row) } else { Err(stale()) }
    }

    /// Refuses unless the caller holds the permission in the tenant of the row.
    ///
    /// # Errors
    /// `forbidden`.
    pub fn require(&self, permission: Permission, tenant: Uuid) -> Result<()> {
        self.caller.require(permission, tenant)
    }

    /// Locks the tenant's clock. From here on nobody else changes anything of
    /// this tenant until the command is committed or dropped.
    ///
    /// # Errors
    /// `forbidden` if the tenant is suspended; internal if it is none of those that the write was begun over.
    pub async fn command(self, tenant: Uuid) -> Result<Command> {
        if !self.tenants.contains(&tenant) {
            return Err(Error::Internal("a command outside its scope".into()));
        }
        Command::lock(self.connection, self.caller, tenant).await
    }
}

pub(super) fn stale() -> Error {
    Error::refused(Code::Stale, Code::Stale.title())
}
