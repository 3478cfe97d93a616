//! The settings of an outside issuer: `[[issuers]]`.

use domain::Scopes;
use jsonwebtoken::Algorithm;
use serde::Deserialize;

/// One issuer. What each setting means stands in `defaults.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml, the manual")]
pub struct IssuerOptions {
    pub issuer: String,
    #[serde(default)]
    pub jwks_uri: Option<String>,
    // Required all the same: `check` misses them by name.
    #[serde(default)]
    pub audience: String,
    #[serde(default)]
    pub algorithms: Vec<String>,
    #[serde(default)]
    pub tenants: Vec<String>,
    #[serde(default)]
    pub scopes: Vec<String>,
    #[serde(default)]
    pub claims: ClaimNames,
    #[serde(default)]
    pub roles: Vec<RoleOptions>,
}

/// Where a token says what. A dot goes one level down: `realm_access.roles`; `\.` is a dot in a name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "described in defaults.toml, the manual")]
pub struct ClaimNames {
    pub subject: String,
    pub scopes: String,
    pub tenants: String,
    pub roles: Vec<String>,
    pub token_id: String,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self {
            subject: "sub".into(),
            scopes: "scope".into(),
            tenants: String::new(),
            roles: Vec::new(),
            token_id: "jti".into(),
        }
    }
}

/// What a role or group of the issuer may do where.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described in defaults.toml, the manual")]
pub struct RoleOptions {
    pub role: String,
    pub tenants: Vec<String>,
    pub scopes: Vec<String>,
}

/// A grant that the settings offer: the municipality sees it, narrows it, revokes it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OfferedGrant {
    /// The issuer.
    pub(crate) issuer: String,
    /// The role; `*` is every token.
    pub(crate) role: String,
    /// Slug or id of the tenant.
    pub(crate) tenant: String,
    /// What it allows.
    pub(crate) scopes: Scopes,
}

