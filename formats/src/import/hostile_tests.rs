//! What holds for every format and any bytes: no panic, no half reports, the
//! same answer each time.

use super::test_support::{fixture, records, records_within};
use super::*;
use proptest::prelude::*;
use std::io::{BufReader, Cursor};

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

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

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
