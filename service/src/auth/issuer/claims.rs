//! What an outside token says, in the words of Fynd. Pure.

use super::IssuerOptions;
use crate::auth::claims::{Audience, Claims};
use domain::Scopes;
use serde_json::Value;

/// Most roles and tenants that are read out of one token.
const MAX_NAMES: usize = 1_000;
/// Longest subject, role or id, in bytes.
const MAX_NAME: usize = 500;

/// A token of an outside issuer, as far as Fynd asks.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::auth) struct Outside {
    /// What own tokens say as well.
    pub(in crate::auth) claims: Claims,
    /// The roles and groups that it carries.
    pub(in crate::auth) roles: Vec<String>,
}

impl Outside {
    /// Reads verified claims. The token asks for no more than the issuer may carry; without a scope of its own
    /// it asks for that, and its roles decide.
    ///
    /// # Errors
    /// Why the token is refused, for the log.
    pub(super) fn read(token: &Value, options: &IssuerOptions, most: Scopes) -> Result<Self, &'static str> {
        let names = &options.claims;
        let text = |path: &str| at(token, path).and_then(Value::as_str).filter(|text| fits(text)).map(str::to_owned);
        let seconds = |name: &str| token.get(name).map(|value| value.as_i64().ok_or("a time is no whole number"));
        if token.get("iss").and_then(Value::as_str) != Some(&options.issuer) {
            return Err("issuer");
        }
        if token.get("cnf").is_some_and(|bound| !bound.is_null()) {
            // Bound to a key that the sender shows (RFC 7800); as a bearer token it would be worth nothing if stolen.
            return Err("bound to a key of its sender");
        }
        let aud: Audience =
            token.get("aud").cloned().and_then(|aud| serde_json::from_value(aud).ok()).ok_or("audience")?;
        if !aud.holds(&options.audience) {
            return Err("audience");
        }
        let asked = match at(token, &names.scopes).map(words) {
            None => most,
            Some(Ok(scopes)) => Scopes::parse_known(&scopes.join(" ")).intersection(most),
            Some(Err(reason)) => return Err(reason),
        };
        let mut tenants = options.tenants.clone();
        if !names.tenants.is_empty() {
            let named = at(token, &names.tenants).map(words).transpose()?.unwrap_or_default();
            tenants.retain(|tenant| named.contains(tenant));
        }
        let mut roles = Vec::new();
        for path in &names.roles {
            roles.extend(at(token, path).map(words).transpose()?.unwrap_or_default());
        }
        // `*` is how a grant says "every token"; no token says it of itself.
        roles.retain(|role| role != "*");
        roles.truncate(MAX_NAMES);
        let claims = Claims {
            iss: options.issuer.clone(),
            sub: text(&names.subject).ok_or("subject")?,
            aud,
            exp: seconds("exp").ok_or("no end")??,
            nbf: seconds("nbf").transpose()?,
            iat: seconds("iat").transpose()?.unwrap_or_default(),
            jti: text(&names.token_id).unwrap_or_default(),
            scope: asked.to_string(),
            tenants,
            client_id: None,
        };
        Ok(Self { claims, roles })
    }
}

/// The value at a path of names.
fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    if path.is_empty() {
        return None;
    }
    // A name that holds a dot, as URLs do, has it written `\.`.
    let path = path.replace("\\.", "\u{0}");
    path.split('.').try_fold(value, |value, name| value.get(name.replace('\u{0}', ".")))
}

/// Blank-separated words in one text, or a list of texts.
fn words(value: &Value) -> Result<Vec<String>, &'static str> {
    match value {
        Value::String(text) => Ok(text.split_ascii_whitespace().filter(|word| fits(word)).map(str::to_owned).collect()),
        Value::Array(values) => {
            let texts = values.iter().take(MAX_NAMES).map(|value| value.as_str().map(str::to_owned));
            let texts: Option<Vec<String>> = texts.collect();
            texts
                .map(|texts| texts.into_iter().filter(|text| fits(text)).collect())
                .ok_or("a list of something else than texts")
        }
        Value::Null => Ok(Vec::new()),
        _ => Err("neither a text nor a list"),
    }
}

