//! The one client for everything that Fynd asks of others.
//!
//! Who may name an address for it (an operator today, a municipality's webhook
//! tomorrow) must not reach what only Fynd can reach: private, loopback,
//! link-local and metadata addresses are refused when the connection is made,
//! after the name was resolved, so that a name that resolves differently the
//! second time gains nothing. Redirects are not followed, no proxy is taken from
//! the environment, an answer is bounded in size and time.

mod address;
mod download;

pub use download::{Fetched, Seen};

use address::is_public;
use ipnet::IpNet;
use reqwest::{
    Client, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use url::Host;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take, all of it.
const ANSWER: Duration = Duration::from_secs(10);
/// Largest answer, in bytes.
const MAX_ANSWER: usize = 1 << 20;

/// Why something could not be asked. For the log and the operator alone.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// It is no address, or one that may not be reached.
    #[error("{0} may not be reached: {1}")]
    Refused(String, &'static str),
    /// The other side did not answer.
    #[error("{0} does not answer: {1}")]
    Failed(String, String),
    /// The other side answered something else than what was asked for.
    #[error("{0} answered {1}")]
    Answer(String, String),
}

/// See the module.
#[derive(Clone)]
pub struct Outbound {
    /// For `https`: everything public, and what the operator allows.
    secure: Client,
    /// For `http`: only what the operator allows.
    plain: Client,
    allowed: Arc<[IpNet]>,
}

impl Outbound {
    /// A client that reaches public addresses by `https`, and those allowed (as CIDRs) by `http` as well.
    ///
    /// # Errors
    /// One sentence naming what is no CIDR.
    pub fn new(allow: &[String]) -> Result<Self, String> {
        let network = |text: &String| {
            let text = text.trim();
            let one = || text.parse::<IpAddr>().map(IpNet::from);
            text.parse::<IpNet>().or_else(|_| one()).map_err(|_| format!("outbound.allow: `{text}` is no CIDR"))
        };
        let allowed: Arc<[IpNet]> = allow.iter().map(network).collect::<Result<_, _>>()?;
        let client = |only_allowed| {
            Client::builder()
                .dns_resolver(Arc::new(Guarded { allowed: allowed.clone(), only_allowed }))
                .redirect(Policy::none())
                .no_proxy()
                .connect_timeout(CONNECT)
                .timeout(ANSWER)
                .user_agent(concat!("fynd/", env!("CARGO_PKG_VERSION")))
                .build()
                .map_err(|error| format!("no outbound client: {error}"))
        };
        Ok(Self { secure: client(false)?, plain: client(true)?, allowed })
    }

    /// The JSON at an address.
    ///
    /// # Errors
    /// [`OutboundError`].
    pub async fn json(&self, address: &str) -> Result<serde_json::Value, OutboundError> {
        let url: Url = address.parse().map_err(|_| refused(address, "it is no URL"))?;
        let request = self.client(&url)?.get(url.clone()).header("accept", "application/json");
        let failed = |error: reqwest::Error| OutboundError::Failed(address.to_owned(), reason(&error));
        let mut response = request.send().await.map_err(failed)?;
        if !response.status().is_success() {
            return Err(OutboundError::Answer(address.to_owned(), response.status().to_string()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(OutboundError::Answer(address.to_owned(), format!("more than {MAX_ANSWER} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).map_err(|_| OutboundError::Answer(address.to_owned(), "no JSON".into()))
    }

    /// The client for an address. A literal address is never resolved, so it is looked at here.
    fn client(&self, url: &Url) -> Result<&Client, OutboundError> {
        let only_allowed = match url.scheme() {
            "https" => false,
            "http" => true,
            _ => return Err(refused(url.as_str(), "it is neither https nor http")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused(url.as_str(), "it holds credentials"));
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return Err(refused(url.as_str(), "it names no host")),
        };
        if literal.is_some_and(|address| !may_reach(address, &self.allowed, only_allowed)) {
            return Err(refused(url.as_str(), "the address is not public; see `outbound.allow`"));
        }
        Ok(if only_allowed { &self.plain } else { &self.secure })
    }
}

fn refused(address: &str, why: &'static str) -> OutboundError {
    OutboundError::Refused(address.to_owned(), why)
}

/// reqwest says what failed, and only its sources say why.
fn reason(error: &reqwest::Error) -> String {
    let mut source = std::error::Error::source(error);
    let mut last = error.to_string();
    while let Some(inner) = source {
        last = inner.to_string();
        source = inner.source();
    }
    last
}

fn may_reach(address: IpAddr, allowed: &[IpNet], only_allowed: bool) -> bool {
    let address = address.to_canonical();
    allowed.iter().any(|network| network.contains(&address)) || (!only_allowed && is_public(address))
}

/// Resolves names to those of their addresses that may be reached.
struct Guarded {
    allowed: Arc<[IpNet]>,
    only_allowed: bool,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (allowed, only_allowed) = (self.allowed.clone(), self.only_allowed);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let fitting: Vec<SocketAddr> =
                found.filter(|socket| may_reach(socket.ip(), &allowed, only_allowed)).collect();
            if fitting.is_empty() {
                let what = format!("{} has no address that may be reached; see `outbound.allow`", name.as_str());
                return Err(std::io::Error::other(what).into());
            }
            Ok(Box::new(fitting.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(url: &str, allow: &[&str]) -> bool {
        let allow: Vec<String> = allow.iter().map(|&network| network.to_owned()).collect();
        let url = url.parse().expect("a URL");
        Outbound::new(&allow).expect("networks").client(&url).is_ok()
    }

    #[test]
    fn literal_addresses_are_held_to_the_rule_however_they_are_written() {
        assert!(may("https://192.88.98.1/", &[]) && may("https://id.norrvik.example/", &[]));
        for private in [
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://169.254.169.254/latest/meta-data",
            "https://[fd00:ec2::254]/",
            "https://user:secret@192.88.98.1/",
            "ftp://192.88.98.1/",
            "file:///etc/passwd",
        ] {
            assert!(!may(private, &[]), "{private}");
        }
        assert!(!may("http://192.88.98.1/", &[]), "only what is allowed is asked without TLS");
        assert!(may("http://127.0.0.1:8080/", &["127.0.0.0/8"]) && may("https://10.1.2.3/", &["10.0.0.0/8"]));
        assert!(!may("https://10.1.2.3/", &["10.2.0.0/16"]));
        assert!(Outbound::new(&["norrvik".into()]).is_err());
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused() {
        let outbound = Outbound::new(&[]).expect("no networks");
        let refused = outbound.json("https://localhost/").await.expect_err("refused").to_string();
        assert!(refused.contains("no address that may be reached"), "{refused}");
    }
}
