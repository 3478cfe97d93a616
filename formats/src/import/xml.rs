//! XML for importers: a pull reader that gives opened elements, text and closed
//! elements, and refuses everything else an attacker could use.
//!
//! A DOCTYPE may stand before the root, but nothing in it is read: the only
//! entities are XML's five and character references. Depth, names, attributes
//! and the size of a single event are bounded, and the document must be whole.

use super::metered::{Allowance, Metered};
use super::{Limits, Refusal, Source};
use quick_xml::Reader;
use quick_xml::XmlVersion::Implicit1_0;
use quick_xml::errors::Error;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use std::borrow::Cow;

/// The longest name of an element, in bytes, and the most attributes it may have.
const NAME: usize = 1_000;
const ATTRIBUTES: usize = 100;

/// What comes next in the document.
pub(super) enum Token<'t> {
    /// An element begins.
    Open(Element<'t>),
    /// Text in the current element; one text may come in several pieces.
    Text(Cow<'t, str>),
    /// The current element ends.
    Close,
    /// Something that says nothing to an importer: a comment, an instruction, the prolog.
    Nothing,
    /// The document is whole.
    End,
}

/// The start of an element.
pub(super) struct Element<'t>(BytesStart<'t>);

impl Element<'_> {
    /// Its name without prefix: Nessus writes `cm:compliance-result`.
    pub(super) fn name(&self) -> &str {
        let name = self.0.name().into_inner();
        name.rsplit_once(':').map_or(name, |(_, local)| local)
    }

    /// The value of an attribute. All attributes were checked when the element was read.
    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        let found = self.0.attributes().with_checks(false).flatten().find(|a| a.key.into_inner() == name)?;
        found.normalized_value(Implicit1_0).ok().map(Cow::into_owned)
    }
}

/// Reads one document.
pub(super) struct Xml<'a> {
    reader: Reader<Metered<'a>>,
    allowance: &'a Allowance,
    root: &'static str,
    depth: usize,
    deepest: usize,
    root_seen: bool,
    doctype_seen: bool,
}

impl<'a> Xml<'a> {
    /// A reader of a document whose root element must be `root`.
    pub(super) fn new(
        source: &'a mut dyn Source,
        root: &'static str,
        limits: &Limits,
        allowance: &'a Allowance,
    ) -> Self {
        let mut reader = Reader::from_reader(Metered::new(source, allowance));
        reader.config_mut().expand_empty_elements = true;
        let deepest = limits.depth;
        Self { reader, allowance, root, depth: 0, deepest, root_seen: false, doctype_seen: false }
    }

    /// How many elements are open.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Bytes read so far.
    pub(super) fn position(&self) -> u64 {
        self.reader.buffer_position()
    }

