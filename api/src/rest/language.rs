//! `Accept-Language` (RFC 9110, section 12.5.4): Swedish or English.

use actix_web::http::header::{ACCEPT_LANGUAGE, HeaderMap, HeaderValue};
use domain::tenant_settings::Language;

/// The language that the reader prefers of those that there are; English if none is.
pub(crate) fn of(headers: &HeaderMap) -> Language {
    let ranges = headers.get_all(ACCEPT_LANGUAGE).filter_map(|value| value.to_str().ok());
    let wishes = ranges.flat_map(|value| value.split(',')).filter_map(wish);
    let best = wishes.reduce(|best, wish| if wish.1 > best.1 { wish } else { best });
    best.filter(|(_, weight)| *weight > 0.0).map_or(Language::En, |(language, _)| language)
}

fn wish(range: &str) -> Option<(Language, f32)> {
    let (tag, weight) = range.split_once(';').unwrap_or((range, ""));
    let language = match tag.trim().split('-').next()?.to_ascii_lowercase().as_str() {
        "sv" => Language::Sv,
        "en" | "*" => Language::En,
        _ => return None,
    };
    let weight = weight.trim().strip_prefix("q=").map_or(Some(1.0), |weight| weight.parse().ok());
    Some((language, weight.unwrap_or(0.0)))
}

/// The language as a tag (RFC 5646).
pub(crate) const fn name(language: Language) -> HeaderValue {
    HeaderValue::from_static(match language {
        Language::Sv => "sv",
        Language::En => "en",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_language_is_spoken() {
        for (accept, expected) in [
            ("sv", Language::Sv),
            ("sv-SE,sv;q=0.9,en;q=0.8", Language::Sv),
            ("en-GB, sv;q=0.5", Language::En),
            ("de, sv;q=0.2", Language::Sv),
            ("fi", Language::En),
            ("*", Language::En),
            ("sv;q=0", Language::En),
            ("sv;q=x, en;q=0.1", Language::En),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static(accept));
            assert_eq!(of(&headers), expected, "{accept}");
        }
        assert_eq!(of(&HeaderMap::new()), Language::En);
    }
}
