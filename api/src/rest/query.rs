//! Query parameters: comma lists, and an error that names the parameter.

use super::Problem;
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use domain::{Code, Violation};
use futures_util::future::{Ready, ready};
use serde::{
    de::{
        DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor,
        value::{SeqDeserializer, StringDeserializer},
    },
    forward_to_deserialize_any,
};

/// The query of a request. An unknown, repeated or wrong parameter is a 400 that names it.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest for Params<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request.query_string()).map(Self))
    }
}

/// The query of a list: the conditions of a filter, and the rest.
pub(crate) struct Filtered<F, T>(pub(crate) F, pub(crate) T);

/// A filter whose conditions are query parameters.
pub(crate) trait Filter: DeserializeOwned {
    /// The parameters that are its conditions.
    const NAMES: &'static [&'static str];
}

macro_rules! filters {
    ($($filter:ty),*) => {$(
        impl Filter for $filter {
            const NAMES: &'static [&'static str] = <$filter>::NAMES;
        }
    )*};
}

filters!(
    domain::FindingFilter,
    domain::asset::AssetFilter,
    domain::business_service::BusinessServiceFilter,
    domain::task::TaskFilter,
    domain::ticket::TicketFilter,
    domain::change::ChangeFilter,
    domain::client::ClientFilter,
    domain::grant::GrantFilter,
    domain::source::SourceFilter,
    domain::watch::WatchFilter,
    domain::AuditFilter,
    domain::risk_acceptance::RiskAcceptanceFilter
);

impl<F: Filter, T: DeserializeOwned> FromRequest for Filtered<F, T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(pairs(request.query_string()).and_then(|pairs| {
            let (conditions, rest) = pairs.into_iter().partition(|(name, _)| F::NAMES.contains(&name.as_str()));
            let rest = of_pairs(rest).map_err(|problem| with_conditions(problem, F::NAMES))?;
            Ok(Self(of_pairs(conditions)?, rest))
        }))
    }
}

/// What the rest knows is not all that the list knows.
fn with_conditions(mut problem: Problem, names: &[&str]) -> Problem {
    if let Some(unknown) = problem.violations.first_mut().filter(|one| one.detail.starts_with("unknown field")) {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        unknown.detail = format!("{}, or a condition: {}", unknown.detail, names.join(", "));
        problem.detail = format!("{}: {}", unknown.pointer, unknown.detail);
    }
    problem
}

/// Reads a query string into a struct whose lists are comma lists.
fn read<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    of_pairs(pairs(query)?)
}

/// The values of each parameter, in the order in which they first stand: a list may come in one value or in several.
fn pairs(query: &str) -> Result<Vec<(String, Vec<String>)>, Problem> {
    let mut pairs: Vec<(String, Vec<String>)> = Vec::new();
    for (name, value) in url_pairs(query)? {
        match pairs.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => pairs.push((name, vec![value])),
        }
    }
    Ok(pairs)
}

fn of_pairs<T: DeserializeOwned>(pairs: Vec<(String, Vec<String>)>) -> Result<T, Problem> {
    let mut current = String::new();
    let access = Pairs { pairs: pairs.into_iter(), values: Vec::new(), current: &mut current };
    let parsed = T::deserialize(serde::de::value::MapAccessDeserializer::new(access));
    parsed.map_err(|error: Failure| wrong(&current, &error.to_string()))
}

fn url_pairs(query: &str) -> Result<Vec<(String, String)>, Problem> {
    let pairs = actix_web::web::Query::<Vec<(String, String)>>::from_query(query);
    // What cannot be read must not become a list without filters.
    pairs.map(|pairs| pairs.into_inner()).map_err(|_| Problem::new(Code::BadRequest, "the query cannot be read"))
}

fn wrong(parameter: &str, detail: &str) -> Problem {
    let violations = vec![Violation::new(parameter, detail)];
    Problem { violations, ..Problem::new(Code::InvalidParameter, format!("{parameter}: {detail}")) }
}

type Failure = serde::de::value::Error;

struct Pairs<'a> {
    pairs: std::vec::IntoIter<(String, Vec<String>)>,
    values: Vec<String>,
    current: &'a mut String,
}

impl<'de> MapAccess<'de> for Pairs<'_> {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Failure> {
        let Some((name, values)) = self.pairs.next() else { return Ok(None) };
        self.values = values;
        self.current.clone_from(&name);
        let name: StringDeserializer<Failure> = name.into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        seed.deserialize(Text(std::mem::take(&mut self.values)))
    }
}

/// The values of one parameter: texts that become what the field wants.
struct Text(Vec<String>);

impl Text {
    /// The only value.
    fn only(mut self) -> Result<String, Failure> {
        match (self.0.pop(), self.0.is_empty()) {
            (Some(value), true) => Ok(value),
            _ => Err(serde::de::Error::custom("stands twice and takes one value")),
        }
    }
}

impl<'de> IntoDeserializer<'de, Failure> for Text {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $what:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
            let text = self.only()?;
            match text.parse() {
                Ok(number) => visitor.$visit(number),
                Err(_) => Err(serde::de::Error::custom(format!(concat!("`{}` is no ", $what), text))),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Text {
    type Error = Failure;

    numbers! {
        deserialize_i64 visit_i64 "number";
        deserialize_u64 visit_u64 "number";
        deserialize_bool visit_bool "`true` or `false`";
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_string(self.only()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let parts = self.0.iter().flat_map(|value| value.split(','));
        let values: Vec<Text> = parts.map(|part| Text(vec![part.trim().to_owned()])).collect();
        if values.iter().any(|value| value.0.iter().any(String::is_empty)) {
            return Err(serde::de::Error::custom("has an empty value in its list"));
        }
        visitor.visit_seq(SeqDeserializer::new(values.into_iter()))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let text: StringDeserializer<Failure> = self.only()?.into_deserializer();
        text.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 u8 u16 u32 f32 f64 char str string bytes byte_buf unit unit_struct tuple tuple_struct map struct
        identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Severity;
    use serde::Deserialize;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Sample {
        severity: Vec<Severity>,
        limit: Option<i64>,
        cve: Option<String>,
    }

    fn refused(query: &str) -> (String, String) {
        let problem = read::<Sample>(query).expect_err("refused");
        (problem.violations[0].pointer.clone(), problem.detail)
    }

    #[test]
    fn comma_lists_numbers_and_texts_are_read() {
        let sample: Sample = read("severity=high,critical&limit=5&cve=CVE-2024-1").expect("read");
        assert_eq!(sample.severity, [Severity::High, Severity::Critical]);
        let repeated = read::<Sample>("severity=high&severity=critical,low").expect("read");
        assert_eq!(repeated.severity, [Severity::High, Severity::Critical, Severity::Low]);
        assert_eq!((sample.limit, sample.cve.as_deref()), (Some(5), Some("CVE-2024-1")));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(refused("sevrity=high").0, "sevrity");
        let (pointer, detail) = refused("severity=high,huge");
        assert_eq!(pointer, "severity");
        assert!(detail.contains("huge") && detail.contains("critical"), "{detail}");
        assert_eq!(refused("limit=ten").0, "limit");
        assert_eq!(refused("limit=1&limit=2").0, "limit");
        assert_eq!(refused("cve=CVE-2024-1&cve=CVE-2024-2").0, "cve");
        assert_eq!(refused("severity=high,").0, "severity");
    }
}
