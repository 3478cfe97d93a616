//! Places for requests in work: so many for all, so many for each client.

use domain::PrincipalId;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places for all requests.
pub(super) struct Places(Option<Arc<Semaphore>>);

/// A place, until it is dropped.
pub(super) struct Place(
    #[expect(dead_code, reason = "held, and given back when dropped")] Option<OwnedSemaphorePermit>,
);

impl Places {
    /// So many places; 0 is without limit.
    pub(super) fn new(most: usize) -> Self {
        Self((most > 0).then(|| Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)))))
    }

    /// A place, if one is free now.
    pub(super) fn enter(&self) -> Option<Place> {
        let Some(places) = &self.0 else { return Some(Place(None)) };
        places.clone().try_acquire_owned().ok().map(|permit| Place(Some(permit)))
    }
}

/// The places of each client. Only clients with requests in work are remembered.
pub(super) struct ClientPlaces {
    most: usize,
    taken: Taken,
}

type Taken = Arc<Mutex<HashMap<PrincipalId, usize>>>;

/// A client's place, until it is dropped.
pub(super) struct ClientPlace {
    client: PrincipalId,
    taken: Taken,
}

impl ClientPlaces {
    /// So many places each; 0 is without limit.
    pub(super) fn new(most: usize) -> Self {
        Self { most: if most == 0 { usize::MAX } else { most }, taken: Taken::default() }
    }

    /// A place of the client, if it has one left.
    pub(super) fn enter(&self, client: PrincipalId) -> Option<ClientPlace> {
        let mut all = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = all.entry(client).or_default();
        if *taken >= self.most {
            return None;
        }
        *taken += 1;
        Some(ClientPlace { client, taken: self.taken.clone() })
    }
}

impl Drop for ClientPlace {
    fn drop(&mut self) {
        let mut all = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = all.get_mut(&self.client) {
            *taken -= 1;
            if *taken == 0 {
                all.remove(&self.client);
            }
        }
    }
}