/// The algorithms that an outside issuer may sign with: asymmetric, and known to the verifier.
const ALGORITHMS: &[Algorithm] = &[
    Algorithm::EdDSA,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

impl IssuerOptions {
    /// The algorithms and the most scopes, once everything is checked.
    ///
    /// # Errors
    /// One sentence that names the issuer and the setting.
    pub(super) fn check(&self) -> Result<(Vec<Algorithm>, Scopes), String> {
        let wrong = |setting: &str, what: &str| Err(format!("issuers, {}: {setting} {what}", self.issuer));
        if !is_address(&self.issuer) {
            return wrong("issuer", "must be the https address that its tokens name");
        }
        if self.jwks_uri.as_deref().is_some_and(|uri| !uri.is_empty() && !is_address(uri)) {
            return wrong("jwks_uri", "must be an https address, or left out");
        }
        let required = [("audience", self.audience.is_empty()), ("tenants", self.tenants.is_empty())];
        for (setting, is_empty) in required.into_iter().chain([("algorithms", self.algorithms.is_empty())]) {
            if is_empty {
                return wrong(setting, "must be named; nothing is assumed");
            }
        }
        let mut algorithms = Vec::new();
        for name in &self.algorithms {
            match ALGORITHMS.iter().find(|algorithm| format!("{algorithm:?}") == *name) {
                Some(algorithm) => algorithms.push(*algorithm),
                None => return wrong("algorithms", &format!("do not hold `{name}`; there are {ALGORITHMS:?}")),
            }
        }
        let scopes = self.scopes_of(&self.scopes)?;
        self.check_roles(scopes)?;
        Ok((algorithms, scopes))
    }

    fn check_roles(&self, most: Scopes) -> Result<(), String> {
        let wrong = |setting: &str, what: &str| Err(format!("issuers, {}: {setting} {what}", self.issuer));
        for role in &self.roles {
            if self.claims.roles.is_empty() {
                return wrong("claims.roles", "must name where the roles stand");
            }
            if role.role.is_empty() || role.role == "*" {
                return wrong("roles", "must each have a name, and `*` is none");
            }
            if let Some(tenant) = role.tenants.iter().find(|tenant| !self.tenants.contains(tenant)) {
                return wrong(&format!("role {}", role.role), &format!("reaches {tenant}, which the issuer does not"));
            }
            let own = self.scopes_of(&role.scopes)?;
            if own.intersection(most) != own {
                return wrong(&format!("role {}", role.role), "carries more than `scopes` of the issuer");
            }
        }
        Ok(())
    }

    /// The scopes of a list, none of which may be unknown.
    fn scopes_of(&self, names: &[String]) -> Result<Scopes, String> {
        match Scopes::parse(&names.join(" ")) {
            Ok(scopes) if !scopes.is_empty() => Ok(scopes),
            Ok(_) => Err(format!("issuers, {}: scopes must be named; nothing is assumed", self.issuer)),
            Err(error) => Err(format!("issuers, {}: scopes: {}", self.issuer, error.detail)),
        }
    }

    /// With roles, a grant for each role in each of its tenants; without, one for every token in each tenant.
    pub(super) fn offers(&self, most: Scopes) -> Vec<OfferedGrant> {
        let offer = |role: &str, tenant: &String, scopes| OfferedGrant {
            issuer: self.issuer.clone(),
            role: role.to_owned(),
            tenant: tenant.clone(),
            scopes,
        };
        if self.roles.is_empty() {
            return self.tenants.iter().map(|tenant| offer("*", tenant, most)).collect();
        }
        let of_role = |role: &RoleOptions| {
            // Checked at start: every one of them exists.
            let scopes = Scopes::parse_known(&role.scopes.join(" "));
            role.tenants.iter().map(|tenant| offer(&role.role, tenant, scopes)).collect::<Vec<_>>()
        };
        self.roles.iter().flat_map(of_role).collect()
    }
}

fn is_address(text: &str) -> bool {
    text.parse::<url::Url>().is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn with(changed: &Value) -> IssuerOptions {
        let mut settings = json!({"issuer": "https://id.example", "audience": "fynd", "algorithms": ["RS256"],
            "tenants": ["norrvik", "alvsund"], "scopes": ["findings:read", "tasks:read"],
            "claims": {"roles": ["roles"]}});
        let map = settings.as_object_mut().unwrap();
        map.extend(changed.as_object().unwrap().clone());
        map.retain(|_, value| !value.is_null());
        serde_json::from_value(settings).unwrap()
    }

    #[test]
    fn what_is_wrong_is_named_with_its_issuer() {
        let role = |role: Value| json!({"roles": [role]});
        for (changed, setting) in [
            (json!({"issuer": "id.example"}), "issuer"),
            (json!({"jwks_uri": "/keys"}), "jwks_uri"),
            (json!({"audience": null}), "audience"),
            (json!({"algorithms": null}), "algorithms"),
            (json!({"algorithms": ["HS256"]}), "`HS256`"),
            (json!({"algorithms": ["none"]}), "`none`"),
            (json!({"tenants": null}), "tenants"),
            (json!({"scopes": null}), "scopes"),
            (json!({"scopes": ["findings:raed"]}), "findings:raed"),
            (role(json!({"role": "*", "tenants": ["norrvik"], "scopes": ["tasks:read"]})), "`*`"),
            (role(json!({"role": "a", "tenants": ["bjorkhult"], "scopes": ["tasks:read"]})), "bjorkhult"),
            (role(json!({"role": "a", "tenants": ["norrvik"], "scopes": ["grants:manage"]})), "role a"),
        ] {
            let error = with(&changed).check().expect_err(setting);
            assert!(error.contains(setting), "{changed}: {error}");
            assert!(error.contains(with(&changed).issuer.as_str()), "{changed}: {error}");
        }
        assert!(with(&json!({"jwks_uri": ""})).check().is_ok(), "left out, as the manual writes it");
    }

    #[test]
    fn a_role_is_offered_where_it_is_named_and_nowhere_else() {
        let settings = with(&json!({"roles": [{"role": "a", "tenants": ["alvsund"], "scopes": ["tasks:read"]}]}));
        let (_, most) = settings.check().unwrap();
        let offers = settings.offers(most);
        let [offer] = offers.as_slice() else { panic!("{offers:?}") };
        assert_eq!((offer.role.as_str(), offer.tenant.as_str()), ("a", "alvsund"));
        assert_eq!(offer.scopes.to_string(), "tasks:read");
        let everybody = with(&json!({})).offers(most);
        assert!(everybody.iter().all(|offer| offer.role == "*" && offer.scopes == most) && everybody.len() == 2);
    }
}
