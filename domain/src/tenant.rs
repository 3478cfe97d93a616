//! Tenants: the municipalities, each behind its own wall.

use crate::{DateTime, Error, TenantId, Violation, error::Result, text};
use serde::Serialize;
use utoipa::ToSchema;

/// A municipality.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct Tenant {
    /// Identifier, UUIDv7.
    pub id: TenantId,
    /// Its short name in URLs and tokens: `norrvik`.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// When it was added, RFC 3339 UTC.
    pub created_at: DateTime,
}

/// A tenant's short name: 1–40 of a–z, 0–9 and `-`, no `-` at either end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TenantSlug(String);

impl TenantSlug {
    /// Reads a slug.
    ///
    /// # Errors
    /// `invalid_body` if it has other characters, is empty or too long, or
    /// could be taken for an id.
    pub fn parse(slug: &str) -> Result<Self> {
        let fits = (1..=40).contains(&slug.len())
            && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !slug.starts_with('-')
            && !slug.ends_with('-')
            && uuid::Uuid::parse_str(slug).is_err();
        if fits {
            Ok(Self(slug.to_owned()))
        } else {
            let rule = format!("`{slug}` is no slug: 1–40 of a–z, 0–9 and `-`, no `-` at either end, and no UUID");
            Err(Error::invalid(vec![Violation::new("/slug", rule)]))
        }
    }

    /// The slug.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Reads a name of a municipality or organisation.
///
/// # Errors
/// `invalid_body` if it is empty or longer than 200 characters.
pub fn parse_name(name: &str) -> Result<String> {
    let cleaned = text::clean_line(name, 201);
    if cleaned.is_empty() || cleaned.chars().count() > 200 {
        return Err(Error::invalid(vec![Violation::new("/name", "takes 1–200 characters")]));
    }
    Ok(cleaned)
}

impl Tenant {
    /// Whether a name in a request means this tenant: its slug, or its id in any spelling of a UUID.
    pub fn is_named(&self, name: &str) -> bool {
        self.slug == name || name.parse().is_ok_and(|id: TenantId| id == self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_narrow() {
        for good in ["norrvik", "a", "kommun-2"] {
            assert!(TenantSlug::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "Norrvik", "älvsund", "-a", "a-", "a b", "0193e4a0-0000-7000-8000-000000000001"] {
            assert!(TenantSlug::parse(bad).is_err(), "{bad}");
        }
    }
}
