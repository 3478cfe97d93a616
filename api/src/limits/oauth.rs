//! Attempts to get a token, which nobody is known by yet: by address, and by
//! address and client id, so that guessing is slow and one guesser behind a
//! shared address does not shut out the others there.

use super::{Refusal, Visit, Wait, bucket::Buckets, steady::Steady};
use crate::{
    application::State,
    rest::{Problem, basic},
};
use actix_web::{HttpRequest, web::Data};
use domain::Code;
use std::{
    hash::{BuildHasher, RandomState},
    net::{IpAddr, Ipv6Addr},
};

/// What all paths of the built-in issuer begin with.
pub(super) const PATHS: &str = "/oauth/";
/// How many times as much one address may ask as one client from there.
const CLIENTS_PER_ADDRESS: u32 = 10;

/// The buckets of addresses and of clients at addresses.
pub(super) struct TokenRequests {
    addresses: Buckets<IpAddr>,
    clients: Buckets<(IpAddr, u64)>,
    /// A client id is as long as its sender likes; its hash is not.
    hasher: RandomState,
}

impl TokenRequests {
    pub(super) fn new(per_minute: u32, clock: &Steady) -> Self {
        Self {
            addresses: Buckets::new(per_minute.saturating_mul(CLIENTS_PER_ADDRESS), clock),
            clients: Buckets::new(per_minute, clock),
            hasher: RandomState::new(),
        }
    }
}

/// Charges a request to the issuer to its address, and to the client if it names itself by HTTP Basic.
pub(super) fn charge(request: &HttpRequest) -> Result<(), Problem> {
    let state = state(request)?;
    let address = address(request, &state.config.proxies);
    let taken = state.limits.token_requests.addresses.take(&address, 1);
    taken.map_err(|wait| refuse(request, wait))?;
    basic(request).map_or(Ok(()), |(client, _)| charge_client(request, &client))
}

/// Charges a request to the issuer to the client that it names otherwise than
/// by HTTP Basic: in its form, or in its assertion. For the handler, which has read it.
///
/// # Errors
/// `rate_limited`.
pub(crate) fn charge_client(request: &HttpRequest, client: &str) -> Result<(), Problem> {
    let state = state(request)?;
    let requests = &state.limits.token_requests;
    let key = (address(request, &state.config.proxies), requests.hasher.hash_one(client));
    requests.clients.take(&key, 1).map(|_| ()).map_err(|wait| refuse(request, wait))
}

fn state(request: &HttpRequest) -> Result<&Data<State>, Problem> {
    request.app_data::<Data<State>>().ok_or_else(|| Problem::of(Code::Internal))
}

fn refuse(request: &HttpRequest, wait: Wait) -> Problem {
    let detail = "more requests for tokens came than one client or address may send in a minute";
    Visit::of(request).refuse(Refusal { level: None, wait, detail })
}

/// Where the request comes from: the peer, or what the last proxy that is
/// trusted says. Of IPv6, the /64, since that is what one customer gets.
fn address(request: &HttpRequest, proxies: &[IpAddr]) -> IpAddr {
    let peer = request.peer_addr().map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.ip().to_canonical());
    let fields = request.headers().get_all("x-forwarded-for").filter_map(|value| value.to_str().ok());
    let named: Vec<&str> = fields.flat_map(|value| value.split(',')).collect();
    network(origin(peer, &named, proxies))
}

/// Each proxy adds whom it was asked by at the end; the first that is no proxy of ours is the origin.
fn origin(peer: IpAddr, named: &[&str], proxies: &[IpAddr]) -> IpAddr {
    let mut origin = peer;
    for name in named.iter().rev() {
        if !proxies.contains(&origin) {
            break;
        }
        let Ok(address) = name.trim().parse::<IpAddr>() else { break };
        origin = address.to_canonical();
    }
    origin
}

fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn only_proxies_are_believed() {
        let (own, other) = ([ip("127.0.0.1"), ip("192.0.2.1")], [ip("192.0.2.9")]);
        let named = ["203.0.113.66", " 203.0.113.7", "192.0.2.1"];
        assert_eq!(origin(ip("127.0.0.1"), &named, &own), ip("203.0.113.7"));
        assert_eq!(origin(ip("127.0.0.1"), &named, &other), ip("127.0.0.1"));
        assert_eq!(origin(ip("127.0.0.1"), &[], &own), ip("127.0.0.1"));
        assert_eq!(origin(ip("127.0.0.1"), &["203.0.113.7", "nobody"], &own), ip("127.0.0.1"));
        assert_eq!(origin(ip("127.0.0.1"), &["::ffff:203.0.113.7"], &own), ip("203.0.113.7"));
    }

    #[test]
    fn an_ipv6_customer_is_one_address() {
        assert_eq!(network(ip("2001:db8:1:2:3:4:5:6")), ip("2001:db8:1:2::"));
        assert_eq!(network(ip("203.0.113.7")), ip("203.0.113.7"));
    }
}
