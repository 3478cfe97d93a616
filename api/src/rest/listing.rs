//! Lists in the form that `Accept` asks for: a page of JSON, or all of it line by line as NDJSON or CSV.

use super::{
    As, Problem,
    extract::{Authorization, Seen, authorization},
    params::CountedParams,
    respond::{Answer, Fields, next_link, page, tagged, unchanged},
};
use crate::application::{State, Worker};
use actix_web::{
    HttpRequest,
    http::{StatusCode, header},
    web::{Bytes, Data},
};
use domain::{Code, Page, PageRequest};
use futures_util::stream::{self, StreamExt};
use serde::Serialize;
use serde_json::{Map, Value};
use service::{
    Caller, Fresh,
    export::{csv, ndjson},
};
use std::borrow::Cow;

/// A form of a list.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    /// One page.
    Json,
    /// All of it, an object a line.
    Lines,
    /// All of it as a table; with a byte order mark where the client asks for `bom=true`.
    Table { marked: bool },
}

impl Form {
    const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Lines => "application/x-ndjson",
            Self::Table { .. } => "text/csv; charset=utf-8",
        }
    }

    /// The form that `Accept` prefers; JSON if it does not matter.
    ///
    /// # Errors
    /// `not_acceptable`.
    fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let (kind, marked) = preferred(request, &["application/json", "application/x-ndjson", "text/csv"])?;
        Ok(match kind {
            "application/x-ndjson" => Self::Lines,
            "text/csv" => Self::Table { marked },
            _ => Self::Json,
        })
    }
}

/// The one of the media types that `Accept` prefers (RFC 9110, section 12.5.1), the first if it does not matter; and
/// whether a byte order mark is asked for.
///
/// # Errors
/// `not_acceptable`.
pub(super) fn preferred(request: &HttpRequest, known: &[&'static str]) -> Result<(&'static str, bool), Problem> {
    let accepted = request.headers().get_all(header::ACCEPT).filter_map(|value| value.to_str().ok());
    let ranges: Vec<&str> = accepted.flat_map(|value| value.split(',')).map(str::trim).collect();
    let wishes: Vec<Wish> =
        if ranges.is_empty() { vec![Wish::ANY] } else { ranges.iter().filter_map(|range| Wish::of(range)).collect() };
    // Of each type the most specific range counts; of types alike the one that is named, then the first.
    let of_kind = |kind: &'static str| {
        let wish = wishes.iter().filter(|wish| wish.is_of(kind)).max_by_key(|wish| wish.precision())?;
        Some((kind, wish))
    };
    let wished = known.iter().copied().filter_map(of_kind).filter(|(_, wish)| wish.weight > 0);
    let best = wished.reduce(|best, wish| if wish.1.is_above(best.1) { wish } else { best });
    best.map(|(kind, wish)| (kind, wish.marked)).ok_or_else(|| Problem::of(Code::NotAcceptable))
}

/// A media range with its weight in thousandths.
struct Wish {
    kind: Cow<'static, str>,
    marked: bool,
    weight: u32,
}

impl Wish {
    const ANY: Self = Self { kind: Cow::Borrowed("*/*"), marked: false, weight: 1000 };

    fn of(range: &str) -> Option<Self> {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next()?.to_ascii_lowercase().replace("application/ndjson", "application/x-ndjson");
        let parameters: Vec<(&str, &str)> = parts.filter_map(|part| part.split_once('=')).collect();
        let value =
            |name: &str| parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value);
        let weight = value("q").map_or(Some(1.0), |weight| weight.parse::<f32>().ok()).unwrap_or(0.0);
        Some(Self {
            kind: kind.into(),
            marked: value("bom") == Some("true"),
            weight: (weight.clamp(0.0, 1.0) * 1000.0) as u32,
        })
    }

    /// How much it says: all types, those of a kind, one.
    fn precision(&self) -> u8 {
        if self.kind == "*/*" {
            0
        } else if self.kind.ends_with("/*") {
            1
        } else {
            2
        }
    }

    fn is_of(&self, kind: &str) -> bool {
        match self.kind.strip_suffix('*') {
            Some("*/") => true,
            Some(of_kind) => kind.starts_with(of_kind),
            None => self.kind == kind,
        }
    }

    fn is_above(&self, other: &Self) -> bool {
        (self.weight, self.precision()) > (other.weight, other.precision())
    }
}

