//! A request that may come twice has its effect once: the answer is kept in the transaction of the effect.
//!
//! Instead of being committed, the transaction of a command is held until the edge knows its answer; key and answer
//! are then written into it and both are committed as one. Reads of the same caller see the held transaction. A request
//! that is refused, given up or killed leaves neither an effect nor a key. Of a piece of work in several steps (a
//! municipality after the other), each step is committed by the next one, and the key is written with the last.

use super::{Caller, Service};
use crate::{
    Error, Result, Store,
    etag::hex,
    store::{Access, Connection},
};
use domain::{
    Code, PrincipalId, TenantId, Timestamp,
    idempotency::{IdempotencyKey, KEPT},
};
use entity::idempotency;
use sea_orm::{ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, SqlErr};
use sha2::{Digest, Sha256};
use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use uuid::Uuid;

/// The requests with a key that this process is answering.
#[derive(Default)]
pub struct Running(Mutex<HashSet<(PrincipalId, String)>>);

/// One request that may come twice. Clones are of the same request.
#[derive(Clone)]
pub struct Once(Arc<Request>);

struct Request {
    /// Digest of key, operation and the municipality named.
    key: String,
    /// Digest of what is asked, as far as it has been read.
    asked: Mutex<Sha256>,
    /// Whether a body is still to come that belongs to what is asked.
    is_partial: AtomicBool,
    state: Mutex<State>,
    /// The place among those that are being answered, once the caller is known.
    place: Mutex<Option<(Arc<Running>, PrincipalId)>>,
}

#[derive(Default)]
enum State {
    /// Nothing has been changed.
    #[default]
    Open,
    /// Changed but not committed.
    Held(Held),
    /// Changed and committed, where another step was to follow that changed nothing.
    Released(Whose),
    /// It was answered before.
    Given(String),
}

struct Held {
    connection: Arc<Connection>,
    whose: Whose,
}

/// Under whom a key is kept.
#[derive(Clone)]
struct Whose {
    store: Store,
    tenant: Uuid,
    principal: PrincipalId,
    rights: String,
    now: Timestamp,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Once {
    /// A request for `operation` (its method and path, or its field) about the municipality that it names, if any.
    pub fn new(key: &IdempotencyKey, operation: &str, tenant: &str) -> Self {
        let key = digest([key.as_str(), operation, tenant].iter().map(|part| part.as_bytes()));
        let (asked, is_partial, state, place) = <(Mutex<Sha256>, AtomicBool, Mutex<State>, Mutex<_>)>::default();
        Self(Arc::new(Request { key, asked, is_partial, state, place }))
    }

    /// Counts a part of what is asked, so that another request with the same key is told apart.
    pub fn asks(&self, part: &[u8]) {
        let mut asked = lock(&self.0.asked);
        asked.update((part.len() as u64).to_be_bytes());
        asked.update(part);
    }

    /// Says that a body is still to come, by whose digest alone the request is told from another one.
    pub fn postpone(&self) {
        self.0.is_partial.store(true, Ordering::Relaxed);
    }

    /// Counts what was postponed.
    pub fn asks_at_last(&self, digest: &str) {
        self.asks(digest.as_bytes());
        self.0.is_partial.store(false, Ordering::Relaxed);
    }

    /// The answer that was given to the same request before, if that is what stopped this one.
    pub fn given(&self) -> Option<String> {
        match &*lock(&self.0.state) {
            State::Given(answer) => Some(answer.clone()),
            _ => None,
        }
    }

    /// Whether anything was changed, so that the answer is to be kept.
    pub fn has_changed(&self) -> bool {
        matches!(&*lock(&self.0.state), State::Held(_) | State::Released(_))
    }

    fn request(&self) -> String {
        hex(&lock(&self.0.asked).clone().finalize())
    }

    /// Takes the place of this request among the caller's.
    ///
    /// # Errors
    /// `idempotency_in_progress` if another one has it.
    pub(super) fn enter(&self, running: &Arc<Running>, principal: PrincipalId) -> Result<()> {
        let mut place = lock(&self.0.place);
        if place.is_some() {
            return Ok(());
        }
        if !lock(&running.0).insert((principal, self.0.key.clone())) {
            return Err(in_progress());
        }
        *place = Some((running.clone(), principal));
        Ok(())
    }

    /// Whether the request has been answered before.
    ///
    /// # Errors
    /// [`Error::AnsweredBefore`], and [`Once::given`] then has the answer;
    /// `idempotency_mismatch` for another request under the same key, or under other rights.
    pub(super) async fn recall(&self, caller: &Caller, connection: &Connection, tenants: &[Uuid]) -> Result<()> {
        use idempotency::Column as C;
        if self.0.is_partial.load(Ordering::Relaxed) {
            return Ok(());
        }
        let condition = Condition::all()
            .add(C::TenantId.is_in(tenants.iter().copied()))
            .add(C::Principal.eq(caller.principal().0))
            .add(C::Key.eq(&self.0.key))
            .add(C::CreatedAt.gt(caller.now() - KEPT));
        let Some(row) = idempotency::Entity::find().filter(condition).one(connection).await? else { return Ok(()) };
        let mismatch = |detail: &str| Err(Error::refused(Code::IdempotencyMismatch, detail));
        if row.request != self.request() {
            return mismatch(Code::IdempotencyMismatch.title());
        }
        if row.rights != rights(caller) {
            return mismatch("your rights have changed since the key came first; read what became of it");
        }
        *lock(&self.0.state) = State::Given(row.answer);
        Err(Error::AnsweredBefore)
    }

    /// Keeps a transaction until its answer is known; one that is held already is committed.
    pub(super) async fn hold(&self, caller: &Caller, connection: Connection, tenant: Uuid) -> Result<()> {
        self.release().await?;
        connection.open_to(&caller.all_tenants()).await?;
        let whose = Whose {
            store: caller.service().store.clone(),
            tenant,
            principal: caller.principal(),
            rights: rights(caller),
            now: caller.now(),
        };
        *lock(&self.0.state) = State::Held(Held { connection: Arc::new(connection), whose });
        Ok(())
    }

    /// The transaction that is held.
    pub(crate) fn held(&self) -> Option<Arc<Connection>> {
        match &*lock(&self.0.state) {
            State::Held(held) => Some(held.connection.clone()),
            _ => None,
        }
    }

    /// Commits what is held, since another step follows.
    pub(super) async fn release(&self) -> Result<()> {
        if let Some(Held { connection, whose }) = self.take() {
            committed(connection).await?;
            *lock(&self.0.state) = State::Released(whose);
        }
        Ok(())
    }

    fn take(&self) -> Option<Held> {
        let mut state = lock(&self.0.state);
        match std::mem::take(&mut *state) {
            State::Held(held) => Some(held),
            other => {
                *state = other;
                None
            }
        }
    }

    /// What the key is written into, and under whom: the transaction that is held, or, if the last step changed nothing,
    /// one of its own.
    async fn taken(&self) -> Result<Option<Held>> {
        if let Some(held) = self.take() {
            return Ok(Some(held));
        }
        let State::Released(whose) = std::mem::take(&mut *lock(&self.0.state)) else { return Ok(None) };
        let connection = Arc::new(whose.store.begin(Access::Write, &[whose.tenant]).await?);
        Ok(Some(Held { connection, whose }))
    }

    /// Commits what is held together with its answer. Without anything held there is nothing to repeat.
    ///
    /// # Errors
    /// `idempotency_in_progress` if another replica was quicker; then nothing of this request has happened.
    pub async fn seal(&self, answer: String) -> Result<()> {
        use idempotency::Column as C;
        let Some(Held { connection, whose }) = self.taken().await? else { return Ok(()) };
        let row = idempotency::Model {
            tenant_id: whose.tenant,
            principal: whose.principal.0,
            key: self.0.key.clone(),
            request: self.request(),
            rights: whose.rights,
            answer,
            created_at: whose.now,
        };
        let forgotten = Condition::all()
            .add(C::TenantId.eq(row.tenant_id))
            .add(C::Principal.eq(row.principal))
            .add(C::Key.eq(&row.key))
            .add(C::CreatedAt.lte(whose.now - KEPT));
        idempotency::Entity::delete_many().filter(forgotten).exec(&*connection).await?;
        let insert = idempotency::Entity::insert(row.into_active_model().reset_all());
        insert.exec_without_returning(&*connection).await.map_err(|error| match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => in_progress(),
            _ => error.into(),
        })?;
        committed(connection).await
    }