    /// Reads on, into a buffer that the token borrows from.
    ///
    /// # Errors
    /// A [`Refusal`] if the document is not well-formed, breaks a limit, uses an
    /// entity of its own, or ends before its root does.
    pub(super) fn next<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Result<Token<'b>, Refusal> {
        buffer.clear();
        self.allowance.renew();
        match self.reader.read_event_into(buffer) {
            Ok(event) => self.token(event),
            Err(Error::Io(error)) => Err(self.allowance.refusal(std::io::Error::new(error.kind(), error.to_string()))),
            Err(error) => Err(Refusal::Invalid(format!("{error}, at byte {}", self.reader.error_position()))),
        }
    }

    fn token<'b>(&mut self, event: Event<'b>) -> Result<Token<'b>, Refusal> {
        match event {
            Event::Start(start) => self.open(start),
            Event::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                Ok(Token::Close)
            }
            Event::Text(text) => self.text(text.xml10_content()),
            Event::CData(text) => self.text(text.xml10_content()).and_then(|token| self.inside(token)),
            Event::GeneralRef(reference) => self.reference(&reference).and_then(|token| self.inside(token)),
            Event::Decl(declaration) => self.declaration(&declaration),
            Event::DocType(_) if self.root_seen || self.doctype_seen => Err(self.invalid("a DOCTYPE is out of place")),
            Event::DocType(_) => {
                self.doctype_seen = true;
                Ok(Token::Nothing)
            }
            // Empty elements are expanded into a start and an end.
            Event::Empty(_) | Event::Comment(_) | Event::PI(_) => Ok(Token::Nothing),
            Event::Eof if self.depth == 0 && self.root_seen => Ok(Token::End),
            Event::Eof => Err(self.invalid("the report ends before its root element does")),
        }
    }

    fn open<'b>(&mut self, start: BytesStart<'b>) -> Result<Token<'b>, Refusal> {
        let name = start.name().into_inner();
        if name.is_empty() || name.len() > NAME {
            return Err(self.invalid("an element has no name or one that is too long"));
        }
        if self.depth == 0 {
            if self.root_seen {
                return Err(self.invalid("there is a second root element"));
            }
            if name != self.root {
                return Err(self.invalid(&format!("the root element is not {}", self.root)));
            }
            self.root_seen = true;
        }
        if self.depth >= self.deepest {
            return Err(self.invalid(&format!("elements are nested deeper than {}", self.deepest)));
        }
        self.check_attributes(&start)?;
        self.depth += 1;
        Ok(Token::Open(Element(start)))
    }

    /// Well-formed, unique and free of entities, also where no importer looks at them.
    fn check_attributes(&self, start: &BytesStart<'_>) -> Result<(), Refusal> {
        for (count, attribute) in start.attributes().enumerate() {
            // The check for duplicates compares each with each, so their number is bounded first.
            if count == ATTRIBUTES {
                return Err(self.invalid("an element has too many attributes"));
            }
            let attribute = attribute.map_err(|error| self.invalid(&format!("an attribute is broken ({error})")))?;
            let value = attribute.normalized_value(Implicit1_0);
            value.map_err(|error| self.invalid(&format!("an attribute cannot be read ({error})")))?;
        }
        Ok(())
    }

    fn text<'b>(&self, text: Cow<'b, str>) -> Result<Token<'b>, Refusal> {
        if self.depth == 0 && !text.trim().is_empty() {
            return Err(self.invalid("there is text outside the root element"));
        }
        Ok(Token::Text(text))
    }

    /// CDATA and references may not stand outside the root, not even blank ones.
    fn inside<'b>(&self, token: Token<'b>) -> Result<Token<'b>, Refusal> {
        if self.depth == 0 { Err(self.invalid("there is text outside the root element")) } else { Ok(token) }
    }

    fn reference(&self, reference: &BytesRef<'_>) -> Result<Token<'static>, Refusal> {
        if let Some(c) = reference.resolve_char_ref().map_err(|error| self.invalid(&error.to_string()))? {
            return Ok(Token::Text(Cow::Owned(c.to_string())));
        }
        let name: &str = reference;
        match quick_xml::escape::resolve_xml_entity(name) {
            Some(text) => Ok(Token::Text(Cow::Borrowed(text))),
            None => Err(self.invalid(&format!("the entity &{}; is not resolved", domain::text::clean_line(name, 50)))),
        }
    }

    fn declaration(&self, declaration: &BytesDecl<'_>) -> Result<Token<'static>, Refusal> {
        if self.root_seen || self.doctype_seen {
            return Err(self.invalid("an XML declaration is out of place"));
        }
        let Some(encoding) = declaration.encoding() else { return Ok(Token::Nothing) };
        let encoding = encoding.map_err(|error| self.invalid(&error.to_string()))?;
        if ["utf-8", "utf8", "us-ascii"].iter().any(|known| encoding.eq_ignore_ascii_case(known)) {
            return Ok(Token::Nothing);
        }
        let encoding = domain::text::clean_line(&encoding, 50);
        Err(self.invalid(&format!("the report is encoded in {encoding}; only UTF-8 can be read")))
    }

    /// A refusal that names the current position.
    fn invalid(&self, what: &str) -> Refusal {
        Refusal::Invalid(format!("{what}, at byte {}", self.position()))
    }
}

/// Whether the head of a document opens a root element of this name, after a
/// prolog, comments and a DOCTYPE.
pub(super) fn has_root(head: &[u8], root: &str) -> bool {
    let mut reader = Reader::from_reader(head);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(start) | Event::Empty(start)) => return start.name().into_inner() == root,
            Ok(Event::Text(text)) if text.trim().is_empty() => {}
            Ok(Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::DocType(_)) => {}
            _ => return false,
        }
    }
}
