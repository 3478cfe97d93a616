//! Evidence attachments: files that show what a finding is, or that it is gone.

use crate::{AttachmentId, DateTime, Error, FindingId, PrincipalId, TenantId, error::Result, text};
use serde::Serialize;
use std::fmt::Write;
use utoipa::ToSchema;

/// A file that belongs to a finding. Its content is for those who hold `evidence:read` and is never shown in place.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct Attachment {
    /// Identifier, UUIDv7.
    pub id: AttachmentId,
    /// The municipality it belongs to.
    pub tenant_id: TenantId,
    /// The finding that it is about.
    pub finding_id: FindingId,
    /// The name that its sender gave it. May be hostile: never a path.
    pub file_name: String,
    /// The type that its sender gave it, without parameters. Nobody has looked whether it is one.
    pub media_type: String,
    /// Size of the content in bytes.
    pub bytes: i64,
    /// SHA-256 of the content, lower-case hexadecimal.
    pub sha256: String,
    /// Who sent it.
    pub created_by: PrincipalId,
    /// When it came in, RFC 3339 UTC.
    pub created_at: DateTime,
    /// Its number on the tenant's clock.
    pub seq: i64,
}

impl Attachment {
    /// The names that `fields` may list, in the order they are shown.
    pub const FIELDS: &'static [&'static str] = &[
        "id",
        "tenant_id",
        "finding_id",
        "file_name",
        "media_type",
        "bytes",
        "sha256",
        "created_by",
        "created_at",
        "seq",
    ];

    /// `Content-Disposition` for its content (RFC 6266, RFC 8187): always a download, under its own name where the
    /// reader knows `filename*`, else under one of plain letters.
    pub fn content_disposition(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || "-_. ()".contains(c) { c } else { '_' };
        let fallback: String = self.file_name.chars().map(plain).collect();
        let mut disposition = format!("attachment; filename=\"{fallback}\"; filename*=UTF-8''");
        for byte in self.file_name.bytes() {
            if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
                disposition.push(char::from(byte));
            } else {
                // Writing to a String does not fail.
                let _ = write!(disposition, "%{byte:02X}");
            }
        }
        disposition
    }
}

/// The longest file name, in characters.
pub const MAX_FILE_NAME: usize = 255;
/// What a file is called whose sender gave it no name.
pub const NAMELESS: &str = "attachment";

/// A file name as it may be kept: 1–255 characters on one line, and no path. A folder in front, as old browsers
/// send it, is refused rather than cut, so that a file is called what its sender calls it.
///
/// # Errors
/// `invalid_parameter` naming `filename`.
pub fn file_name(given: &str) -> Result<String> {
    let name = given.trim();
    let detail = if name.is_empty() || name.chars().count() > MAX_FILE_NAME {
        format!("takes 1–{MAX_FILE_NAME} characters")
    } else if !text::is_line(name) {
        "holds a control character".to_owned()
    } else if name.contains(['/', '\\']) || name.chars().all(|c| c == '.') {
        "takes a name, not a path".to_owned()
    } else {
        return Ok(name.to_owned());
    };
    Err(Error::parameter("filename", detail))
}

/// The type without its parameters, in lower case: `text/plain` of `Text/Plain; charset=utf-8`. None if it is no
/// media type (RFC 9110, section 8.3.1).
pub fn media_type(header: &str) -> Option<String> {
    let essence = header.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (kind, subtype) = essence.split_once('/')?;
    let is_token =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b));
    (essence.len() <= 127 && is_token(kind) && is_token(subtype)).then_some(essence)
}

/// Whether a type is among those allowed, each by its name or, as `image/*`, by its first half.
pub fn is_allowed(media_type: &str, allowed: &[String]) -> bool {
    allowed.iter().any(|allowed| {
        let of_kind = allowed.strip_suffix('*').is_some_and(|kind| kind.ends_with('/') && media_type.starts_with(kind));
        of_kind || allowed == media_type
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn named(file_name: &str) -> Attachment {
        let id = Uuid::nil();
        Attachment {
            id: AttachmentId(id),
            tenant_id: TenantId(id),
            finding_id: FindingId(id),
            file_name: file_name.into(),
            media_type: "text/plain".into(),
            bytes: 0,
            sha256: String::new(),
            created_by: PrincipalId(id),
            created_at: DateTime(crate::Timestamp::default()),
            seq: 1,
        }
    }

    #[test]
    fn a_file_name_is_a_name_and_no_path() {
        for good in ["skärmbild 1.png", "a", "..a", "=cmd().csv", "\"citat\".txt", "rm -rf *", "C:x"] {
            assert_eq!(file_name(good).unwrap(), good);
        }
        let long = "x".repeat(MAX_FILE_NAME + 1);
        for bad in ["", "  ", ".", "..", "../x", "a/b", "a\\b", "a\r\nX-Evil: 1", "a\0", "a\u{202e}gpj.exe", &long] {
            assert_eq!(file_name(bad).unwrap_err().violations[0].pointer, "filename", "{bad:?}");
        }
    }

    #[test]
    fn a_name_cannot_leave_its_header() {
        for hostile in ["a\"; filename=\"b.exe", "a\r\nSet-Cookie: x=y", "å\\\"", "%0d%0a", "a;b", "\u{2028}"] {
            let header = named(hostile).content_disposition();
            assert!(header.bytes().all(|b| (0x20..0x7f).contains(&b)), "{header}");
            assert_eq!(header.matches('"').count(), 2, "{header}");
            let plain = header.strip_prefix("attachment; filename=\"").expect("a download").split('"').next();
            assert!(!plain.expect("a name").contains(['\\', '%', ';']), "{header}");
        }
        let of_name = named("skärm bild.png").content_disposition();
        assert_eq!(of_name, "attachment; filename=\"sk_rm bild.png\"; filename*=UTF-8''sk%C3%A4rm%20bild.png");
    }

    #[test]
    fn types_are_told_by_their_names() {
        assert_eq!(media_type("Text/Plain; charset=utf-8").as_deref(), Some("text/plain"));
        for bad in ["", "text", "text/", "/plain", "text/pl ain", "text/html\r\nX: y", "a/b/c"] {
            assert_eq!(media_type(bad), None, "{bad:?}");
        }
        let allowed = ["image/*".to_owned(), "text/plain".to_owned(), "*".to_owned()];
        for (kind, expected) in
            [("image/png", true), ("text/plain", true), ("text/html", false), ("imagex/png", false), ("*", true)]
        {
            assert_eq!(is_allowed(kind, &allowed), expected, "{kind}");
        }
    }
}
