//! Outside issuers (OpenID Connect): whose tokens are taken, for which
//! municipalities, and what they may carry at most. What a token says is turned
//! into what Fynd asks of it by [`claims`]; whose signature it bears is for
//! [`keys`]; what it may then do are grants to its roles, as of everybody else.

mod claims;
mod keys;
mod options;

pub(super) use claims::Outside;
pub(super) use keys::Fingerprint;
pub(crate) use options::OfferedGrant;
pub use options::{ClaimNames, IssuerOptions, RoleOptions};

use crate::outbound::Outbound;
use domain::Scopes;
use jsonwebtoken::{Algorithm, DecodingKey};
use keys::Keys;

/// An issuer and its keys.
pub(super) struct Issuer {
    options: IssuerOptions,
    algorithms: Vec<Algorithm>,
    scopes: Scopes,
    keys: Keys,
}

/// All of them.
#[derive(Default)]
pub(super) struct Issuers(Vec<Issuer>);

impl Issuers {
    /// Issuers of these settings, all checked; their keys are fetched when they are first needed.
    pub(super) fn new(options: Vec<IssuerOptions>, outbound: &Outbound) -> Result<Self, String> {
        let issuer = |options: IssuerOptions| {
            let (algorithms, scopes) = options.check()?;
            let keys = Keys::new(&options, outbound.clone());
            Ok(Issuer { options, algorithms, scopes, keys })
        };
        let all: Vec<Issuer> = options.into_iter().map(issuer).collect::<Result<_, String>>()?;
        let mut names: Vec<&str> = all.iter().map(|issuer| issuer.options.issuer.as_str()).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("issuers: {} stands twice", pair[0])),
            None => Ok(Self(all)),
        }
    }

    /// The issuer that a token names.
    pub(super) fn named(&self, iss: &str) -> Option<&Issuer> {
        self.0.iter().find(|issuer| issuer.options.issuer == iss)
    }

    /// Everything that the settings offer municipalities to grant.
    pub(super) fn offers(&self) -> Vec<OfferedGrant> {
        self.0.iter().flat_map(|issuer| issuer.options.offers(issuer.scopes)).collect()
    }

    /// Fetches the keys of all of them. One that does not answer is told in the log and asked again later.
    pub(super) async fn warm_up(&self) {
        for issuer in &self.0 {
            issuer.keys.renew().await;
        }
    }

    /// Fetches old keys again, so that one that was withdrawn ends although its tokens are known already.
    pub(super) fn renew_old(&self) {
        for issuer in &self.0 {
            issuer.keys.renew_if_old();
        }
    }
}

impl Issuer {
    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.options.issuer
    }

    /// The key with this id, if it verifies what the header says and the settings allow it.
    pub(super) fn key(&self, kid: &str, algorithm: &str) -> Option<(Algorithm, DecodingKey, Fingerprint)> {
        let algorithm = self.algorithms.iter().copied().find(|allowed| format!("{allowed:?}") == algorithm)?;
        let (public, fingerprint) = self.keys.get(kid, algorithm)?;
        Some((algorithm, public, fingerprint))
    }

    /// Whether the issuer has a key with this id, whatever it verifies.
    pub(super) fn has(&self, kid: &str) -> bool {
        self.keys.has(kid)
    }

    /// Whether the key that a token was verified with is still one of the issuer's.
    pub(super) fn holds(&self, fingerprint: &Fingerprint) -> bool {
        self.keys.hold(fingerprint)
    }

    /// Fetches the keys again, at a bounded rate; for a token whose key is not known.
    pub(super) async fn renew(&self) {
        self.keys.renew().await;
    }

    /// Fetches the keys again if they are old, without making anybody wait.
    pub(super) fn renew_if_old(&self) {
        self.keys.renew_if_old();
    }

    /// What a verified token says, or why it is refused.
    pub(super) fn read(&self, claims: &serde_json::Value) -> Result<Outside, &'static str> {
        Outside::read(claims, &self.options, self.scopes)
    }
}