/// Answers with a list that `load` reads page by page.
///
/// Without `limit`, NDJSON and CSV hold all of it from `cursor` on, read as the client takes it, each page in the name of
/// the caller as it stands then: where its token or grant ends, so does the answer, without its last chunk.
pub(super) async fn list<T, F>(
    caller: As,
    request: &HttpRequest,
    seen: &Seen,
    wish: impl Into<CountedParams>,
    known: &'static [&'static str],
    load: F,
) -> Answer
where
    T: Serialize,
    F: AsyncFn(&Caller, &PageRequest, Option<&str>) -> service::Result<Fresh<Page<T>>> + 'static,
{
    let form = Form::of(request)?;
    let wish: CountedParams = wish.into();
    let is_whole = wish.limit.is_none();
    let (mut wish, fields) = wish.read(known)?;
    let fields = fields.shown_as(form.suffix());
    let tags = seen.tags(&fields);
    if form == Form::Json {
        return page(request, load(&caller.0, &wish, tags.as_deref()).await?, &fields);
    }
    if wish.count.is_some() {
        return Err(domain::Error::parameter("count", "goes with a page of JSON").into());
    }
    if is_whole {
        wish.limit = PageRequest::MAX;
    }
    // What pages bring along has no place in lines and tables.
    let (etag, first) = match load(&caller.0, &wish, tags.as_deref()).await? {
        Fresh::Unchanged(etag) => return Ok(unchanged(&etag, &fields)),
        Fresh::Changed(etag, first) => (etag, first),
    };
    let state = request.app_data::<Data<State>>().cloned().ok_or_else(|| Problem::of(Code::Internal))?;
    let worker = request.app_data::<Data<Worker>>().cloned().ok_or_else(|| Problem::of(Code::Internal))?;
    let given = authorization(request).ok_or_else(|| Problem::of(Code::Unauthenticated))?;
    let mut answer = tagged(StatusCode::OK, fields.tag(&etag));
    answer.content_type(form.media_type());
    if let (false, Some(cursor)) = (is_whole, &first.next_cursor) {
        answer.insert_header((header::LINK, next_link(request, cursor)));
    }
    let columns = fields.columns(known);
    let mut rows = Rows { state, worker, given, form, fields, columns, wish, load, has_more: true };
    let head = rows.bytes(first, is_whole, true)?;
    let rest = stream::try_unfold(rows, async |mut rows| {
        if !rows.has_more {
            return Ok(None);
        }
        Ok::<_, Problem>(Some((rows.next().await?, rows)))
    });
    Ok(answer.streaming(stream::once(async { Ok::<_, Problem>(head) }).chain(rest)))
}

impl Form {
    /// Tells the tags of the forms apart.
    const fn suffix(self) -> &'static str {
        match self {
            Self::Json => "",
            Self::Lines => "n",
            Self::Table { marked: false } => "c",
            Self::Table { marked: true } => "b",
        }
    }
}

/// A list on its way out.
struct Rows<F> {
    state: Data<State>,
    worker: Data<Worker>,
    given: Authorization,
    form: Form,
    fields: Fields,
    columns: Vec<&'static str>,
    wish: PageRequest,
    load: F,
    has_more: bool,
}

impl<F> Rows<F> {
    /// The lines of a page, after the names of the columns if it is the first one.
    fn bytes<T: Serialize>(&mut self, page: Page<T>, goes_on: bool, is_first: bool) -> Result<Bytes, Problem> {
        if page.included.is_some() {
            return Err(domain::Error::parameter("include", "goes with a page of JSON").into());
        }
        let mut out = match self.form {
            Form::Table { marked } if is_first => csv::head(&self.columns, marked),
            _ => Vec::new(),
        };
        for item in &page.items {
            let item: Map<String, Value> = match self.fields.of(item)? {
                Value::Object(members) => members,
                _ => return Err(Problem::of(Code::Internal)),
            };
            match self.form {
                Form::Table { .. } => csv::line(&mut out, &self.columns, &item),
                Form::Json | Form::Lines => {
                    ndjson::line(&mut out, &item).map_err(|_| Problem::of(Code::Internal))?;
                }
            }
        }
        self.has_more = goes_on && page.has_more;
        self.wish.cursor = page.next_cursor;
        Ok(out.into())
    }

    async fn next<T: Serialize>(&mut self) -> Result<Bytes, Problem>
    where
        F: AsyncFn(&Caller, &PageRequest, Option<&str>) -> service::Result<Fresh<Page<T>>>,
    {
        let caller = self.given.caller(&self.state.auth, &self.worker.0).await?;
        match (self.load)(&caller, &self.wish, None).await? {
            Fresh::Changed(_, page) => self.bytes(page, true, false),
            Fresh::Unchanged(_) => Err(Problem::of(Code::Internal)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn form(accept: &str) -> Result<Form, Code> {
        let request = TestRequest::default().insert_header((header::ACCEPT, accept)).to_http_request();
        Form::of(&request).map_err(|problem| problem.code)
    }

    #[test]
    fn the_preferred_form_is_given() {
        let table = Form::Table { marked: false };
        for (accept, expected) in [
            ("*/*", Form::Json),
            ("application/json", Form::Json),
            ("application/x-ndjson", Form::Lines),
            ("text/csv", table),
            ("text/csv;bom=true", Form::Table { marked: true }),
            ("application/json;q=0.5, text/csv", table),
            ("text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", Form::Json),
            ("text/csv;q=0, application/x-ndjson;q=0.1", Form::Lines),
            ("*/*, text/csv", table),
            ("application/json;q=0.1, */*;q=0.5, text/csv;q=0.2", Form::Lines),
            ("application/json;q=0, */*", Form::Lines),
        ] {
            assert_eq!(form(accept), Ok(expected), "{accept}");
        }
        for accept in ["text/html", "application/xml", "text/csv;q=0", "application/json;q=x", "*/*;q=0"] {
            assert_eq!(form(accept), Err(Code::NotAcceptable), "{accept}");
        }
        assert_eq!(Form::of(&TestRequest::default().to_http_request()).ok(), Some(Form::Json));
    }
}
