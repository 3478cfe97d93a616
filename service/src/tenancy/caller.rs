//! Who acts, and what it may do in each tenant.

use super::{Once, once::Running};
use crate::{Clock, Error, Result, Store, auth::Vault, store::Connection};
use domain::{Code, OrganisationId, Permission, PrincipalId, RightReason, Scopes, Tenant, TenantId, Timestamp};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::OnceCell;

/// What every use case stands on: the store, the time and the keys.
#[derive(Clone)]
pub struct Service {
    /// The store.
    pub store: Store,
    /// The store through connections of no server thread: for short transactions beside an open one,
    /// which would otherwise wait for each other's connections.
    pub apart: Store,
    /// The time.
    pub clock: Clock,
    /// The keys outside the store.
    pub vault: Arc<Vault>,
    /// The issuer of own tokens.
    pub issuer: Arc<str>,
    /// Where attachments lie.
    pub attachments: Arc<crate::attachment::Storage>,
    /// What the audit has yet to write.
    pub noted: Arc<crate::audit::Noted>,
    /// The requests with a key that are being answered.
    pub running: Arc<Running>,
}

/// The issuer and subject of the principal that stands for the command line.
pub(crate) const OPERATOR: (&str, &str) = ("fynd", "operator");

/// A principal with its rights, from a verified token and live grants. There
/// is no other way to make one, and no other way to data.
#[derive(Clone)]
pub struct Caller(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    service: Service,
    principal: PrincipalId,
    issuer: String,
    subject: String,
    expires_at: Timestamp,
    organisation: Option<Membership>,
    /// The operator gives what it does not hold: nobody else could give the first rights.
    is_operator: bool,
    rights: BTreeMap<TenantId, Right>,
    /// The one transaction of all reads, where they are to show one moment.
    moment: Option<Arc<OnceCell<Arc<Connection>>>>,
    /// The request that is being answered, where it may come twice.
    once: Arc<Mutex<Option<Once>>>,
}

/// The organisation that a principal belongs to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Membership {
    /// The organisation.
    pub(crate) id: OrganisationId,
    /// Whether it serves municipalities without being one.
    pub(crate) is_provider: bool,
}

/// What a caller may do in one tenant.
#[derive(Clone, Debug, PartialEq)]
pub struct Right {
    /// The tenant.
    pub tenant: Tenant,
    /// What the token asks for and a live grant allows.
    pub scopes: Scopes,
    /// The grants that allow it.
    pub because: Vec<RightReason>,
}

/// What a token and the grants say about a principal; see [`crate::auth`].
pub(crate) struct Identity {
    pub(crate) principal: PrincipalId,
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) expires_at: Timestamp,
    pub(crate) organisation: Option<Membership>,
    pub(crate) rights: BTreeMap<TenantId, Right>,
}

impl Caller {
    /// The service itself, doing what time or a restart asks for in one tenant. Numbers nothing in anybody's name.
    pub(crate) fn system(service: Service, tenant: TenantId, permission: Permission) -> Self {
        let scopes = [permission].into_iter().collect();
        let expires_at = service.clock.now();
        let nameless = Tenant { id: tenant, slug: String::new(), name: String::new(), created_at: expires_at.into() };
        let right = Right { tenant: nameless, scopes, because: Vec::new() };
        let (issuer, subject) = ("fynd".to_owned(), "system".to_owned());
        let principal = PrincipalId(uuid::Uuid::nil());
        let rights = BTreeMap::from([(tenant, right)]);
        Self::new(service, Identity { principal, issuer, subject, expires_at, organisation: None, rights })
    }

    pub(crate) fn new(service: Service, who: Identity) -> Self {
        let Identity { principal, issuer, subject, expires_at, organisation, rights } = who;
        Self(Arc::new(Inner {
            service,
            principal,
            issuer,
            subject,
            expires_at,
            organisation,
            is_operator: false,
            rights,
            moment: None,
            once: Arc::default(),
        }))
    }

