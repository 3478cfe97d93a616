//! Assets: what findings are about.

use crate::{AssetId, BusinessServiceId, DateTime, OpenFindings, Severity, TenantId, text};
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use crate::{
    asset_change::{AssetPatch, IdentifierInput, NewAsset},
    asset_filter::{AssetFilter, AssetQueue, AssetSort},
};

/// What an asset is.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    EnumIter,
    DeriveActiveEnum,
    async_graphql::Enum,
)]
#[serde(rename_all = "snake_case")]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum AssetKind {
    /// A server, client or network device.
    #[default]
    Host,
    /// A web application or API.
    WebApplication,
    /// A source code repository.
    Repository,
    /// Anything else.
    Other,
}

/// How much depends on an asset.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    EnumIter,
    DeriveActiveEnum,
    async_graphql::Enum,
)]
#[serde(rename_all = "snake_case")]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
pub enum Criticality {
    /// Nothing stops without it.
    #[sea_orm(num_value = 1)]
    Low,
    /// Some work is slower without it.
    #[sea_orm(num_value = 2)]
    Medium,
    /// A service stops without it.
    #[sea_orm(num_value = 3)]
    High,
    /// Life, health or the municipality's core stops without it.
    #[sea_orm(num_value = 4)]
    Critical,
}

/// From where an asset can be reached.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    EnumIter,
    DeriveActiveEnum,
    async_graphql::Enum,
)]
#[serde(rename_all = "snake_case")]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Exposure {
    /// From the internet.
    Internet,
    /// From partners' networks.
    Partner,
    /// From the own network.
    Internal,
    /// From nowhere but its own segment.
    Isolated,
}

/// How an asset became known.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    EnumIter,
    DeriveActiveEnum,
    async_graphql::Enum,
)]
#[serde(rename_all = "snake_case")]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Provenance {
    /// Somebody entered or reviewed it.
    Inventoried,
    /// A report named it; nobody has reviewed it yet.
    Discovered,
}

/// What an identifier is, strongest first: a serial number says more about
/// which machine this is than an address that another one may have tomorrow.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    EnumIter,
    DeriveActiveEnum,
    async_graphql::Enum,
)]
#[serde(rename_all = "snake_case")]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum IdentifierKind {
    /// A cloud provider's resource id or ARN.
    CloudId,
    /// The agent id of an EDR.
    EdrId,
    /// The maker's serial number.
    Serial,
    /// An IEEE 802 MAC address, `00:11:22:33:44:55`.
    Mac,
    /// A repository's URL, without credentials.
    Repository,
    /// A fully qualified domain name, lower case, no trailing dot.
    Fqdn,
    /// A host name without domain, lower case.
    Hostname,
    /// An IPv4 or IPv6 address in its canonical text form (RFC 5952).
    Ip,
}

/// A typed identifier of an asset.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject,
)]
pub struct Identifier {
    /// What the value is.
    pub kind: IdentifierKind,
    /// The value in its normal form.
    pub value: String,
}

impl Identifier {
    /// The longest identifier kept, in characters.
    pub const MAX: usize = 500;
    /// The most identifiers of one asset. A report that heaps up more describes no machine,
    /// and each of its records would be compared with all of them.
    pub const MAX_OF_ASSET: usize = 200;

    /// Brings `value` to the normal form of its kind; `None` if it is none (an address that does not parse, an empty
    /// name, a loopback address), or one that many machines have (a VRRP address, `To Be Filled By O.E.M.`).
    pub fn parse(kind: IdentifierKind, value: &str) -> Option<Self> {
        Self::normal(kind, value).filter(Self::tells_apart)
    }

    /// Whether it can be one machine's alone, as far as is known.
    pub fn tells_apart(&self) -> bool {
        !crate::asset_identifier::is_shared(self)
    }

    /// The normal form, also of what many machines have: to tell of it, and to take it from an asset that got it before.
    pub fn normal(kind: IdentifierKind, value: &str) -> Option<Self> {
        let value = text::clean_line(value, Self::MAX);
        let value = match kind {
            IdentifierKind::Ip => {
                let ip: std::net::IpAddr = value.parse().ok()?;
                if ip.is_loopback() || ip.is_unspecified() {
                    return None;
                }
                ip.to_canonical().to_string()
            }
            IdentifierKind::Mac => mac(&value)?,
            IdentifierKind::Fqdn | IdentifierKind::Hostname => {
                let name = value.trim_end_matches('.').to_lowercase();
                let is_address = name.parse::<std::net::IpAddr>().is_ok();
                if name.is_empty() || name == "localhost" || is_address || name.contains(char::is_whitespace) {
                    return None;
                }
                name
            }
            _ => value,
        };
        (!value.is_empty()).then_some(Self { kind, value })
    }

