//! `/v1/imports`: reports come in.

use super::{
    As, Problem,
    extract::{Id, Seen},
    idempotency::Kept,
    listing::list,
    params::{CountedParams, FieldParams},
    problem::ProblemDetails,
    query::{Filter, Filtered, Params},
    respond::{Answer, Fields, one},
};
use crate::application::State;
use actix_web::{
    HttpRequest, HttpResponse, get,
    http::header::{self, CONTENT_ENCODING},
    post,
    web::{Data, Payload},
};
use domain::{Code, Coverage, Import, ImportFormat, ImportId, ImportScope, Page, Tlp};
use futures_util::StreamExt;
use serde::Deserialize;
use service::{
    Fresh,
    import::{ImportRequest, Spool, Spooled},
};
use std::{io::Read, time::Duration};
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(post_import).service(list_imports).service(get_import);
}

/// What the sender says about its report.
#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PostParams {
    /// The municipality, by slug or id; needed when the token spans several.
    #[param(example = "norrvik")]
    tenant: Option<String>,
    /// The format; recognised by content if left out.
    format: Option<ImportFormat>,
    /// The source's name, 1–100 characters; the tool's if left out.
    source: Option<String>,
    /// The marking (FIRST TLP 2.0) of the findings that it makes; `amber` if left out. Findings that it sees again
    /// are raised to it unless a person marked them, and never lowered.
    #[param(example = "red")]
    tlp: Option<Tlp>,
    /// `complete`: the report holds all that its source sees in its scope, so that what it does not hold is gone. Needs
    /// `findings:verify` as well.
    coverage: Option<Coverage>,
    /// The scan's name, 1–100 characters: its sightings are kept apart as well.
    #[param(example = "Månadsskanning")]
    scope: Option<String>,
    /// Assets that were scanned, by id or identifier, also where the report does not name them; those that it names
    /// if left out. One that did not answer is not covered.
    #[param(style = Form, explode = false, example = json!(["lon.norrvik.example"]))]
    scope_assets: Vec<String>,
    /// Networks (CIDR): of the assets that the report names, only those with an address in them are covered.
    #[param(style = Form, explode = false, example = json!(["192.0.2.0/24"]))]
    scope_networks: Vec<String>,
    /// The rules (`rule_key`) that were run; all of the source's if left out.
    #[param(style = Form, explode = false, example = json!(["90001"]))]
    scope_rules: Vec<String>,
    /// The `would_mark_gone` of a 409 `coverage_implausible`, to do it all the same.
    #[param(minimum = 0)]
    confirm_gone: Option<i64>,
}

impl PostParams {
    fn wish(self) -> ImportRequest {
        let scope = ImportScope {
            name: self.scope,
            assets: self.scope_assets,
            networks: self.scope_networks,
            rules: self.scope_rules,
        };
        ImportRequest {
            tenant: self.tenant,
            format: self.format,
            source: self.source,
            tlp: self.tlp,
            coverage: self.coverage,
            scope,
            confirm_gone: self.confirm_gone,
        }
    }
}

/// Longest time that a sender may wait for the outcome.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// How long it waits if it says nothing.
const DEFAULT_WAIT: Duration = Duration::from_secs(10);

/// Sends a report.
///
/// The body is the report itself, as it is or with `Content-Encoding: gzip` or
/// `zstd`. It is read to its end before anything is stored: one that is not
/// whole is refused whole, while a single bad record is rejected by itself.
/// The same report sent twice changes nothing but `last_seen`; sent again after
/// an interruption, it goes on where it stopped.
///
/// With `coverage=complete`, findings of the same source within the scope that the report does not hold are marked
/// gone (`gone_at`) as of the report's own time, unless they were seen later. A claimed fix is thereby verified, where
/// the scan is later than the claim and the sender is not the claimant; every other status stays, since not observed
/// is not fixed. An asset that did not answer, or whose scan was cut off, is not covered. If more than a fifth of the
/// scope's open findings would go, nothing is stored and the answer is 409 `coverage_implausible` with
/// `would_mark_gone` and `in_scope`, until the report is repeated with `confirm_gone=<would_mark_gone>`.
#[utoipa::path(tag = "imports", operation_id = "postImport", params(PostParams,
        ("Prefer" = Option<String>, Header, description = "`wait=<seconds>` (RFC 7240): how long to wait for the outcome, 10 by default, at most 60")),
    request_body(content = String, content_type = "application/octet-stream", description = "The report"),
    security(("bearer" = ["imports:write"])), responses(
        (status = 201, description = "It is stored", body = Import),
        (status = 202, description = "It is being stored; follow `Location`", body = Import),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/imports")]
async fn post_import(
    caller: As,
    request: HttpRequest,
    params: Params<PostParams>,
    state: Data<State>,
    body: Payload,
) -> Answer {
    let wish = params.0.wish();
    service::import::check(&caller.0, &wish)?;
    let spooled = spool(&request, &state, body).await?;
    if let Some(once) = caller.0.once() {
        once.asks(spooled.sha256.as_bytes());
    }
    let running = service::import::start(&caller.0, wish, spooled, state.imports).await?;
    let location = format!("{}/v1/imports/{}", state.config.public_url.trim_end_matches('/'), running.id);
    if let Some(once) = caller.0.once()
        && let Fresh::Changed(_, import) = service::import::get(&caller.0, running.id, None).await?
    {
        // It goes on after the answer: sent again, the request leads to the same import.
        once.seal(Kept::accepted(&location, &import)?).await?;
        // From here on the caller asks for what there is, and not for what was answered before.
        caller.0.answered();
    }
    match actix_web::rt::time::timeout(wait(&request), running.outcome).await {
        Ok(outcome) => {
            let import = outcome.map_err(service::Error::internal)??;
            Ok(HttpResponse::Created().insert_header((header::LOCATION, location)).json(import))
        }
        Err(_) => match service::import::get(&caller.0, running.id, None).await? {
            Fresh::Changed(_, import) => {
                Ok(HttpResponse::Accepted().insert_header((header::LOCATION, location)).json(import))
            }
            Fresh::Unchanged(_) => Err(Problem::of(Code::Internal)),
        },
    }
}

/// Takes the body to disk as it comes, then unpacks it; both within the limit.
pub(super) async fn spool(request: &HttpRequest, state: &State, mut body: Payload) -> Result<Spooled, Problem> {
    let encoding = encoding(request)?;
    let (folder, limit) = (state.config.spool_folder(), state.config.imports.max_bytes);
    let mut spool = Spool::new(&folder, limit)?;
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| not_whole())?;
        spool = blocking(move || {
            spool.push(&chunk)?;
            Ok(spool)
        })
        .await?;
    }
    blocking(move || {
        let received = spool.finish()?;
        match encoding {
            None => Ok(received),
            Some(encoding) => unpack(received, encoding, Spool::new(&folder, limit)?),
        }
    })
    .await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    actix_web::web::block(work).await.map_err(service::Error::internal)?
}

