//! What holds for every format and any bytes: no panic, no half reports, the
//! same answer each time.

use super::test_support::{fixture, records, records_within};
use super::*;
use proptest::prelude::*;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};

const FORMATS: [ImportFormat; 3] = [ImportFormat::Nessus, ImportFormat::Sarif, ImportFormat::Nuclei];

/// Fixtures that are one document each, with their format.
const DOCUMENTS: [(ImportFormat, &str); 4] = [
    (ImportFormat::Nessus, "nessus/norrvik.nessus"),
    (ImportFormat::Nessus, "nessus/alvsund_was.nessus"),
    (ImportFormat::Sarif, "sarif/alvsund.sarif"),
    (ImportFormat::Nuclei, "nuclei/alvsund.json"),
];

const LINES: (ImportFormat, &str) = (ImportFormat::Nuclei, "nuclei/norrvik.jsonl");

/// Limits that small inputs reach.
const TIGHT: Limits = Limits { depth: 8, record_bytes: 200, rules: 2 };

fn reads_without_panic(bytes: &[u8]) {
    sniff(bytes);
    for format in FORMATS {
        let _ = records(format, bytes);
        let _ = records_within(format, bytes, &TIGHT);
    }
}

#[test]
fn no_beginning_of_a_document_is_a_document() {
    for (format, name) in DOCUMENTS {
        let bytes = fixture(name);
        let whole = bytes.trim_ascii_end().len();
        assert!(records(format, &bytes[..whole]).is_ok(), "{name}");
        for end in 1..whole {
            assert!(
                bytes[..end].trim_ascii().is_empty() || records(format, &bytes[..end]).is_err(),
                "{name} up to {end}"
            );
        }
    }
}

#[test]
fn the_size_of_the_source_s_buffer_changes_nothing() {
    for (format, name) in DOCUMENTS.into_iter().chain([LINES]) {
        let bytes = fixture(name);
        for capacity in [3, 7, 64] {
            let mut source = BufReader::with_capacity(capacity, Cursor::new(&bytes));
            let mut found = Vec::new();
            read(format, &mut source, &Limits::default(), &mut |record| found.push(record)).unwrap();
            assert_eq!(Ok(found), records(format, &bytes), "{name} by {capacity} bytes");
        }
    }
}

#[test]
fn utf_16_is_named_as_what_is_wrong() {
    for text in ["<NessusClientData_v2/>", "{\"version\":\"2.1.0\"}", "[]"] {
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let marked = [&b"\xff\xfe"[..], &little].concat();
        for (format, bytes) in FORMATS.into_iter().flat_map(|f| [(f, &little), (f, &big), (f, &marked)]) {
            assert!(records(format, bytes).unwrap_err().contains("UTF-16"), "{text}");
        }
    }
}

/// A report that goes on for ever and counts what is read of it.
struct Endless {
    head: &'static str,
    unit: &'static str,
    read: usize,
}

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        for to in &mut *out {
            let beyond = self.read.checked_sub(self.head.len());
            *to = beyond.map_or(self.head.as_bytes()[self.read.min(self.head.len() - 1)], |beyond| {
                self.unit.as_bytes()[beyond % self.unit.len()]
            });
            self.read += 1;
        }
        Ok(out.len())
    }
}

impl Seek for Endless {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        self.read = 0;
        Ok(0)
    }
}

/// Beginnings of a report and what follows them without end: a single value, or nesting.
const ENDLESS: [(ImportFormat, &str, &str); 16] = [
    (ImportFormat::Nessus, "<NessusClientData_v2>", "x"),
    (ImportFormat::Nessus, "<NessusClientData_v2>", "<a>"),
    (ImportFormat::Nessus, "<NessusClientData_v2 a=\"", "x"),
    (ImportFormat::Nessus, "<NessusClientData_v2", " a=\"1\""),
    (ImportFormat::Nessus, "<NessusClientData_v2", "x"),
    (ImportFormat::Nessus, "<!--", "x"),
    (ImportFormat::Nessus, "<!DOCTYPE x [", "<!ENTITY a \"b\">"),
    (ImportFormat::Nessus, "<NessusClientData_v2><![CDATA[", "]>"),
    (ImportFormat::Sarif, "{", " "),
    (ImportFormat::Sarif, "{\"", "x"),
    (ImportFormat::Sarif, "{\"version\":\"", "x"),
    (ImportFormat::Sarif, "{\"a\":", "[{\"a\":"),
    (ImportFormat::Sarif, "{\"runs\":[{\"results\":[{\"codeFlows\":\"", "x"),
    (ImportFormat::Sarif, "{\"a\":", "1"),
    (ImportFormat::Nuclei, "[{\"a\":\"", "x"),
    (ImportFormat::Nuclei, "[", "["),
];

#[test]
fn no_more_is_read_than_one_value_may_take() {
    for record_bytes in [1_000, 9_999, 100_000] {
        let limits = Limits { record_bytes, ..Limits::default() };
        for (format, head, unit) in ENDLESS {
            let mut source = BufReader::new(Endless { head, unit, read: 0 });
            assert!(read(format, &mut source, &limits, &mut drop).is_err(), "{head}{unit}…");
            let most = head.len() + record_bytes + (32 << 10);
            let read = source.get_ref().read;
            assert!(read <= most, "{head}{unit}…: {read} of {most}");
        }
    }
}

#[test]
fn fixtures_are_recognised() {
    for (format, name) in DOCUMENTS.into_iter().chain([LINES]) {
        assert_eq!(sniff(&fixture(name)), Some(format), "{name}");
    }
}

