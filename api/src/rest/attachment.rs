//! Attachments: `/v1/findings/{id}/attachments`, `/v1/attachments/{id}`.

use super::{
    As, Problem,
    extract::{Id, IfMatch, Seen},
    listing::list,
    params::{CountedParams, FieldParams, NoParams},
    problem::ProblemDetails,
    query::Params,
    respond::{Answer, Fields, created, one},
};
use actix_web::{
    HttpRequest, HttpResponse,
    body::SizedStream,
    delete, get,
    http::header::{self, ContentDisposition, HeaderMap, HeaderName},
    post,
    web::{Bytes, Payload},
};
use domain::{Attachment, AttachmentId, Code, FindingId, Page};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use service::attachment::{Content, NewAttachment, Upload};
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(list_attachments)
        .service(post_attachment)
        .service(get_attachment)
        .service(get_attachment_content)
        .service(delete_attachment);
}

/// A page of the files that belong to a finding.
#[utoipa::path(tag = "attachments", operation_id = "listAttachments", params(("id" = FindingId, Path), CountedParams),
    security(("bearer" = ["evidence:read"])), responses(
        (status = 200, description = "A page", body = Page<Attachment>),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/findings/{id}/attachments")]
async fn list_attachments(
    caller: As,
    request: HttpRequest,
    id: Id<FindingId>,
    params: Params<CountedParams>,
    seen: Seen,
) -> Answer {
    list(caller, &request, &seen, params.0, Attachment::FIELDS, async move |caller, page, seen| {
        service::attachment::list(caller, id.0, page, seen).await
    })
    .await
}

/// What the sender says about its file.
#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PostParams {
    /// The file's name, 1–255 characters and no path. Left out: what `Content-Disposition` says, or `attachment`.
    #[param(example = "skärmbild.png")]
    filename: Option<String>,
}

/// Attaches a file to a finding.
///
/// The body is the file itself, of the type in `Content-Type`. It is sealed as it comes; nothing of it is kept
/// unless it arrives whole.
#[utoipa::path(tag = "attachments", operation_id = "postAttachment", params(("id" = FindingId, Path), PostParams,
        ("Content-Disposition" = Option<String>, Header, description = "`attachment; filename*=…` (RFC 6266), instead of `filename`")),
    request_body(content = String, content_type = "*/*", description = "The file"),
    security(("bearer" = ["evidence:write"])), responses(
        (status = 201, description = "The attachment", body = Attachment),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/findings/{id}/attachments")]
async fn post_attachment(
    caller: As,
    request: HttpRequest,
    id: Id<FindingId>,
    params: Params<PostParams>,
    body: Payload,
) -> Answer {
    let new = described(request.headers(), params.0.filename)?;
    let once = caller.0.once();
    if let Some(once) = &once {
        once.postpone();
    }
    let admitted = service::attachment::admit(&caller.0, id.0, new).await?;
    let received = filled(Upload::begin(&caller.0, admitted).await?, body).await?.finish().await?;
    if let Some(once) = &once {
        once.asks_at_last(received.sha256());
    }
    created("attachments", service::attachment::create(&caller.0, received).await?)
}

fn described(headers: &HeaderMap, file_name: Option<String>) -> Result<NewAttachment, Problem> {
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(Problem::new(Code::UnsupportedMediaType, "the body must come without `Content-Encoding`"));
    }
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let disposition =
        headers.get(header::CONTENT_DISPOSITION).and_then(|value| ContentDisposition::from_raw(value).ok());
    let named = || disposition.as_ref().and_then(named);
    Ok(NewAttachment {
        file_name: file_name.or_else(named),
        media_type: text(header::CONTENT_TYPE).map(str::to_owned),
        bytes: text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok()),
    })
}

/// `filename*`, else `filename` (RFC 6266, section 4.3).
fn named(disposition: &ContentDisposition) -> Option<String> {
    let extended = disposition.get_filename_ext().and_then(|name| String::from_utf8(name.value.clone()).ok());
    extended.or_else(|| disposition.get_filename().map(str::to_owned))
}

async fn filled(mut upload: Upload, mut body: Payload) -> Result<Upload, Problem> {
    while let Some(bytes) = body.next().await {
        let bytes = bytes.map_err(|_| Problem::new(Code::BadRequest, "the body did not arrive whole"))?;
        upload.push(&bytes).await?;
    }
    Ok(upload)
}

/// What an attached file is called, how large it is and what is in it by its digest.
#[utoipa::path(tag = "attachments", operation_id = "getAttachment", params(("id" = AttachmentId, Path), FieldParams),
    security(("bearer" = ["evidence:read"])), responses(
        (status = 200, description = "The attachment", body = Attachment),
        (status = 304, description = "It has not changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/attachments/{id}")]
async fn get_attachment(caller: As, id: Id<AttachmentId>, params: Params<FieldParams>, seen: Seen) -> Answer {
    let fields = Fields::parse(params.0.fields, Attachment::FIELDS)?;
    one(service::attachment::get(&caller.0, id.0, seen.tags(&fields).as_deref()).await?, &fields)
}

/// The content of an attached file, always as a download. That it was read is recorded.
///
/// It was written by who sent it, and so perhaps by an attacker: nothing here says that it is of its type.
#[utoipa::path(tag = "attachments", operation_id = "getAttachmentContent", params(("id" = AttachmentId, Path)),
    security(("bearer" = ["evidence:read"])), responses(
        (status = 200, description = "The content", body = String, content_type = "*/*"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/attachments/{id}/content")]
async fn get_attachment_content(caller: As, id: Id<AttachmentId>, _: Params<NoParams>) -> Answer {
    download(service::attachment::content(&caller.0, id.0).await?)
}

fn download(content: Content) -> Answer {
    let attachment = &content.attachment;
    let size = u64::try_from(attachment.bytes).map_err(service::Error::internal)?;
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_TYPE, attachment.media_type.as_str()))
        .insert_header((header::CONTENT_DISPOSITION, attachment.content_disposition()))
        .insert_header((header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'; frame-ancestors 'none'"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // What is sent is what was stored, byte for byte, and as long as it says.
        .insert_header((header::CONTENT_ENCODING, "identity"));
    let pieces = stream::try_unfold(content, async |mut content| {
        let piece = content.next().await?;
        Ok(piece.map(|piece| (Bytes::from(piece), content)))
    });
    let told = pieces.map_err(|error: service::Error| {
        // The head is out; the length that it promised tells the reader that this is not whole.
        tracing::error!(%error, "an attachment could not be given out");
        Problem::from(error)
    });
    Ok(response.body(SizedStream::new(size, told)))
}

/// Deletes an attached file for good.
#[utoipa::path(tag = "attachments", operation_id = "deleteAttachment",
    params(("id" = AttachmentId, Path), ("If-Match" = String, Header, description = "The `ETag` it was read with")),
    security(("bearer" = ["evidence:write"])), responses(
        (status = 200, description = "What was deleted", body = Attachment),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[delete("/attachments/{id}")]
async fn delete_attachment(caller: As, id: Id<AttachmentId>, _: Params<NoParams>, version: IfMatch) -> Answer {
    Ok(HttpResponse::Ok().json(service::attachment::delete(&caller.0, id.0, version.0).await?))
}