    /// A name of unknown kind: an address, a domain name or a bare host name.
    pub fn of_host(name: &str) -> Option<Self> {
        let name = name.trim();
        let bare = name.strip_prefix('[').and_then(|n| n.strip_suffix(']')).unwrap_or(name);
        if bare.parse::<std::net::IpAddr>().is_ok() {
            return Self::parse(IdentifierKind::Ip, bare);
        }
        let kind =
            if bare.trim_end_matches('.').contains('.') { IdentifierKind::Fqdn } else { IdentifierKind::Hostname };
        Self::parse(kind, bare)
    }
}

fn mac(value: &str) -> Option<String> {
    let digits: String = value.chars().filter(char::is_ascii_hexdigit).collect();
    let shape = value.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, ':' | '-' | '.'));
    if !shape || digits.len() != 12 {
        return None;
    }
    let bytes = digits.to_ascii_lowercase();
    Some((0..6).filter_map(|i| bytes.get(i * 2..i * 2 + 2)).collect::<Vec<_>>().join(":"))
}

/// A machine, application or repository that findings are about.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
#[graphql(name = "AssetFields")]
pub struct Asset {
    /// Identifier, UUIDv7.
    pub id: AssetId,
    /// The municipality it belongs to.
    pub tenant_id: TenantId,
    /// What it is.
    pub kind: AssetKind,
    /// The name people use.
    pub name: String,
    /// How much depends on it; null until somebody has said.
    pub criticality: Option<Criticality>,
    /// From where it can be reached; null until somebody has said.
    pub exposure: Option<Exposure>,
    /// The unit that answers for it.
    pub owner_unit: Option<String>,
    /// How it became known.
    pub provenance: Provenance,
    /// Typed identifiers, the strongest kind first.
    pub identifiers: Vec<Identifier>,
    /// The fields that a person has set, which no import writes: `kind`, `name`, `criticality`, `exposure`, `owner_unit`.
    pub set_by_person: Vec<String>,
    /// The first 100 business services that need it, by id.
    pub service_ids: Vec<BusinessServiceId>,
    /// How many business services need it.
    pub service_count: i64,
    /// Its open findings by severity. They move without a new `seq`, and are part of the `ETag`.
    pub open_findings: OpenFindings,
    /// The worst severity among its open findings; null if none is open.
    pub worst_severity: Option<Severity>,
    /// How many of its open findings are past their due date.
    pub overdue_findings: i32,
    /// When it was taken out of use, RFC 3339 UTC; null while it is in use.
    pub retired_at: Option<DateTime>,
    /// Why it was taken out of use.
    pub retired_reason: Option<String>,
    /// Whether a report has seen it after it was taken out of use.
    pub seen_after_retirement: bool,
    /// The asset that it turned out to be; null if it stands for itself. Its findings and identifiers are there.
    pub merged_into: Option<AssetId>,
    /// When Fynd first heard of it, RFC 3339 UTC.
    pub first_known_at: DateTime,
    /// When it last changed, RFC 3339 UTC.
    pub updated_at: DateTime,
    /// The number of its last change on the tenant's clock.
    pub seq: i64,
}

impl Asset {
    /// The most business services that are shown with it.
    pub const MAX_SERVICES: u64 = 100;

    /// The names that `fields` may list, in the order they are shown.
    pub const FIELDS: &'static [&'static str] = &[
        "id",
        "tenant_id",
        "kind",
        "name",
        "criticality",
        "exposure",
        "owner_unit",
        "provenance",
        "identifiers",
        "set_by_person",
        "service_ids",
        "service_count",
        "open_findings",
        "worst_severity",
        "overdue_findings",
        "retired_at",
        "retired_reason",
        "seen_after_retirement",
        "merged_into",
        "first_known_at",
        "updated_at",
        "seq",
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_come_to_one_form() {
        let form = |kind, value| Identifier::parse(kind, value).map(|i| i.value);
        assert_eq!(form(IdentifierKind::Fqdn, "SRV-Å0.Norrvik.Example."), Some("srv-å0.norrvik.example".into()));
        assert_eq!(form(IdentifierKind::Mac, "00-11-22-AA-bb-cc"), Some("00:11:22:aa:bb:cc".into()));
        assert_eq!(form(IdentifierKind::Mac, "not a mac"), None);
        assert_eq!(form(IdentifierKind::Ip, "2001:DB8:0:0::1"), Some("2001:db8::1".into()));
        assert_eq!(form(IdentifierKind::Ip, "::ffff:192.0.2.1"), Some("192.0.2.1".into()));
        assert_eq!(form(IdentifierKind::Ip, "127.0.0.1"), None);
        assert_eq!(form(IdentifierKind::Hostname, "localhost"), None);
    }

    #[test]
    fn a_bare_name_is_told_apart() {
        let kind = |value| Identifier::of_host(value).map(|i| i.kind);
        assert_eq!(kind("192.0.2.7"), Some(IdentifierKind::Ip));
        assert_eq!(kind("[2001:db8::7]"), Some(IdentifierKind::Ip));
        assert_eq!(kind("lon.norrvik.example"), Some(IdentifierKind::Fqdn));
        assert_eq!(kind("LON01"), Some(IdentifierKind::Hostname));
    }
}
