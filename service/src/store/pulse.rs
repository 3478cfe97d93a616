//! Wakes those who wait for a tenant's clock to move on.
//!
//! One look at the clocks serves all who wait in this process. It is taken right after a commit of this process, and
//! every half second for the commits of others.

use super::{Access, Store};
use crate::Result;
use entity::tenant_clock::{Column, Entity};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{Notify, watch};
use uuid::Uuid;

/// How soon the commits of other processes are seen.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The least time between two looks: what is committed in between is seen at once.
const LOOK_APART: Duration = Duration::from_millis(20);

/// The clocks that somebody waits for.
pub(crate) struct Pulse {
    committed: Notify,
    watched: Mutex<HashMap<Uuid, Watched>>,
    looks: watch::Sender<()>,
}

struct Watched {
    by: usize,
    /// The clock's last number that was seen.
    value: i64,
}

impl Default for Pulse {
    fn default() -> Self {
        Self { committed: Notify::new(), watched: Mutex::default(), looks: watch::Sender::new(()) }
    }
}

impl Pulse {
    /// Something was committed.
    pub(super) fn nudge(&self) {
        self.committed.notify_one();
    }

    fn watched(&self) -> MutexGuard<'_, HashMap<Uuid, Watched>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns once the clock of one of these tenants is beyond the number that it has been read to.
    pub(crate) async fn beyond(&self, read_to: &BTreeMap<Uuid, i64>) {
        let mut looks = self.looks.subscribe();
        let watching = Watching::of(self, read_to);
        while !watching.is_beyond() {
            if looks.changed().await.is_err() {
                return;
            }
        }
    }
}

/// Somebody who waits. Dropping it ends that.
struct Watching<'p> {
    pulse: &'p Pulse,
    read_to: &'p BTreeMap<Uuid, i64>,
}

impl<'p> Watching<'p> {
    fn of(pulse: &'p Pulse, read_to: &'p BTreeMap<Uuid, i64>) -> Self {
        let mut watched = pulse.watched();
        for tenant in read_to.keys() {
            watched.entry(*tenant).or_insert(Watched { by: 0, value: 0 }).by += 1;
        }
        drop(watched);
        // What was committed before anybody waited has not been seen.
        pulse.nudge();
        Self { pulse, read_to }
    }

    fn is_beyond(&self) -> bool {
        let watched = self.pulse.watched();
        self.read_to.iter().any(|(tenant, read_to)| watched.get(tenant).is_some_and(|known| known.value > *read_to))
    }
}

impl Drop for Watching<'_> {
    fn drop(&mut self) {
        let mut watched = self.pulse.watched();
        for tenant in self.read_to.keys() {
            if let Some(known) = watched.get_mut(tenant) {
                known.by -= 1;
                if known.by == 0 {
                    watched.remove(tenant);
                }
            }
        }
    }
}

impl Store {
    /// Looks at the clocks that somebody waits for, for as long as it is polled.
    pub(crate) async fn follow_clocks(&self) {
        loop {
            // Either is a reason to look.
            let _ = tokio::time::timeout(LOOK_EVERY, self.pulse.committed.notified()).await;
            let tenants: Vec<Uuid> = self.pulse.watched().keys().copied().collect();
            if tenants.is_empty() {
                continue;
            }
            match self.clocks(&tenants).await {
                Ok(clocks) => {
                    let mut watched = self.pulse.watched();
                    for (tenant, value) in clocks {
                        if let Some(known) = watched.get_mut(&tenant) {
                            known.value = value;
                        }
                    }
                    drop(watched);
                    self.pulse.looks.send_replace(());
                }
                Err(error) => tracing::warn!(%error, "the clocks of those who wait could not be looked at"),
            }
            tokio::time::sleep(LOOK_APART).await;
        }
    }

    async fn clocks(&self, tenants: &[Uuid]) -> Result<Vec<(Uuid, i64)>> {
        let connection = self.begin(Access::Read, tenants).await?;
        let rows = Entity::find().filter(Column::TenantId.is_in(tenants.iter().copied())).all(&connection).await?;
        Ok(rows.into_iter().map(|row| (row.tenant_id, row.value)).collect())
    }
}