    /// Lets go of what is held: it has not happened.
    pub fn forget(&self) {
        drop(self.take());
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let place = self.place.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((running, principal)) = place {
            lock(&running.0).remove(&(principal, std::mem::take(&mut self.key)));
        }
    }
}

/// Forgets a tenant's keys that are older than a day; says of how many requests.
///
/// # Errors
/// Store errors.
pub async fn forget_old(service: &Service, tenant: TenantId) -> Result<u64> {
    use idempotency::{Column as C, Entity as E};
    let old = Condition::all().add(C::TenantId.eq(tenant.0)).add(C::CreatedAt.lte(service.clock.now() - KEPT));
    let read = service.store.begin(Access::Read, &[tenant.0]).await?;
    if E::find().filter(old.clone()).one(&read).await?.is_none() {
        return Ok(0);
    }
    drop(read);
    // No command: nobody's clock has to wait for it, and a suspended municipality's answers go as well.
    let write = service.store.begin(Access::Write, &[tenant.0]).await?;
    let gone = E::delete_many().filter(old).exec(&write).await?;
    write.commit().await?;
    Ok(gone.rows_affected)
}

/// Commits once nobody reads any more: a loader of a field that was given up may still be at it for a moment.
async fn committed(mut connection: Arc<Connection>) -> Result<()> {
    for _ in 0..READERS_END {
        match Arc::try_unwrap(connection) {
            Ok(connection) => return connection.commit().await,
            Err(still_read) => connection = still_read,
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err(Error::Internal("a held change is still read".into()))
}

/// How often, ten milliseconds apart, it is looked whether anybody still reads.
const READERS_END: u32 = 100;

fn in_progress() -> Error {
    Error::refused(Code::IdempotencyInProgress, Code::IdempotencyInProgress.title())
}

fn rights(caller: &Caller) -> String {
    digest([caller.rights_digest().as_bytes()].into_iter())
}

fn digest<'p>(parts: impl Iterator<Item = &'p [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}
