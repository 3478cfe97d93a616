//! Hosts, URLs and repositories as typed identifiers of an asset.

use domain::{AssetKind, Identifier, IdentifierKind, ReportedAsset};
use url::Url;

/// The most identifiers of one asset.
const IDENTIFIERS: usize = 50;

/// An address, a domain name or a host name, bare or out of `host:port` or a
/// URL; `None` for text that is no name of a host.
///
/// Names in Punycode come back in letters, so that two tools that spell the
/// same name differently mean the same asset.
pub(in crate::import) fn identifier(text: &str) -> Option<Identifier> {
    let name = name(text)?;
    let lower = name.to_ascii_lowercase();
    let punycode = lower.starts_with("xn--") || lower.contains(".xn--");
    let unicode = if punycode { url::quirks::domain_to_unicode(&name) } else { String::new() };
    Identifier::of_host(if unicode.is_empty() { &name } else { &unicode })
}

/// The host's name within a URL, `host:port` or a bare name.
///
/// Cut out by hand: the url crate writes names in Punycode and refuses names
/// with an underscore, which containers and Windows hosts have.
fn name(text: &str) -> Option<String> {
    let text = text.trim();
    let authority = match text.split_once("://") {
        Some((_, rest)) => rest.split(['/', '?', '#', '\\']).next()?,
        None => text,
    };
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let name = without_port(host);
    let letter = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '[' | ']');
    (!name.is_empty() && name.chars().count() <= 253 && name.chars().all(letter)).then(|| name.to_owned())
}

/// `[2001:db8::1]:443` and `host:443` without their port; a bare IPv6 address as it is.
fn without_port(host: &str) -> &str {
    if let Some((name, _)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return name;
    }
    match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') && port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

/// The port of `host:443` and `[2001:db8::1]:443`; none of a bare IPv6 address, whose last group it is not.
pub(in crate::import) fn port(place: &str) -> Option<u16> {
    let (host, port) = place.trim().rsplit_once(':')?;
    port.parse().ok().filter(|_| !host.contains(':') || host.ends_with(']'))
}

/// An asset of the identifiers that stand, each once; `None` if there is none.
pub(in crate::import) fn asset(
    kind: AssetKind,
    name: Option<String>,
    identifiers: impl IntoIterator<Item = Identifier>,
) -> Option<ReportedAsset> {
    let mut kept: Vec<Identifier> = Vec::new();
    for identifier in identifiers {
        if kept.len() < IDENTIFIERS && !kept.contains(&identifier) {
            kept.push(identifier);
        }
    }
    let name = name.or_else(|| kept.first().map(|first| first.value.clone()))?;
    (!kept.is_empty()).then_some(ReportedAsset { kind, name, identifiers: kept })
}

/// A repository by its URL, without credentials, query and trailing `.git`.
pub(in crate::import) fn repository(uri: &str) -> Option<ReportedAsset> {
    let mut url = Url::parse(&scp_as_url(uri.trim())).ok()?;
    url.host_str().filter(|host| !host.is_empty())?;
    // A URL with a host takes both; one that does not has no credentials to lose.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    let plain = url.as_str().trim_end_matches('/');
    let plain = plain.strip_suffix(".git").unwrap_or(plain);
    let short: Vec<&str> = plain.rsplit('/').take(2).collect();
    let name = super::line(&short.into_iter().rev().collect::<Vec<_>>().join("/"));
    asset(AssetKind::Repository, name, Identifier::parse(IdentifierKind::Repository, plain))
}

/// `git@host:owner/name.git` is how SSH remotes are written; as a URL it is `ssh://host/owner/name`.
fn scp_as_url(uri: &str) -> String {
    match uri.split_once(':') {
        Some((host, path)) if !uri.contains("://") && host.contains('@') => {
            format!("ssh://{host}/{}", path.trim_start_matches('/'))
        }
        _ => uri.to_owned(),
    }
}
