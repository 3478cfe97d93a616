//! How much may be asked: requests a minute by client and municipality, the
//! cost of GraphQL documents, attempts to get a token, requests in work, and
//! the time they take. `docs/decisions/0005-limits.md` says why so.

mod bucket;
mod guard;
pub(crate) mod oauth;
mod places;
mod steady;
mod visit;

pub(crate) use guard::guard;
pub(crate) use visit::Visit;

use crate::{config, rest::Problem};
use bucket::{Buckets, Level, Wait};
use domain::{Code, PrincipalId, TenantId};
use places::{ClientPlace, ClientPlaces, Place, Places};
use service::Caller;
use steady::Steady;

/// All limits of the server, with what was taken from them.
pub(crate) struct Limits {
    clients: Buckets<PrincipalId>,
    tenants: Buckets<TenantId>,
    costs: Buckets<PrincipalId>,
    token_requests: oauth::TokenRequests,
    places: Places,
    client_places: ClientPlaces,
    streams: Places,
    client_streams: ClientPlaces,
}

/// The place of an answer that goes on, until it is dropped.
pub(crate) struct StreamPlace {
    #[expect(dead_code, reason = "held, and given back when dropped")]
    of_all: Place,
    #[expect(dead_code, reason = "held, and given back when dropped")]
    of_client: ClientPlace,
}

/// A request that may go on.
struct Admission {
    /// How full the client's bucket is, if it has a limit.
    level: Option<Level>,
    place: ClientPlace,
}

/// A request that may not.
struct Refusal {
    level: Option<Level>,
    wait: Wait,
    detail: &'static str,
}

impl Limits {
    pub(crate) fn new(settings: &config::Limits, clock: &service::Clock) -> Self {
        let clock = Steady::new(clock);
        Self {
            clients: Buckets::new(settings.requests_per_minute, &clock),
            tenants: Buckets::new(settings.tenant_requests_per_minute, &clock),
            costs: Buckets::new(settings.graphql_cost_per_minute, &clock),
            token_requests: oauth::TokenRequests::new(settings.oauth_per_minute, &clock),
            places: Places::new(settings.concurrent_requests),
            client_places: ClientPlaces::new(settings.client_concurrent_requests),
            streams: Places::new(settings.streams),
            client_streams: ClientPlaces::new(settings.client_streams),
        }
    }

    /// Charges a request to its caller, and to the municipality if the caller works for one alone.
    fn admit(&self, caller: &Caller) -> Result<Admission, Refusal> {
        let client = caller.principal();
        let level = self.clients.take(&client, 1).map_err(|wait| Refusal {
            level: Some(self.clients.empty(wait)),
            wait,
            detail: "the client has sent more requests than it may send in a minute",
        })?;
        let refuse = |wait, detail| Refusal { level, wait, detail };
        let mut tenants = caller.rights().keys();
        if let (Some(tenant), None) = (tenants.next(), tenants.next()) {
            let told = "the municipality's clients together have sent more requests than they may send in a minute";
            self.tenants.take(tenant, 1).map_err(|wait| refuse(wait, told))?;
        }
        let told = "the client has as many requests in work as it may have at a time";
        let place = self.client_places.enter(client).ok_or_else(|| refuse(Wait(1), told))?;
        Ok(Admission { level, place })
    }

    /// A place for an answer that goes on.
    ///
    /// # Errors
    /// `unavailable` if the server has no more, `rate_limited` if the client has none.
    pub(crate) fn stream(&self, caller: &Caller) -> Result<StreamPlace, Problem> {
        let full = || Problem::new(Code::Unavailable, "the service has as many streams open as it can bear");
        let of_all = self.streams.enter().ok_or_else(full)?;
        let told = || Problem::new(Code::RateLimited, "the client has as many streams open as it may have at a time");
        let of_client = self.client_streams.enter(caller.principal()).ok_or_else(told)?;
        Ok(StreamPlace { of_all, of_client })
    }

    /// Charges an operation of a connection as a request, and gives it a place.
    ///
    /// # Errors
    /// `rate_limited`, `unavailable`.
    pub(crate) fn operation(&self, caller: &Caller) -> service::Result<StreamPlace> {
        let refused = |detail: &str| service::Error::refused(Code::RateLimited, detail);
        self.admit(caller).map_err(|refusal| refused(refusal.detail))?;
        self.stream(caller).map_err(|problem| service::Error::refused(problem.code, problem.detail))
    }

    /// Takes the cost of a GraphQL document from the client's budget; tells what is left, if there is a limit.
    ///
    /// # Errors
    /// The seconds to wait until it suffices.
    pub(crate) fn spend(&self, client: PrincipalId, cost: usize) -> Result<Option<schema::Left>, u64> {
        let cost = u32::try_from(cost).unwrap_or(u32::MAX);
        let left = |Level { limit, remaining, resets_in }| schema::Left { limit, remaining, resets_in };
        self.costs.take(&client, cost).map(|level| level.map(left)).map_err(|wait| wait.0)
    }
}
