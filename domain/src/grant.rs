//! Grants: every right of anybody in a municipality is one, dated, seen and revocable there.

use crate::{
    DateTime, Error, GrantId, OrganisationId, PrincipalId, Scopes, TenantId, Timestamp, Violation, error::Result, text,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A right of a principal, an organisation or a role in one municipality.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct Grant {
    /// Identifier, UUIDv7.
    pub id: GrantId,
    /// Where it holds.
    pub tenant_id: TenantId,
    /// To whom it is given.
    pub holder: Holder,
    /// What it allows.
    pub scopes: Vec<String>,
    /// How it came to be: `cli`, `demo`, `client`, `api` or `issuer`.
    pub origin: String,
    /// Who gave it; null if the operator did.
    pub granted_by: Option<PrincipalId>,
    /// From when it holds, RFC 3339 UTC.
    pub valid_from: DateTime,
    /// When it ends, RFC 3339 UTC; null if it has no end.
    pub valid_to: Option<DateTime>,
    /// When it was revoked, RFC 3339 UTC.
    pub revoked_at: Option<DateTime>,
    /// When it was given, RFC 3339 UTC.
    pub created_at: DateTime,
    /// Grows with every change; the first part of the `ETag`.
    pub version: i64,
}

impl Grant {
    /// The names of its fields.
    pub const FIELDS: &'static [&'static str] = &[
        "id",
        "tenant_id",
        "holder",
        "scopes",
        "origin",
        "granted_by",
        "valid_from",
        "valid_to",
        "revoked_at",
        "created_at",
        "version",
    ];
}

/// Whom a grant is given to.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
#[graphql(name = "GrantHolder")]
#[schema(as = GrantHolder)]
pub struct Holder {
    /// `principal`, `organisation` or `role`.
    pub kind: HolderKind,
    /// Its name: `issuer subject`, the organisation's name, or the role's.
    pub name: String,
    /// The principal, where it is one.
    pub principal_id: Option<PrincipalId>,
    /// The organisation, where it is one.
    pub organisation_id: Option<OrganisationId>,
    /// The issuer whose tokens carry the role, where it is one.
    pub issuer: Option<String>,
    /// The role, where it is one; `*` is every token of the issuer.
    pub role: Option<String>,
}

/// What a grant can be given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, async_graphql::Enum)]
#[serde(rename_all = "snake_case")]
pub enum HolderKind {
    /// One principal.
    Principal,
    /// Everybody of an organisation.
    Organisation,
    /// Every token of an issuer that carries the role.
    Role,
}

/// A grant to give. It names its holder in exactly one way: `principal_id`,
/// `issuer` with `subject`, `issuer` with `role`, or `organisation`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "GrantInput")]
pub struct NewGrant {
    /// A principal that is known already.
    #[serde(default)]
    pub principal_id: Option<PrincipalId>,
    /// The `iss` of the tokens meant.
    #[serde(default)]
    pub issuer: Option<String>,
    /// Their `sub`.
    #[serde(default)]
    pub subject: Option<String>,
    /// A role that they carry; `*` is any.
    #[serde(default)]
    pub role: Option<String>,
    /// An organisation, by name or id.
    #[serde(default)]
    pub organisation: Option<String>,
    /// What it allows; no more than the giver holds.
    #[schema(example = json!(["findings:read"]))]
    pub scopes: Vec<String>,
    /// From when; at once if left out.
    #[serde(default)]
    pub valid_from: Option<DateTime>,
    /// Until when. A provider's grant must have an end.
    #[serde(default)]
    pub valid_to: Option<DateTime>,
}

/// The holder that a new grant names.
#[derive(Clone, Debug, PartialEq)]
pub enum Named {
    /// A principal by its id.
    Principal(PrincipalId),
    /// A principal by issuer and subject; made if it is new.
    Subject(String, String),
    /// An issuer and a role.
    Role(String, String),
    /// An organisation by name or id.
    Organisation(String),
}

impl NewGrant {
    /// The one holder that is named.
    ///
    /// # Errors
    /// `invalid_body` if none or several are, or a name is no line of 1–500 characters.
    pub fn holder(&self) -> Result<Named> {
        let lines = [("/issuer", &self.issuer), ("/subject", &self.subject), ("/role", &self.role)];
        for (pointer, line) in lines.into_iter().chain([("/organisation", &self.organisation)]) {
            if line.as_ref().is_some_and(|line| !is_name(line)) {
                return Err(Error::invalid(vec![Violation::new(pointer, "takes one line of 1–500 characters")]));
            }
        }
        match (self.principal_id, &self.issuer, &self.subject, &self.role, &self.organisation) {
            (Some(id), None, None, None, None) => Ok(Named::Principal(id)),
            (None, Some(issuer), Some(subject), None, None) => Ok(Named::Subject(issuer.clone(), subject.clone())),
            (None, Some(issuer), None, Some(role), None) => Ok(Named::Role(issuer.clone(), role.clone())),
            (None, None, None, None, Some(name)) => Ok(Named::Organisation(name.clone())),
            _ => {
                let detail = "name one holder: `principal_id`, `issuer` with `subject`, `issuer` with `role`, or \
                              `organisation`";
                Err(Error::invalid(vec![Violation::new("", detail)]))
            }
        }
    }

