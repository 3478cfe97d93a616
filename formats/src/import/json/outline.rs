//! The outline of the head of a JSON document, which may be cut anywhere: what
//! sniffing looks at. A scan over the bytes, without recursion or error.

/// The most members noted, and the longest name or text noted, in bytes.
const MEMBERS: usize = 10_000;
const TEXT: usize = 200;

/// A member of an object.
#[derive(Debug, PartialEq)]
pub(in crate::import) struct Member {
    /// How many objects and arrays it stands in, from 1.
    pub(in crate::import) depth: usize,
    /// Its name, as written.
    pub(in crate::import) name: String,
    /// The beginning of its value, if that is a text.
    pub(in crate::import) text: String,
}

/// The members of the first document that begins in `head`; none if it is neither object nor array.
pub(in crate::import) fn outline(head: &[u8]) -> Vec<Member> {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    let mut scan = Scan { rest: head, depth: 0, members: Vec::new(), last: None };
    if head.starts_with(b"{") || head.starts_with(b"[") {
        while scan.members.len() < MEMBERS && scan.step() {}
    }
    scan.members
}

struct Scan<'h> {
    rest: &'h [u8],
    depth: usize,
    members: Vec<Member>,
    /// A text that is a name if a colon follows, and whether it directly follows a colon itself.
    last: Option<(&'h [u8], bool)>,
}

impl Scan<'_> {
    /// Reads one sign; false at the end of the document or of the head.
    fn step(&mut self) -> bool {
        let Some((first, rest)) = self.rest.split_first() else { return false };
        self.rest = rest;
        match first {
            b'"' => self.string(),
            b':' => self.colon(),
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.depth > 0
    }

    fn string(&mut self) {
        let mut escaped = false;
        let end = self.rest.iter().position(|byte| {
            let ends = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            ends
        });
        let (text, rest) = self.rest.split_at_checked(end.unwrap_or(self.rest.len())).unwrap_or((self.rest, b""));
        self.rest = rest.get(1..).unwrap_or_default();
        let text = text.get(..TEXT).unwrap_or(text);
        if let Some((_, true)) = self.last.take() {
            if let Some(member) = self.members.last_mut() {
                member.text = String::from_utf8_lossy(text).into_owned();
            }
        } else {
            self.last = Some((text, false));
        }
    }

    /// What stood before a colon was a name. If a text follows, it is its value.
    fn colon(&mut self) {
        let Some((name, _)) = self.last.take() else { return };
        let name = String::from_utf8_lossy(name).into_owned();
        self.members.push(Member { depth: self.depth, name, text: String::new() });
        if self.rest.trim_ascii_start().starts_with(b"\"") {
            self.last = Some((b"", true));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(head: &str) -> Vec<(usize, String, String)> {
        outline(head.as_bytes()).into_iter().map(|m| (m.depth, m.name, m.text)).collect()
    }

    #[test]
    fn members_have_depth_name_and_text() {
        let found = members("\u{feff} {\"a\": \"x\\\"y\", \"b\" : [{\"c\": 1}, \"d\", \"e\"], \"f\":\"g\"} {\"h\": 1}");
        let expected = [(1, "a", "x\\\"y"), (1, "b", ""), (3, "c", ""), (1, "f", "g")];
        assert_eq!(found, expected.map(|(depth, name, text)| (depth, name.to_owned(), text.to_owned())));
    }

    #[test]
    fn a_head_may_be_cut_anywhere() {
        let whole = "[{\"a\": {\"b\": \"\\u00e5\\\\\"}}]";
        for end in 0..whole.len() {
            assert!(members(&whole[..end]).len() <= 2);
        }
        assert_eq!(members("text \"a\": 1"), []);
    }
}