    /// The operator at the command line: it manages who may do what in the tenants, and sees nothing else of them.
    pub(crate) fn operator(
        service: Service,
        principal: PrincipalId,
        tenants: Vec<Tenant>,
        organisation: Option<Membership>,
    ) -> Self {
        let manages = [Permission::ManageClients, Permission::ManageGrants, Permission::ManageTenants];
        let scopes: Scopes = manages.into_iter().collect();
        let right = |tenant: Tenant| (tenant.id, Right { tenant, scopes, because: Vec::new() });
        let (issuer, subject) = (OPERATOR.0.to_owned(), OPERATOR.1.to_owned());
        let rights = tenants.into_iter().map(right).collect();
        let expires_at = service.clock.now();
        let who = Identity { principal, issuer, subject, expires_at, organisation, rights };
        Self(Arc::new(Inner { is_operator: true, ..(*Self::new(service, who).0).clone() }))
    }

    /// The same caller on another store's connections (one pool per server thread).
    pub fn on(&self, store: &Store) -> Self {
        let service = Service { store: store.clone(), ..self.0.service.clone() };
        Self(Arc::new(Inner { service, once: Arc::default(), ..(*self.0).clone() }))
    }

    /// The same caller for work that goes on beside the request: what it changes is committed as it comes.
    pub(crate) fn beside(&self) -> Self {
        Self(Arc::new(Inner { once: Arc::default(), ..(*self.0).clone() }))
    }

    /// From now on this caller and its clones answer a request that may come twice.
    ///
    /// # Errors
    /// `idempotency_in_progress` if the same request is being answered right now.
    pub fn answers_once(&self, once: Once) -> Result<()> {
        once.enter(&self.0.service.running, self.0.principal)?;
        *self.0.once.lock().unwrap_or_else(PoisonError::into_inner) = Some(once);
        Ok(())
    }

