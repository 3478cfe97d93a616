//! The audit: who did what.
//!
//! A command appends its row in its own transaction (`append`). Refusals and reads of what is
//! restricted come in separate short ones ([`refused`], [`read`]), repeats within a minute counted.
//! A job chains the rows of each municipality and signs the head ([`seal`]) with a key that is not
//! in the store; [`verify`] recomputes everything and names the first row that does not fit.
//!
//! Each row also carries a proof (a MAC under the store key), so that a row which somebody put into
//! the table by hand is told from one that the service wrote, even after it was sealed.
//!
//! The newest heads are told to the log once a day and at shutdown, which takes them out of the store.
//!
//! What belongs to no municipality (bad tokens, the operator's commands) is in the operator's own
//! chain, [`OPERATOR`]: the same tables under an id that no grant can name.

mod canonical;
mod head;
mod list;
mod noted;
mod seal;
mod verify;

pub use head::{Head, heads, tell_heads};
pub use list::list;
pub(crate) use noted::issued;
pub use noted::{Noted, read, refused, write_noted};
pub use seal::seal;
pub use verify::{Kept, Verdict, verify};

use crate::{
    Result,
    auth::Vault,
    platform::Platform,
    store::{Access, Connection},
    tenancy::Service,
};
use domain::{AuditOutcome, Code, PrincipalId, TenantId, Timestamp};
use entity::audit;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use uuid::Uuid;

/// The chain of what belongs to no municipality.
pub const OPERATOR: TenantId = TenantId(Uuid::nil());

/// The service itself, where no principal acts.
pub const SYSTEM: PrincipalId = PrincipalId(Uuid::nil());

/// What to record.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    action: String,
    resource: Option<(String, Uuid)>,
    outcome: AuditOutcome,
    code: Option<Code>,
    count: i64,
    numbers: (i64, i64),
    detail: Option<String>,
}

impl Entry {
    /// Something that was done: `finding.patch`, `grant.revoke`.
    pub fn done(action: impl Into<String>) -> Self {
        let action = action.into();
        let (outcome, numbers) = (AuditOutcome::Done, (0, 0));
        Self { action, resource: None, outcome, code: None, count: 1, numbers, detail: None }
    }

    /// What it was about.
    #[must_use]
    pub fn about(mut self, kind: impl Into<String>, id: Uuid) -> Self {
        self.resource = Some((kind.into(), id));
        self
    }

    /// The first and the last number on the tenant's clock that it gave.
    #[must_use]
    pub fn numbered(mut self, first: i64, last: i64) -> Self {
        self.numbers = (first, last);
        self
    }

    /// What else is worth knowing: small, and never a secret, a person's name or a finding's text.
    #[must_use]
    pub fn detail(mut self, detail: &serde_json::Value) -> Self {
        self.detail = Some(detail.to_string());
        self
    }
}

/// Appends a row to a tenant's audit (or [`OPERATOR`]'s), within the transaction of what it tells of;
/// that must have been begun over the tenant.
pub(crate) async fn append(
    connection: &Connection,
    vault: &Vault,
    tenant: TenantId,
    principal: PrincipalId,
    entry: Entry,
    now: Timestamp,
) -> Result<()> {
    let (resource_type, resource_id) = entry.resource.unzip();
    let mut row = audit::Model {
        tenant_id: tenant.0,
        id: Uuid::now_v7(),
        recorded_at: now,
        principal_id: principal.0,
        action: entry.action,
        resource_type,
        resource_id,
        first_seq: entry.numbers.0,
        last_seq: entry.numbers.1,
        outcome: entry.outcome,
        code: entry.code.map(|code| code.as_str().to_owned()),
        count: entry.count,
        detail: entry.detail,
        proof: None,
    };
    row.proof = Some(vault.prove(&canonical::of(&row)));
    audit::Entity::insert(row.into_active_model().reset_all()).exec_without_returning(connection).await?;
    Ok(())
}

/// Appends what was done to the chain of each tenant that it concerns, in a transaction of its own.
pub(crate) async fn done(service: &Service, tenants: &[TenantId], principal: PrincipalId, entry: Entry) -> Result<()> {
    let chains: Vec<Uuid> = tenants.iter().map(|tenant| tenant.0).collect();
    let connection = service.store.begin(Access::Write, &chains).await?;
    for tenant in tenants {
        append(&connection, &service.vault, *tenant, principal, entry.clone(), service.clock.now()).await?;
    }
    connection.commit().await
}

/// Appends what the operator did with a command of the binary to the operator's chain.
///
/// # Errors
/// Store errors.
pub async fn operator(service: &Service, entry: Entry) -> Result<()> {
    let connection = service.store.begin(Access::Write, &[OPERATOR.0]).await?;
    append(&connection, &service.vault, OPERATOR, SYSTEM, entry, service.clock.now()).await?;
    connection.commit().await
}

/// Every chain there is, with its name: the municipalities' by slug, then the operator's.
///
/// # Errors
/// Store errors.
pub async fn chains(service: &Service) -> Result<Vec<(TenantId, String)>> {
    let tenants = Platform::new(service.store.clone()).tenants().await?;
    let named = tenants.into_iter().map(|tenant| (tenant.id, tenant.slug));
    Ok(named.chain([(OPERATOR, OPERATOR_NAME.to_owned())]).collect())
}

/// The operator's chain among the municipalities' slugs, none of which can hold a bracket.
pub const OPERATOR_NAME: &str = "(operator)";
