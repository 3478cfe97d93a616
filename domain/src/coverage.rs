//! What a complete report covers, and when to doubt that it is complete.

use crate::{
    Error,
    condition::{few, storable},
    error::Result,
    text,
};
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use utoipa::ToSchema;

/// How much a report claims to hold.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, EnumIter, DeriveActiveEnum, async_graphql::Enum,
)]
#[serde(rename_all = "snake_case")]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Coverage {
    /// Everything that its source sees within the scope: what it does not hold is gone.
    Complete,
}

/// What a complete report covers, in its sender's words. What is left out does not narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[serde(default)]
pub struct ImportScope {
    /// The scan's name, under which its sightings are kept apart: 1–100 characters.
    pub name: Option<String>,
    /// Assets by id or identifier. They were scanned, whether the report names them or not.
    pub assets: Vec<String>,
    /// Networks (CIDR). Of the assets that the report names, those with an address in one of them.
    pub networks: Vec<String>,
    /// The rules that were run (`rule_key`).
    pub rules: Vec<String>,
}

/// Longest name of a scan, in characters.
pub const MAX_SCOPE_NAME: usize = 100;
/// Most named scans of one source: a name is chosen by people, not made for each report.
pub const MAX_SCOPES: usize = 100;

impl ImportScope {
    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Refuses what names nothing.
    ///
    /// # Errors
    /// `invalid_parameter` naming the parameter.
    pub fn check(&self) -> Result<()> {
        if self.name.as_ref().is_some_and(|name| name.is_empty() || text::clean_line(name, MAX_SCOPE_NAME) != *name) {
            return Err(Error::parameter("scope", "takes 1–100 characters on one line"));
        }
        for (parameter, values) in
            [("scope_assets", &self.assets), ("scope_networks", &self.networks), ("scope_rules", &self.rules)]
        {
            few(parameter, values)?;
            storable(parameter, values)?;
        }
        self.parsed_networks().map(drop)
    }

    /// The networks, read.
    ///
    /// # Errors
    /// `invalid_parameter` naming the one that is none.
    pub fn parsed_networks(&self) -> Result<Vec<Network>> {
        let read = |text: &String| {
            let wrong = || Error::parameter("scope_networks", format!("`{text}` is no network such as 192.0.2.0/24"));
            Network::parse(text).ok_or_else(wrong)
        };
        self.networks.iter().map(read).collect()
    }
}

/// An address range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    length: u8,
}

impl Network {
    /// Reads CIDR (RFC 4632, RFC 4291) or a single address. An address within the network is as good as its first.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse().ok()?)),
            None => (text, None),
        };
        let first: IpAddr = address.parse().ok()?;
        let most = if first.is_ipv4() { 32 } else { 128 };
        let length = length.unwrap_or(most);
        (length <= most).then_some(Self { first, length })
    }

    /// Whether the address is in the network.
    pub fn contains(self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                same(first.to_bits().into(), address.to_bits().into(), 32 - self.length)
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => same(first.to_bits(), address.to_bits(), 128 - self.length),
            _ => false,
        }
    }
}

/// Whether two addresses are the same but for their last bits.
fn same(one: u128, other: u128, last: u8) -> bool {
    one.checked_shr(last.into()).unwrap_or(0) == other.checked_shr(last.into()).unwrap_or(0)
}

/// A report that claims to be complete and would mark more gone than is plausible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Implausible {
    /// Open findings that it would mark gone.
    pub would_mark_gone: i64,
    /// Open findings in its scope that are not gone so far.
    pub in_scope: i64,
}

/// Whether so many may go: at most a fifth of the scope, or what the sender has confirmed.
///
/// Before anything is stored the sender must have confirmed the very count. Where the marking begins, others may
/// have written since; then fewer than was confirmed will do, and more will not.
///
/// # Errors
/// [`Implausible`] with the counts.
pub fn plausible(counts: Implausible, confirmed: Option<i64>, has_begun: bool) -> std::result::Result<(), Implausible> {
    let Implausible { would_mark_gone, in_scope } = counts;
    let is_few = would_mark_gone.saturating_mul(5) <= in_scope;
    let is_confirmed = confirmed.is_some_and(|most| would_mark_gone == most || has_begun && would_mark_gone < most);
    if is_few || is_confirmed { Ok(()) } else { Err(counts) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_a_fifth_is_confirmed_by_its_count() {
        let counts = |would_mark_gone, in_scope| Implausible { would_mark_gone, in_scope };
        for (would, scope, confirmed, has_begun, passes) in [
            (0, 0, None, false, true),
            (20, 100, None, false, true),
            (21, 100, None, false, false),
            (21, 100, Some(20), false, false),
            (21, 100, Some(22), false, false),
            (21, 100, Some(21), false, true),
            (20, 90, Some(21), true, true),
            (22, 100, Some(21), true, false),
            (1, 1, None, false, false),
            (1, 1, Some(1), false, true),
        ] {
            assert_eq!(plausible(counts(would, scope), confirmed, has_begun).is_ok(), passes, "{would} of {scope}");
        }
    }

    #[test]
    fn networks_hold_their_addresses() {
        let holds = |network: &str, address: &str| Network::parse(network).unwrap().contains(address.parse().unwrap());
        assert!(holds("192.0.2.0/24", "192.0.2.255") && !holds("192.0.2.0/24", "192.0.3.0"));
        assert!(holds("192.0.2.77/24", "192.0.2.1"));
        assert!(holds("0.0.0.0/0", "203.0.113.9") && !holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("2001:db8::/32", "2001:db8:ffff::1") && !holds("2001:db8::/32", "2001:db9::1"));
        assert!(holds("::/0", "2001:db8::1") && holds("192.0.2.7", "192.0.2.7") && !holds("192.0.2.7", "192.0.2.6"));
        assert!(holds("192.0.2.0/24", "::ffff:192.0.2.9"));
        for bad in ["", "192.0.2.0/33", "2001:db8::/129", "192.0.2/24", "192.0.2.0/-1", "192.0.2.0/", "norrvik"] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_scope_names_something() {
        let scope = |name: &str| ImportScope { name: Some(name.into()), ..Default::default() };
        assert!(scope("Månadsskanning").check().is_ok());
        for bad in ["", "a\nb", " x", &"x".repeat(101)] {
            assert!(scope(bad).check().is_err(), "{bad:?}");
        }
        let networks = ImportScope { networks: vec!["192.0.2.0/24".into(), "x".into()], ..Default::default() };
        assert_eq!(networks.check().unwrap_err().violations[0].pointer, "scope_networks");
    }
}
