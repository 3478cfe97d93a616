//! Inventories as they are, and as an attacker writes them.

use super::*;
use domain::{AssetKind, Criticality, Exposure, IdentifierKind, Provenance};
use proptest::prelude::*;
use std::io::Cursor;

fn rows_within(format: AssetImportFormat, bytes: &[u8], limits: &Limits) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    let read = read(format, &mut Cursor::new(bytes), limits, &mut |row| rows.push(row));
    read.map(|()| rows).map_err(|refusal| refusal.to_string())
}

fn rows(format: AssetImportFormat, bytes: &[u8]) -> Result<Vec<Row>, String> {
    rows_within(format, bytes, &Limits::default())
}

fn assets(format: AssetImportFormat, text: &str) -> Vec<AssetRow> {
    let asset = |row| match row {
        Row::Asset(asset) => *asset,
        Row::Rejected(rejected) => panic!("{rejected:?}"),
    };
    rows(format, text.as_bytes()).unwrap().into_iter().map(asset).collect()
}

fn values(asset: &AssetRow) -> Vec<(IdentifierKind, &str)> {
    asset.identifiers.iter().map(|identifier| (identifier.kind, identifier.value.as_str())).collect()
}

/// The place and the beginning of the reason of each rejected row.
fn rejected(rows: &[Row]) -> Vec<(&str, &str)> {
    let mut shown = Vec::new();
    for row in rows {
        if let Row::Rejected(rejected) = row {
            shown.push((rejected.place.as_str(), rejected.reason.as_str()));
        }
    }
    shown
}

#[test]
fn a_swedish_spreadsheet_is_read() {
    let table = "\u{feff}Namn;Värdnamn;IP-adress;Kritikalitet;Exponering;Förvaltning;Inköpt;Serienummer\r\n\
                 Löneservern;LON01.norrvik.example;192.0.2.7, 2001:db8::7;Hög;internt;HR;2019-04-01;\"S-1 A\"\r\n\
                 ;skola-å1;;;;;;\r\n";
    let assets = assets(AssetImportFormat::Csv, table);
    assert_eq!(assets.len(), 2);
    let wages = &assets[0];
    assert_eq!((wages.name.as_deref(), wages.place.as_str()), (Some("Löneservern"), "line 2"));
    assert_eq!((wages.criticality, wages.exposure), (Some(Criticality::High), Some(Exposure::Internal)));
    assert_eq!((wages.owner_unit.as_deref(), wages.provenance), (Some("HR"), Provenance::Inventoried));
    let expected = [
        (IdentifierKind::Fqdn, "lon01.norrvik.example"),
        (IdentifierKind::Ip, "192.0.2.7"),
        (IdentifierKind::Ip, "2001:db8::7"),
        (IdentifierKind::Serial, "S-1 A"),
    ];
    assert_eq!(values(wages), expected);
    assert_eq!(values(&assets[1]), [(IdentifierKind::Hostname, "skola-å1")]);
    assert_eq!((assets[1].name.as_deref(), assets[1].kind), (None, None));
}

#[test]
fn a_bad_row_is_told_by_its_line_and_the_rest_counts() {
    let table = "name,ip,kind,exposure\nA,192.0.2.1,server,\nB,300.0.2.1,,\nC,,host,\nD,192.0.2.2,toaster,\n\
                 E,192.0.2.3,,moon\nF,192.0.2.4,,,,,\n\n\"G\nG\",192.0.2.5,,\nH,127.0.0.1,,\n";
    let rows = rows(AssetImportFormat::Csv, table.as_bytes()).unwrap();
    assert_eq!(rows.len(), 8);
    let expected = [
        ("line 3", "`300.0.2.1` is no ip"),
        ("line 4", "it names no identifier (hostname, fqdn, ip, mac, serial, cloud_id, edr_id, repository)"),
        ("line 5", "`toaster` is no kind"),
        ("line 6", "`moon` is no exposure"),
        ("line 7", "it has more cells than there are columns"),
        ("line 11", "`127.0.0.1` is no ip"),
    ];
    assert_eq!(rejected(&rows), expected);
    assert!(matches!(&rows[6], Row::Asset(asset) if asset.name.as_deref() == Some("G G")));
}