fn fits(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len()) && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn options(claims: &Value) -> IssuerOptions {
        let settings = json!({"issuer": "https://id.example", "audience": "fynd", "algorithms": ["RS256"],
            "tenants": ["norrvik", "alvsund"], "scopes": ["findings:read", "tasks:read"], "claims": claims});
        serde_json::from_value(settings).unwrap()
    }

    fn read(names: &Value, more: &Value) -> Result<Outside, &'static str> {
        let mut token = json!({"iss": "https://id.example", "aud": "fynd", "sub": "anna", "exp": 1});
        token.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        token.as_object_mut().unwrap().retain(|_, value| value != "absent");
        Outside::read(&token, &options(names), Scopes::parse("findings:read tasks:read").unwrap())
    }

    #[test]
    fn a_token_asks_for_no_more_than_its_issuer_may_carry() {
        for (scope, asked) in [
            (json!("absent"), "findings:read tasks:read"),
            (json!("findings:read openid profile"), "findings:read"),
            (json!(["findings:read", "grants:manage"]), "findings:read"),
            (json!("grants:manage"), ""),
            (json!(null), ""),
        ] {
            assert_eq!(read(&json!({}), &json!({"scope": scope})).unwrap().claims.scope, asked, "{scope}");
        }
    }

    #[test]
    fn roles_are_found_where_entra_and_keycloak_put_them() {
        let names = json!({"roles": ["roles", "realm_access.roles", "https://fynd\\.example/groups"]});
        let token =
            json!({"roles": ["a"], "realm_access": {"roles": ["b", "*"]}, "https://fynd.example/groups": "c d"});
        assert_eq!(read(&names, &token).unwrap().roles, ["a", "b", "c", "d"]);
        // A user of more groups than fit gets a link in their place: no groups, no rights by them.
        let overage = json!({"_claim_names": {"groups": "src1"}, "hasgroups": true});
        assert!(read(&json!({"roles": ["groups"]}), &overage).unwrap().roles.is_empty());
        let many: Vec<String> = (0..10_000).map(|n| format!("g{n}")).collect();
        assert_eq!(read(&json!({"roles": ["groups"]}), &json!({"groups": many})).unwrap().roles.len(), 1_000);
    }

    #[test]
    fn tenants_are_those_of_the_token_that_the_issuer_may_name() {
        assert_eq!(read(&json!({}), &json!({})).unwrap().claims.tenants, ["norrvik", "alvsund"]);
        let named = |value: Value| read(&json!({"tenants": "kommun"}), &json!({"kommun": value}));
        assert_eq!(named(json!(["alvsund", "bjorkhult"])).unwrap().claims.tenants, ["alvsund"]);
        assert!(named(json!("absent")).unwrap().claims.tenants.is_empty());
        assert!(named(json!(7)).is_err());
    }

    #[test]
    fn what_every_token_must_say_is_asked_for() {
        for more in [
            json!({"iss": "https://other.example"}),
            json!({"aud": "other"}),
            json!({"aud": ["other"]}),
            json!({"aud": "absent"}),
            json!({"sub": "absent"}),
            json!({"sub": ""}),
            json!({"sub": "x".repeat(501)}),
            json!({"sub": "a\u{0}b"}),
            json!({"sub": 7}),
            json!({"exp": "absent"}),
            json!({"exp": "soon"}),
            json!({"exp": 1.5}),
            json!({"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}),
            json!({"nbf": "later"}),
            json!({"scope": 7}),
            json!({"scope": [7]}),
        ] {
            assert!(read(&json!({}), &more).is_err(), "{more}");
        }
        assert!(read(&json!({"subject": "oid"}), &json!({"oid": "b"})).unwrap().claims.sub == "b");
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,20}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z*.]{0,6}", inner, 0..4).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #[test]
        fn nothing_in_a_token_gets_it_more(scope in any_json(), roles in any_json(), kommun in any_json()) {
            let names = json!({"roles": ["roles", "roles.roles"], "tenants": "kommun"});
            if let Ok(outside) = read(&names, &json!({"scope": scope, "roles": roles, "kommun": kommun})) {
                let most = Scopes::parse("findings:read tasks:read").unwrap();
                let asked = Scopes::parse(&outside.claims.scope).unwrap();
                prop_assert_eq!(asked.intersection(most), asked);
                prop_assert!(outside.claims.tenants.iter().all(|tenant| ["norrvik", "alvsund"].contains(&tenant.as_str())));
                prop_assert!(!outside.roles.iter().any(|role| role == "*"));
            }
        }
    }
}
