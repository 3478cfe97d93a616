//! Answers: tags, links, chosen fields.

use super::{Problem, extract::Seen};
use crate::application::State;
use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{StatusCode, header},
    web::Data,
};
use domain::{Code, Page, Violation};
use serde::Serialize;
use serde_json::Value;
use service::{Etag, Fresh};

/// What a handler answers.
pub(crate) type Answer = Result<HttpResponse, Problem>;

/// The fields asked for with `fields`, all if nothing was; and the form in which they are shown.
pub(crate) struct Fields(Option<Vec<String>>, &'static str);

impl Fields {
    /// All of them.
    pub(crate) const fn all() -> Self {
        Self(None, "")
    }

    /// Reads the wish.
    ///
    /// # Errors
    /// `invalid_parameter` naming the field that does not exist.
    pub(crate) fn parse(asked: Option<Vec<String>>, known: &[&str]) -> Result<Self, Problem> {
        let unknown = asked.iter().flatten().find(|field| !known.contains(&field.as_str()));
        match unknown {
            None => Ok(Self(asked, "")),
            Some(field) => {
                let detail = format!("`{field}` is no field; the fields are {}", known.join(", "));
                let violations = vec![Violation::new("fields", detail.clone())];
                Err(Problem { violations, ..Problem::new(Code::InvalidParameter, detail) })
            }
        }
    }

    /// The same in another form, whose tags are others.
    pub(super) fn shown_as(self, form: &'static str) -> Self {
        Self(self.0, form)
    }

    /// Those of the known fields that are shown, in their order.
    pub(super) fn columns(&self, known: &[&'static str]) -> Vec<&'static str> {
        let is_shown = |name: &&&'static str| self.0.as_ref().is_none_or(|asked| asked.iter().any(|one| one == **name));
        known.iter().filter(is_shown).copied().collect()
    }

    /// A tag of the service as this choice of fields shows it.
    pub(crate) fn tag(&self, etag: &Etag) -> String {
        format!("\"{}{}\"", etag.value(), self.suffix())
    }

    /// The service's tag in a client's one, if it is of this choice of fields.
    pub(crate) fn own<'t>(&self, tag: &'t str) -> Option<&'t str> {
        if tag == "*" {
            return Some(tag);
        }
        tag.strip_suffix(self.suffix().as_str()).filter(|own| !own.contains('.'))
    }

    /// Differs for different fields and forms; empty for all of them as JSON. A tag itself holds no dot.
    fn suffix(&self) -> String {
        let fields = self.0.as_ref().map(|fields| Etag::of_content(fields.join(",").as_bytes()).value().to_owned());
        match (fields, self.1) {
            (None, "") => String::new(),
            (fields, form) => format!(".{}{form}", fields.unwrap_or_default()),
        }
    }

    pub(super) fn of<T: Serialize>(&self, item: &T) -> Result<Value, Problem> {
        let mut value = serde_json::to_value(item).map_err(|_| Problem::of(Code::Internal))?;
        if let (Some(fields), Some(object)) = (&self.0, value.as_object_mut()) {
            object.retain(|name, _| fields.contains(name));
        }
        Ok(value)
    }
}

pub(crate) fn tagged(status: StatusCode, tag: String) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response.insert_header((header::ETAG, tag));
    response.insert_header((header::CACHE_CONTROL, "private, no-cache"));
    response
}

/// 304 for what the client has.
pub(crate) fn unchanged(etag: &Etag, fields: &Fields) -> HttpResponse {
    tagged(StatusCode::NOT_MODIFIED, fields.tag(etag)).finish()
}

/// A resource, or 304.
pub(crate) fn one<T: Serialize>(fresh: Fresh<T>, fields: &Fields) -> Answer {
    match fresh {
        Fresh::Unchanged(etag) => Ok(unchanged(&etag, fields)),
        Fresh::Changed(etag, item) => Ok(tagged(StatusCode::OK, fields.tag(&etag)).json(fields.of(&item)?)),
    }
}

/// A small answer that is the same as long as its content is, or 304.
pub(crate) fn whole<T: Serialize>(item: &T, seen: &Seen) -> Answer {
    let fields = Fields::all();
    let content = serde_json::to_vec(item).map_err(|_| Problem::of(Code::Internal))?;
    let etag = Etag::of_content(&content);
    if etag.matches(seen.tags(&fields).as_deref()) {
        return Ok(unchanged(&etag, &fields));
    }
    Ok(tagged(StatusCode::OK, fields.tag(&etag)).content_type("application/json").body(content))
}

/// A page of a list with a link to the next one, or 304.
pub(crate) fn page<T: Serialize>(request: &HttpRequest, fresh: Fresh<Page<T>>, fields: &Fields) -> Answer {
    let (etag, page) = match fresh {
        Fresh::Unchanged(etag) => return Ok(unchanged(&etag, fields)),
        Fresh::Changed(etag, page) => (etag, page),
    };
    let mut response = tagged(StatusCode::OK, fields.tag(&etag));
    if let Some(cursor) = &page.next_cursor {
        response.insert_header((header::LINK, next_link(request, cursor)));
    }
    // Without chosen fields the page goes out as it is, with no detour over values.
    if fields.0.is_none() {
        return Ok(response.json(page));
    }
    let items: Vec<Value> = page.items.iter().map(|item| fields.of(item)).collect::<Result<_, _>>()?;
    Ok(response.json(page.of(items)))
}

/// A changed resource with its new tag.
pub(crate) fn changed<T: Serialize>(status: StatusCode, (etag, item): (Etag, T)) -> Answer {
    Ok(tagged(status, Fields::all().tag(&etag)).json(item))
}

/// A resource that was made, with where it is.
pub(crate) fn created<T: Serialize>(resource: &str, (etag, item): (Etag, T)) -> Answer {
    let fields = Fields::all();
    let shown = fields.of(&item)?;
    let id = shown.get("id").and_then(Value::as_str).unwrap_or_default();
    let place = (header::LOCATION, format!("/v1/{resource}/{id}"));
    Ok(tagged(StatusCode::CREATED, fields.tag(&etag)).insert_header(place).json(shown))
}

/// What became of something that was done, which no cache may keep.
pub(crate) fn uncached<T: Serialize>(outcome: &T) -> Answer {
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(outcome))
}

/// The member of an answer that is told once and never again.
#[derive(Clone, Copy)]
pub(crate) struct LeftOut(pub(super) &'static str);

/// A resource with a `secret` in it, which no cache may keep.
pub(crate) fn secret<T: Serialize>(status: StatusCode, (etag, item): (Etag, T)) -> Answer {
    let mut response = tagged(status, Fields::all().tag(&etag));
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    let mut response = response.json(item);
    response.extensions_mut().insert(LeftOut("secret"));
    Ok(response)
}

/// `Link: <…>; rel="next"` (RFC 8288): the same query with the next cursor.
pub(crate) fn next_link(request: &HttpRequest, cursor: &str) -> String {
    let base = request.app_data::<Data<State>>().map(|state| state.config.public_url.trim_end_matches('/').to_owned());
    // Where the first page began stands in the cursor now.
    let is_place = |pair: &&str| pair.is_empty() || pair.starts_with("cursor=") || pair.starts_with("since=");
    let rest = request.query_string().split('&').filter(|pair| !is_place(pair));
    let query: Vec<String> = rest.map(str::to_owned).chain([format!("cursor={cursor}")]).collect();
    format!("<{}{}?{}>; rel=\"next\"", base.unwrap_or_default(), request.path(), query.join("&"))
}