#[test]
fn a_table_that_names_no_asset_is_refused() {
    for (table, said) in [
        (&b""[..], "empty"),
        (b"name,colour\nA,red\n", "no column names an asset"),
        (b"ip,ip_address\n192.0.2.1,192.0.2.1\n", "two columns say the same"),
        (b"v\xe4rdnamn;ip\nA;192.0.2.1\n", "not UTF-8"),
        (b"\xff\xfei\0p\0", "UTF-16"),
    ] {
        let refused = rows(AssetImportFormat::Csv, table).unwrap_err();
        assert!(refused.contains(said), "{refused}");
    }
    let not_utf8 = rows(AssetImportFormat::Csv, b"ip;namn\n192.0.2.1;L\xf6n\n192.0.2.2;x\n").unwrap();
    assert_eq!(rejected(&not_utf8), [("line 2", "it is not UTF-8")]);
}

#[test]
fn json_is_read_as_an_array_and_as_a_page() {
    let item = r#"{"name": "Löneservern", "id": "x", "kind": "host", "criticality": "high", "owner_unit": null,
        "identifiers": [{"kind": "serial", "value": "S1"}], "ip": ["192.0.2.7"], "hostname": "lon01"}"#;
    let array = assets(AssetImportFormat::Json, &format!("[{item}]"));
    let page = assets(AssetImportFormat::Json, &format!("{{\"has_more\": false, \"items\": [{item}]}}"));
    assert_eq!((array[0].place.as_str(), page[0].place.as_str()), ("[0]", "items[0]"));
    assert_eq!(array[0].identifiers, page[0].identifiers);
    assert_eq!(array[0].identifiers.len(), 3);
    assert_eq!((array[0].kind, array[0].criticality), (Some(AssetKind::Host), Some(Criticality::High)));
    assert_eq!(array[0].owner_unit, None);
    let bad = r#"[{"identifiers": [{"kind": "soul", "value": "x"}]}, 7, {"name": "x"}, {"ip": "192.0.2.1", "identifiers": 1}]"#;
    assert_eq!(rejected(&rows(AssetImportFormat::Json, bad.as_bytes()).unwrap()).len(), 4);
    for (bad, said) in [
        ("{}", "no array"),
        (r#"{"items": [], "items": []}"#, "twice"),
        (r#"[{"ip": "192.0.2.1"}"#, "EOF"),
        (r#"[{"ip": "192.0.2.1"}] x"#, "trailing"),
        ("7", "array of objects"),
    ] {
        let refused = rows(AssetImportFormat::Json, bad.as_bytes()).unwrap_err();
        assert!(refused.contains(said), "{bad}: {refused}");
    }
}

#[test]
fn hosts_that_were_up_are_discovered() {
    let xml = r#"<?xml version="1.0"?><!DOCTYPE nmaprun><nmaprun><host><status state="up"/>
        <address addr="192.0.2.7" addrtype="ipv4"/><address addr="00:11:22:33:44:55" addrtype="mac" vendor="Å"/>
        <hostnames><hostname name="srv7.norrvik.example" type="PTR"/><hostname name="lon.norrvik.example" type="user"/></hostnames>
        <ports><port protocol="tcp" portid="443"><state state="open"/><service name="https" hostname="fake.example"/></port></ports></host>
        <host><status state="down"/><address addr="192.0.2.8" addrtype="ipv4"/></host>
        <host><status state="up"/><address addr="x" addrtype="ipv4"/></host></nmaprun>"#;
    let rows = rows(AssetImportFormat::Nmap, xml.as_bytes()).unwrap();
    let Row::Asset(host) = &rows[0] else { panic!("{rows:?}") };
    assert_eq!((host.name.as_deref(), host.provenance), (Some("lon.norrvik.example"), Provenance::Discovered));
    assert_eq!((host.kind, host.identifiers.len()), (Some(AssetKind::Host), 4));
    assert_eq!(rejected(&rows), [("host 3", "`x` is no ip")]);
    assert_eq!(rows.len(), 2, "a host that is down is none");
}

#[test]
fn what_dns_calls_an_address_never_hides_its_host() {
    let host = |names: &str| {
        format!(
            r#"<host endtime="1764054000"><status state="up"/><address addr="192.0.2.7" addrtype="ipv4"/><hostnames>{names}</hostnames></host>"#
        )
    };
    let odd = r#"<hostname name="localhost" type="PTR"/><hostname name="10.0.0.1" type="PTR"/><hostname name="a b" type="PTR"/>
        <hostname name="" type="PTR"/><hostname name="localhost.localdomain" type="PTR"/>"#;
    let many: String = (0..300).map(|n| format!(r#"<hostname name="h{n}.norrvik.example" type="PTR"/>"#)).collect();
    let good = r#"<hostname name="10.0.0.1" type="user"/><hostname name="lon.norrvik.example" type="PTR"/>"#;
    let bare = r#"<host><status state="up"/><hostnames><hostname name="localhost"/></hostnames></host>"#;
    let xml = format!(r#"<nmaprun start="1764050400">{}{}{}{bare}</nmaprun>"#, host(odd), host(&many), host(good));
    let rows = rows(AssetImportFormat::Nmap, xml.as_bytes()).unwrap();
    let mut hosts = Vec::new();
    for row in &rows {
        if let Row::Asset(host) = row {
            hosts.push((host.name.as_deref(), host.identifiers.len(), host.seen_at.map(|at| at.timestamp())));
        }
    }
    let ended = Some(1_764_054_000);
    let expected =
        [(None, 1, ended), (Some("h0.norrvik.example"), 200, ended), (Some("lon.norrvik.example"), 2, ended)];
    assert_eq!(hosts, expected);
    assert_eq!(rejected(&rows).len(), 1, "what has no address at all is none: {rows:?}");
    let begun = assets(AssetImportFormat::Nmap, &xml.replace("endtime", "x").replace(bare, ""));
    assert!(begun.iter().all(|host| host.seen_at.map(|at| at.timestamp()) == Some(1_764_050_400)));
}

#[test]
fn what_many_machines_have_is_left_out_of_a_row() {
    let table = "fqdn,mac,serial\na.example,00:05:9a:3c:7a:00 00:11:22:33:44:55,None\n,ff:ff:ff:ff:ff:ff,\n";
    let rows = rows(AssetImportFormat::Csv, table.as_bytes()).unwrap();
    let Row::Asset(host) = &rows[0] else { panic!("{rows:?}") };
    assert_eq!(values(host), [(IdentifierKind::Fqdn, "a.example"), (IdentifierKind::Mac, "00:11:22:33:44:55")]);
    assert_eq!(host.shared.len(), 2);
    let said = "`ff:ff:ff:ff:ff:ff` tells no machine from another, and it names no other identifier";
    assert_eq!(rejected(&rows), [("line 3", said)]);
}

#[test]
fn hostile_inventories_are_refused_or_bounded() {
    let deep = "[".repeat(10 << 20);
    assert!(rows(AssetImportFormat::Json, deep.as_bytes()).is_err());
    let deep = format!("<nmaprun>{}", "<host>".repeat(100_000));
    assert!(rows(AssetImportFormat::Nmap, deep.as_bytes()).is_err());
    let entity = r#"<!DOCTYPE nmaprun [<!ENTITY x SYSTEM "file:///etc/passwd">]><nmaprun><host><address addr="&x;"/></host></nmaprun>"#;
    assert!(rows(AssetImportFormat::Nmap, entity.as_bytes()).is_err());
    // A quote that is never closed would otherwise hold the whole file.
    let quote = format!("ip,name\n192.0.2.1,\"{}", "x\n".repeat(2 << 20));
    assert!(rows(AssetImportFormat::Csv, quote.as_bytes()).unwrap_err().contains("larger than"));
    assert!(rows(AssetImportFormat::Csv, ",".repeat(2_000).as_bytes()).unwrap_err().contains("columns"));
    let many = format!(
        "ip\n\"{}\"\n",
        (0..300).map(|n| format!("192.0.2.{} 198.51.100.{}", n % 200, n % 199)).collect::<Vec<_>>().join(" ")
    );
    assert_eq!(
        rejected(&rows(AssetImportFormat::Csv, many.as_bytes()).unwrap()),
        [("line 2", "it has more than 200 identifiers")]
    );
    let formula = assets(AssetImportFormat::Csv, "name,ip\n=cmd()\u{1b}[31m,192.0.2.1\n");
    assert_eq!(formula[0].name.as_deref(), Some("=cmd()\u{fffd}[31m"), "exports escape for their medium");
}

proptest! {
    #[test]
    fn nothing_makes_a_reader_fail_and_reading_twice_gives_the_same(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        for format in [AssetImportFormat::Csv, AssetImportFormat::Json, AssetImportFormat::Nmap] {
            prop_assert_eq!(rows(format, &bytes), rows(format, &bytes));
        }
    }

    #[test]
    fn every_line_of_a_table_is_accounted_for(cells in prop::collection::vec("[a-zåäö0-9.;:|\"-]{0,20}", 0..30)) {
        let table: String = cells.iter().map(|cell| format!("x,\"{}\"\n", cell.replace('"', "\"\""))).collect();
        let rows = rows(AssetImportFormat::Csv, format!("colour,ip\n{table}").as_bytes()).unwrap();
        prop_assert_eq!(rows.len(), cells.len());
    }
}