fn not_whole() -> Problem {
    Problem::new(Code::BadRequest, "the body did not arrive whole")
}

/// How a report may be packed (RFC 9110, section 8.4.1; RFC 8878).
#[derive(Clone, Copy)]
enum Encoding {
    Gzip,
    Zstd,
}

/// 8 MiB: what a zstd reader must have room for (RFC 9659).
const ZSTD_WINDOW_LOG: u32 = 23;

/// Unpacks piece by piece, so that a bomb is stopped by the spool's limit and never held in memory.
fn unpack(packed: Spooled, encoding: Encoding, mut spool: Spool) -> Result<Spooled, Problem> {
    let packed = std::io::BufReader::new(packed.into_file()?);
    let mut plain: Box<dyn Read> = match encoding {
        Encoding::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(packed)),
        Encoding::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(packed).map_err(service::Error::internal)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(service::Error::internal)?;
            Box::new(decoder)
        }
    };
    let mut piece = vec![0; 64 << 10];
    loop {
        let length = plain.read(&mut piece).map_err(|_| not_whole())?;
        let Some(read) = piece.get(..length).filter(|read| !read.is_empty()) else { break };
        spool.push(read)?;
    }
    Ok(spool.finish()?)
}

fn encoding(request: &HttpRequest) -> Result<Option<Encoding>, Problem> {
    let encoding = request.headers().get(CONTENT_ENCODING).map(|value| value.to_str().unwrap_or_default());
    match encoding.map(str::to_ascii_lowercase).as_deref() {
        None | Some("identity") => Ok(None),
        Some("gzip" | "x-gzip") => Ok(Some(Encoding::Gzip)),
        Some("zstd") => Ok(Some(Encoding::Zstd)),
        Some(_) => Err(Problem::new(Code::UnsupportedMediaType, "`Content-Encoding` may be gzip, zstd or identity")),
    }
}

/// `Prefer: wait=<seconds>` (RFC 7240, section 4.3).
fn wait(request: &HttpRequest) -> Duration {
    let preferences = request.headers().get_all("prefer").filter_map(|value| value.to_str().ok());
    let asked = preferences
        .flat_map(|value| value.split([',', ';']))
        .find_map(|preference| preference.trim().strip_prefix("wait=")?.parse().ok());
    asked.map_or(DEFAULT_WAIT, |seconds| Duration::from_secs(seconds).min(MAX_WAIT))
}

/// Whose imports.
#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// Municipalities, by slug or id.
    #[param(style = Form, explode = false, example = json!(["norrvik"]))]
    tenant: Vec<String>,
}

impl Filter for ListParams {
    const NAMES: &'static [&'static str] = &["tenant"];
}

/// A page of imports by id. Who may not read findings sees its own ones alone.
#[utoipa::path(tag = "imports", operation_id = "listImports", params(ListParams, CountedParams),
    security(("bearer" = ["findings:read"]), ("bearer" = ["imports:write"])), responses(
        (status = 200, description = "A page", body = Page<Import>),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/imports")]
async fn list_imports(
    caller: As,
    request: HttpRequest,
    params: Filtered<ListParams, CountedParams>,
    seen: Seen,
) -> Answer {
    let Filtered(filter, page_params) = params;
    list(caller, &request, &seen, page_params, Import::FIELDS, async move |caller, page, seen| {
        service::import::list(caller, &filter.tenant, page, seen).await
    })
    .await
}

/// What became of a report. Who may not read findings sees its own ones alone.
#[utoipa::path(tag = "imports", operation_id = "getImport", params(("id" = ImportId, Path), FieldParams),
    security(("bearer" = ["findings:read"]), ("bearer" = ["imports:write"])), responses(
        (status = 200, description = "The import", body = Import),
        (status = 304, description = "It has not changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/imports/{id}")]
async fn get_import(caller: As, id: Id<ImportId>, params: Params<FieldParams>, seen: Seen) -> Answer {
    let fields = Fields::parse(params.0.fields, Import::FIELDS)?;
    one(service::import::get(&caller.0, id.0, seen.tags(&fields).as_deref()).await?, &fields)
}
