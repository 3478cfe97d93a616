//! Permissions: the scopes of a token, one by one.

use crate::{Error, error::Result};

macro_rules! permissions {
    ($($name:ident $scope:literal $doc:literal;)*) => {
        /// What a caller may do in a tenant. Each is one OAuth scope.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Permission { $(#[doc = $doc] $name,)* }

        impl Permission {
            /// Every permission.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The scope's name in tokens and documents.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $scope,)* }
            }

            /// What it allows, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $doc,)* }
            }
        }
    };
}

permissions! {
    ReadFindings "findings:read" "List and read findings and their counts.";
    WriteFindings "findings:write" "Change severity, assignee, tags and status.";
    VerifyFindings "findings:verify" "Verify that a fix worked.";
    ReadEvidence "evidence:read" "Read what the tools saw.";
    WriteEvidence "evidence:write" "Attach evidence to findings, and take it away.";
    ReadAssets "assets:read" "List and read assets and business services.";
    WriteAssets "assets:write" "Make, change, review, merge and retire assets and business services.";
    ReadTasks "tasks:read" "List and read remediation tasks.";
    WriteTasks "tasks:write" "Make and change remediation tasks.";
    ClaimTasks "tasks:claim" "Claim tasks for a ticketing system, link tickets and report their state.";
    RequestRisk "risk:request" "Request that a risk be accepted.";
    ApproveRisk "risk:approve" "Approve, refuse and revoke the acceptance of a risk.";
    WriteImports "imports:write" "Send reports, and read the outcome of the own ones.";
    ReadFeed "feed:read" "Follow the change feed; each resource type also needs its own `:read`.";
    ManageClients "clients:manage" "Make, change and disable API clients.";
    ManageGrants "grants:manage" "See, give, shorten and revoke grants.";
    ReadAudit "audit:read" "Read who did what.";
    ManageTenants "tenants:manage" "Change the municipality's settings.";
}

impl std::str::FromStr for Permission {
    type Err = Error;

    fn from_str(scope: &str) -> Result<Self> {
        Self::ALL.iter().copied().find(|p| p.as_str() == scope).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|p| p.as_str()).collect();
            Error::parameter("scope", format!("`{scope}` is no scope; the scopes are {}", known.join(", ")))
        })
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scopes(u64);

impl Scopes {
    /// The empty set.
    pub const NONE: Self = Self(0);

    /// Reads a blank-separated list (RFC 6749, section 3.3).
    ///
    /// # Errors
    /// `invalid_parameter` naming the first scope that does not exist.
    pub fn parse(list: &str) -> Result<Self> {
        list.split_ascii_whitespace().map(str::parse).collect()
    }

    /// Reads the scopes that Fynd knows out of a token's list; scopes of other
    /// services, which an outside issuer may add, mean nothing here.
    pub fn parse_known(list: &str) -> Self {
        list.split_ascii_whitespace().filter_map(|s| s.parse().ok()).collect()
    }

    /// Whether the permission is in the set.
    pub const fn has(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u64) != 0
    }

    /// What both sets hold.
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What either set holds. Only ever of one tenant's grants: rights of two tenants are never put together.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What this set holds and the other does not.
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether nothing is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The permissions in the set, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |p| self.has(*p))
    }
}

impl FromIterator<Permission> for Scopes {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        permissions.into_iter().fold(Self::NONE, |set, p| Self(set.0 | 1 << p as u64))
    }
}

impl std::fmt::Display for Scopes {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.iter().map(Permission::as_str).collect();
        out.write_str(&names.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_read_back_as_they_were_written() {
        let set = Scopes::parse("findings:read  tasks:claim").unwrap();
        assert_eq!(set.to_string(), "findings:read tasks:claim");
        assert!(set.has(Permission::ClaimTasks) && !set.has(Permission::WriteFindings));
    }

    #[test]
    fn an_unknown_scope_is_named() {
        assert!(Scopes::parse("findings:raed").unwrap_err().detail.contains("findings:raed"));
    }

    #[test]
    fn intersection_never_adds() {
        let a = Scopes::parse("findings:read findings:write").unwrap();
        let b = Scopes::parse("findings:read tasks:read").unwrap();
        assert_eq!(a.intersection(b).to_string(), "findings:read");
    }
}
