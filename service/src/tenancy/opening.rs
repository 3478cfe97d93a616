//! The transactions that a caller opens: over exactly the tenants where it holds what it asks for.

use super::{Administration, Caller, Read, Write};
use crate::{
    Result,
    store::{Access, Connection},
};
use domain::Permission;
use std::sync::Arc;

impl Caller {
    /// A read over exactly the tenants where the caller holds the permission.
    ///
    /// # Errors
    /// `forbidden` if there is none.
    pub async fn begin(&self, permission: Permission) -> Result<Read> {
        self.begin_in(permission, &[]).await
    }

    /// [`Caller::begin`] over those of the tenants named; over all if none is.
    ///
    /// # Errors
    /// `forbidden`, or `unknown_tenant` for a name that the caller has no such
    /// right in, whether the tenant exists or not.
    pub async fn begin_in(&self, permission: Permission, named: &[String]) -> Result<Read> {
        self.begin_any_in(&[permission], named).await
    }

    /// [`Caller::begin_in`] where one of several permissions will do, to be told apart by the use case.
    ///
    /// # Errors
    /// `forbidden` if the caller holds none of them anywhere, `unknown_tenant`.
    pub async fn begin_any_in(&self, permissions: &[Permission], named: &[String]) -> Result<Read> {
        let tenants = self.tenants(permissions, named)?;
        Ok(Read::new(self.reading(&tenants).await?, self.clone(), tenants))
    }

    async fn reading(&self, tenants: &[uuid::Uuid]) -> Result<Arc<Connection>> {
        let store = &self.service().store;
        if let Some(once) = self.once() {
            if let Some(held) = once.held() {
                return Ok(held);
            }
            let connection = store.begin(Access::Read, tenants).await?;
            once.recall(self, &connection, tenants).await?;
            return Ok(Arc::new(connection));
        }
        let Some(moment) = self.moment() else {
            return Ok(Arc::new(store.begin(Access::Read, tenants).await?));
        };
        let begin = async || Ok(Arc::new(store.begin(Access::Read, &self.all_tenants()).await?));
        moment.get_or_try_init(begin).await.cloned()
    }

    /// A write over exactly the tenants where the caller holds the permission;
    /// the command that follows names one of them.
    ///
    /// # Errors
    /// `forbidden` if there is none.
    pub async fn begin_write(&self, permission: Permission) -> Result<Write> {
        self.begin_write_any(&[permission]).await
    }

    /// Refuses who holds a permission nowhere, before anything is looked for.
    ///
    /// # Errors
    /// `forbidden`.
    pub(crate) fn require_anywhere(&self, permission: Permission) -> Result<()> {
        self.tenants(&[permission], &[]).map(drop)
    }

    /// [`Caller::begin_write`] where one of several permissions will do, to be told apart by the rule.
    ///
    /// # Errors
    /// `forbidden` if the caller holds none of them anywhere.
    pub async fn begin_write_any(&self, permissions: &[Permission]) -> Result<Write> {
        let tenants = self.tenants(permissions, &[])?;
        let connection = self.writing(&tenants).await?;
        Ok(Write::new(connection, self.clone(), tenants))
    }

    async fn writing(&self, tenants: &[uuid::Uuid]) -> Result<Connection> {
        let once = self.once();
        if let Some(once) = &once {
            once.release().await?;
        }
        let connection = self.service().store.begin(Access::Write, tenants).await?;
        if let Some(once) = &once {
            once.recall(self, &connection, tenants).await?;
        }
        Ok(connection)
    }

    /// A change of who may do what, in those of the tenants named where the caller
    /// holds the permission; in all of them if none is.
    ///
    /// # Errors
    /// `forbidden` if there is none, `unknown_tenant`.
    pub(crate) async fn administer(&self, permission: Permission, named: &[String]) -> Result<Administration> {
        let tenants = self.tenants(&[permission], named)?;
        let connection = self.writing(&tenants).await?;
        Ok(Administration::new(connection, self.clone(), tenants))
    }

    /// A read over all of the caller's tenants, to be narrowed by the use case (relations of other resources).
    ///
    /// # Errors
    /// `forbidden` if the caller has no right anywhere.
    pub async fn look(&self) -> Result<Read> {
        self.begin_any_in(Permission::ALL, &[]).await
    }
}