    /// The request that may come twice, if this is one.
    pub fn once(&self) -> Option<Once> {
        self.0.once.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The request that may come twice, whose answer is known now; what follows is another one.
    pub fn answered(&self) -> Option<Once> {
        self.0.once.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Commits a change; of a request that may come twice, once its answer is known.
    pub(super) async fn settle(&self, connection: Connection, tenant: uuid::Uuid) -> Result<()> {
        match self.once() {
            None => connection.commit().await,
            Some(once) => once.hold(self, connection, tenant).await,
        }
    }

    /// The transaction of all reads, where they are to show one moment.
    pub(super) fn moment(&self) -> Option<&OnceCell<Arc<Connection>>> {
        self.0.moment.as_deref()
    }

    pub(super) fn all_tenants(&self) -> Vec<uuid::Uuid> {
        self.0.rights.keys().map(|tenant| tenant.0).collect()
    }

    /// The same caller, all of whose reads share one transaction, so that what
    /// they show is of one moment. It opens at the first read, over all of the
    /// caller's tenants, and ends with the last copy of this caller.
    #[must_use]
    pub fn at_one_moment(&self) -> Self {
        Self(Arc::new(Inner { moment: Some(Arc::default()), ..(*self.0).clone() }))
    }

    /// Who acts.
    pub fn principal(&self) -> PrincipalId {
        self.0.principal
    }

    /// The token's issuer.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// The token's subject.
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// When the token ends.
    pub fn expires_at(&self) -> Timestamp {
        self.0.expires_at
    }

    /// The organisation that it belongs to.
    pub(crate) fn organisation(&self) -> Option<Membership> {
        self.0.organisation
    }

    /// The rights, tenant by tenant.
    pub fn rights(&self) -> &BTreeMap<TenantId, Right> {
        &self.0.rights
    }

    /// Whether the caller holds the permission in the tenant.
    pub fn may(&self, permission: Permission, tenant: TenantId) -> bool {
        self.0.rights.get(&tenant).is_some_and(|right| right.scopes.has(permission))
    }

    /// Refuses unless the caller holds the permission in the tenant of a row.
    ///
    /// # Errors
    /// `forbidden`.
    pub(crate) fn require(&self, permission: Permission, tenant: uuid::Uuid) -> Result<()> {
        if self.may(permission, TenantId(tenant)) {
            return Ok(());
        }
        let detail =
            format!("this needs `{}`, which the token does not hold in this municipality", permission.as_str());
        Err(Error::refused(Code::Forbidden, detail))
    }

    /// Tells the audit that this caller was refused; see [`crate::audit::refused`].
    pub fn refused(&self, action: &str, code: Code) {
        crate::audit::refused(&self.0.service, Some(self), action, code, None);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.service.clock.now()
    }

    pub(crate) fn service(&self) -> &Service {
        &self.0.service
    }

    /// A text that differs for callers that may see different things, for entity tags.
    pub(crate) fn rights_digest(&self) -> String {
        self.0.rights.iter().fold(String::new(), |mut out, (tenant, right)| {
            // Writing to a String does not fail.
            let _ = write!(out, "{tenant}={};", right.scopes);
            out
        })
    }

    /// Refuses scopes that the caller does not hold in the tenant itself: nobody gives more than they have.
    ///
    /// # Errors
    /// `exceeds_own_rights` naming them.
    pub(crate) fn require_all(&self, scopes: Scopes, tenant: TenantId) -> Result<()> {
        let held = self.0.rights.get(&tenant).map_or(Scopes::NONE, |right| right.scopes);
        if self.0.is_operator {
            return Ok(());
        }
        let missing: Vec<_> = scopes.iter().filter(|scope| !held.has(*scope)).map(Permission::as_str).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let detail = format!("you do not hold `{}` in this municipality", missing.join("`, `"));
        Err(Error::refused(Code::ExceedsOwnRights, detail))
    }

    /// The one tenant that a creating request means.
    ///
    /// # Errors
    /// `forbidden`, `tenant_required` if there is a choice and none was named, `unknown_tenant`.
    pub fn one_tenant(&self, permission: Permission, named: Option<&str>) -> Result<TenantId> {
        let named: Vec<String> = named.map(str::to_owned).into_iter().collect();
        match self.tenants(&[permission], &named)?.as_slice() {
            [tenant] => Ok(TenantId(*tenant)),
            _ => Err(Error::refused(Code::TenantRequired, Code::TenantRequired.title())),
        }
    }

    pub(super) fn tenants(&self, permissions: &[Permission], named: &[String]) -> Result<Vec<uuid::Uuid>> {
        let holds = |right: &Right| permissions.iter().any(|permission| right.scopes.has(*permission));
        let rights = self.0.rights.iter();
        let held: Vec<_> = rights.filter(|(_, right)| holds(right)).map(|(id, _)| id.0).collect();
        if held.is_empty() {
            let names: Vec<_> = permissions.iter().map(|p| p.as_str()).collect();
            let detail = format!("this needs `{}`, which the token holds in no municipality", names.join("` or `"));
            return Err(Error::refused(Code::Forbidden, detail));
        }
        if named.is_empty() {
            return Ok(held);
        }
        let mut chosen: Vec<_> = named.iter().map(|name| self.named(&held, name)).collect::<Result<_>>()?;
        chosen.sort_unstable();
        chosen.dedup();
        Ok(chosen)
    }

    fn named(&self, held: &[uuid::Uuid], name: &str) -> Result<uuid::Uuid> {
        let is_named =
            |id: &&uuid::Uuid| self.0.rights.get(&TenantId(**id)).is_some_and(|right| right.tenant.is_named(name));
        let found = held.iter().find(is_named).copied();
        found.ok_or_else(|| Error::refused(Code::UnknownTenant, Code::UnknownTenant.title()))
    }
}