#[test]
fn markup_that_ends_where_it_begins_does_not_panic() {
    for text in [
        "<!-->",
        "<!--->",
        "<!---->",
        "<!>",
        "<!D>",
        "<!DOCTYPE>",
        "<![CDATA[]]>",
        "<![CDATA[>",
        "<?>",
        "<??>",
        "</>",
        "<>",
        "</",
        "&",
        "&;",
        "&#;",
        "&#x;",
        "&#0;",
        "&#xFFFFFFFFF;",
    ] {
        reads_without_panic(text.as_bytes());
        reads_without_panic(format!("<NessusClientData_v2>{text}").as_bytes());
        reads_without_panic(format!("<NessusClientData_v2>{text}</NessusClientData_v2>").as_bytes());
    }
}

/// A fixture with some bytes replaced, removed or doubled.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let files: Vec<_> = DOCUMENTS.into_iter().chain([LINES]).map(|(_, name)| fixture(name)).collect();
    let change = (any::<prop::sample::Index>(), 0..60usize, prop::collection::vec(any::<u8>(), 0..4));
    (prop::sample::select(files), prop::collection::vec(change, 1..4)).prop_map(|(mut bytes, changes)| {
        for (at, length, with) in changes {
            let at = at.index(bytes.len());
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, with);
            if bytes.is_empty() {
                bytes.push(b'x');
            }
        }
        bytes
    })
}

/// Text out of the pieces the formats are made of, in no order.
fn jumbled() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "<NessusClientData_v2>",
        "</NessusClientData_v2>",
        "<ReportHost name=\"å\">",
        "</ReportHost>",
        "<ReportItem pluginID=\"1\" pluginName=\"n\">",
        "</ReportItem>",
        "<tag name=\"host-ip\">",
        "</tag>",
        "<cve>",
        "</cve>",
        "<![CDATA[",
        "]]>",
        "<!--",
        "-->",
        "<!DOCTYPE x [",
        "]>",
        "&amp;",
        "&x;",
        "<?xml version=\"1.0\"?>",
        "<a b='",
        "'/>",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\"version\":\"2.1.0\"",
        "\"runs\":[",
        "\"results\":[",
        "\"ruleId\":\"a\"",
        "\"message\":{\"text\":\"{0}\"}",
        "\"tool\":{\"driver\":{\"rules\":[",
        "\"template-id\":\"a\"",
        "\"info\":{",
        "null",
        "1e9",
        "\\u00e5",
        "\n",
        "å",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

/// A report of these records, of which the false ones are broken each in its way.
fn of_records(format: ImportFormat, whole: &[bool]) -> Vec<u8> {
    let (good, bad, head, between, tail): (_, [&str; 3], _, _, _) = match format {
        ImportFormat::Nessus => (
            "<ReportItem pluginID=\"1\" pluginName=\"n\"/>",
            ["<ReportItem/>", "<ReportItem pluginID=\" \" pluginName=\"n\"></ReportItem>", "<ReportItem port=\"x\"/>"],
            "<NessusClientData_v2><ReportHost name=\"h\">",
            "\n",
            "</ReportHost></NessusClientData_v2>",
        ),
        ImportFormat::Sarif => (
            "{\"ruleId\":\"a\"}",
            ["{}", "[{\"ruleId\":\"a\"}]", "{\"ruleId\":\"a\",\"level\":1}"],
            "{\"version\":\"2.1.0\",\"runs\":[{\"results\":[",
            ",",
            "]}]}",
        ),
        ImportFormat::Nuclei => {
            ("{\"template-id\":\"a\"}", ["{}", "{\"template-id\":", "\0"], "{\"template-id\":\"b\"}\n", "\n", "")
        }
    };
    let records: Vec<&str> = whole.iter().enumerate().map(|(at, ok)| if *ok { good } else { bad[at % 3] }).collect();
    [head, &records.join(between), tail].concat().into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_broken_record_costs_itself_alone(whole in prop::collection::vec(any::<bool>(), 0..30)) {
        for format in FORMATS {
            let read = records(format, &of_records(format, &whole)).unwrap();
            // The head of the lines is a record already: lines need a first object to be known as such.
            let read = if format == ImportFormat::Nuclei { &read[1..] } else { &read[..] };
            let records = read.iter().filter(|record| !matches!(record, Record::Covered(_)));
            let found: Vec<bool> = records.map(|record| matches!(record, Record::Observation(_))).collect();
            prop_assert_eq!(&found, &whole, "{:?}", format);
        }
    }

    #[test]
    fn cut_lines_lose_at_most_the_last(at in any::<prop::sample::Index>()) {
        let bytes = fixture(LINES.1);
        let (all, cut) = (records(LINES.0, &bytes).unwrap(), &bytes[..at.index(bytes.len())]);
        let ended = cut.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let (lines, rest) = cut.split_at(ended);
        let complete = lines.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
        let found = records(LINES.0, cut).unwrap();
        prop_assert_eq!(&found[..complete], &all[..complete]);
        prop_assert_eq!(found.len() - complete, usize::from(!rest.trim_ascii().is_empty()));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        reads_without_panic(&bytes);
    }

    #[test]
    fn jumbled_pieces_never_panic(bytes in jumbled()) {
        reads_without_panic(&bytes);
    }

    #[test]
    fn mutated_reports_never_panic_and_read_the_same_twice(bytes in mutated()) {
        reads_without_panic(&bytes);
        for format in FORMATS {
            prop_assert_eq!(records(format, &bytes), records(format, &bytes));
        }
    }
}