    /// From when until when it holds.
    ///
    /// # Errors
    /// `invalid_body` if it ends before it begins or is over already.
    pub fn window(&self, now: Timestamp) -> Result<(Timestamp, Option<Timestamp>)> {
        let (from, to) = (self.valid_from.map_or(now, |from| from.0.max(now)), self.valid_to.map(|to| to.0));
        if to.is_some_and(|to| to <= from) {
            return Err(Error::invalid(vec![Violation::new("/valid_to", "must be later than `valid_from` and now")]));
        }
        Ok((from, to))
    }
}

/// What a municipality can change about a grant: it can only get smaller. A larger one is a new one.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "GrantPatchInput")]
pub struct GrantPatch {
    /// An earlier end.
    #[serde(default)]
    pub valid_to: Option<DateTime>,
    /// Fewer scopes.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
}

impl GrantPatch {
    /// The end and the scopes that a grant has after the change.
    ///
    /// # Errors
    /// `invalid_body` for anything that would make it larger.
    pub fn apply(&self, valid_to: Option<Timestamp>, scopes: Scopes) -> Result<(Option<Timestamp>, Scopes)> {
        let end = match (self.valid_to, valid_to) {
            (None, end) => end,
            (Some(new), Some(old)) if new.0 > old => {
                let detail = "a grant can be shortened only; give a new one to go on for longer";
                return Err(Error::invalid(vec![Violation::new("/valid_to", detail)]));
            }
            (Some(new), _) => Some(new.0),
        };
        let Some(asked) = &self.scopes else { return Ok((end, scopes)) };
        let fewer = parse_scopes(asked)?;
        if fewer.intersection(scopes) != fewer {
            let detail = "a grant can be narrowed only; give a new one for more";
            return Err(Error::invalid(vec![Violation::new("/scopes", detail)]));
        }
        Ok((end, fewer))
    }
}

/// Reads a list of scopes in a body.
///
/// # Errors
/// `invalid_body` naming the one that does not exist, or if there is none.
pub fn parse_scopes(names: &[String]) -> Result<Scopes> {
    let set: Result<Scopes> = names.iter().map(|name| name.parse()).collect();
    match set {
        Ok(set) if !set.is_empty() => Ok(set),
        Ok(_) => Err(Error::invalid(vec![Violation::new("/scopes", "names no scope")])),
        Err(error) => Err(Error::invalid(vec![Violation::new("/scopes", error.detail)])),
    }
}

fn is_name(line: &str) -> bool {
    text::is_line(line) && (1..=500).contains(&line.chars().count())
}

/// Which grants.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, IntoParams, async_graphql::InputObject)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GrantFilter {
    /// Municipalities, by slug or id.
    #[param(style = Form, explode = false, example = json!(["norrvik"]))]
    #[graphql(default)]
    pub tenant: Vec<String>,
    /// Only those that hold now (true), or only those that do not (false).
    pub live: Option<bool>,
    /// Those of one principal.
    pub principal: Option<PrincipalId>,
}

impl GrantFilter {
    /// The names of the conditions.
    pub const NAMES: &'static [&'static str] = &["tenant", "live", "principal"];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_names_one_holder() {
        let role = NewGrant { issuer: Some("https://id.example".into()), role: Some("*".into()), ..Default::default() };
        assert_eq!(role.holder().unwrap(), Named::Role("https://id.example".into(), "*".into()));
        assert!(NewGrant::default().holder().is_err());
        let both = NewGrant { organisation: Some("Nordskydd".into()), ..role };
        assert!(both.holder().is_err());
        let line = NewGrant { organisation: Some("a\nb".into()), ..Default::default() };
        assert!(line.holder().is_err());
    }

    #[test]
    fn a_grant_only_shrinks() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let (end, scopes) = (Some(time("2026-12-31T00:00:00Z")), Scopes::parse("findings:read tasks:read").unwrap());
        let later = GrantPatch { valid_to: Some(time("2027-01-01T00:00:00Z").into()), scopes: None };
        assert!(later.apply(end, scopes).is_err());
        assert!(later.apply(None, scopes).is_ok());
        let fewer = GrantPatch { valid_to: None, scopes: Some(vec!["tasks:read".into()]) };
        assert_eq!(fewer.apply(end, scopes).unwrap(), (end, Scopes::parse("tasks:read").unwrap()));
        let more = GrantPatch { valid_to: None, scopes: Some(vec!["tasks:read".into(), "audit:read".into()]) };
        assert!(more.apply(end, scopes).is_err());
    }
}
