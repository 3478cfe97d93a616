//! Which asset a report means, where machines share what ought to be one machine's.

use super::{change, enter, host, nightly, path};
use crate::support::{Answer, Kind, Person, World, on_both_stores};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

on_both_stores!(
    machines_that_share_an_adapter_stay_apart,
    a_table_full_of_placeholders_makes_an_asset_of_each_row,
    an_address_goes_on_to_who_was_seen_with_it_later,
    an_address_stays_where_people_or_time_say_so,
    nobody_passes_an_address_to_and_fro,
);

/// A host as Nessus reports it: the name it was scanned by, and the properties that tell it.
type Host<'h> = (&'h str, &'h [(&'h str, &'h str)]);

/// A Nessus report of a weakness for each plugin on each host.
pub(super) fn nessus(hosts: &[Host<'_>], plugins: &[u32]) -> Vec<u8> {
    let tag = |(name, value): &(&str, &str)| format!("<tag name=\"{name}\">{value}</tag>");
    let item = |plugin: &u32| {
        format!(
            "<ReportItem port=\"443\" svc_name=\"www\" protocol=\"tcp\" severity=\"3\" pluginID=\"{plugin}\" \
             pluginName=\"Brist {plugin}\" pluginFamily=\"General\"><description>Brist</description></ReportItem>"
        )
    };
    let items: String = plugins.iter().map(item).collect();
    let one = |(name, tags): &Host<'_>| {
        let tags: String = tags.iter().map(tag).collect();
        format!("<ReportHost name=\"{name}\"><HostProperties>{tags}</HostProperties>{items}</ReportHost>")
    };
    let hosts: String = hosts.iter().map(one).collect();
    format!("<NessusClientData_v2><Report name=\"x\">{hosts}</Report></NessusClientData_v2>").into_bytes()
}

async fn seen(who: &Person, hosts: &[Host<'_>]) {
    who.import("format=nessus", nessus(hosts, &[90001])).await.expect(201);
}

async fn inventory(who: &Person, format: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request = who.request(Method::POST, &format!("/v1/assets/import?format={format}"));
    who.send(request.body(body)).await
}

async fn assets(who: &Person) -> Vec<Value> {
    who.get("/v1/assets?limit=500").await.expect(200).items()
}

/// The values of an asset's identifiers, the strongest kind first.
async fn values(who: &Person, asset: &Value) -> Vec<String> {
    let asset = who.get(&path(asset)).await.expect(200).json();
    let all = asset["identifiers"].as_array().expect("identifiers").iter();
    all.map(|identifier| identifier["value"].as_str().expect("a value").to_owned()).collect()
}

async fn named(who: &Person, name: &str) -> Value {
    let all = assets(who).await;
    all.iter().find(|asset| asset["name"] == name).unwrap_or_else(|| panic!("{name} among {all:?}")).clone()
}

const ADDRESS: &str = "192.0.2.7";

async fn machines_that_share_an_adapter_stay_apart(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    // Each laptop has the VPN's adapter, and stands in a dock whose address it shows as well.
    let vpn = "00:05:9a:3c:7a:00\n";
    for (n, own) in ["00:11:22:33:44:01", "00:11:22:33:44:02", "00:11:22:33:44:03"].into_iter().enumerate() {
        let (name, macs) = (format!("bar{n}.norrvik.example"), format!("{own}\n{vpn}00:11:22:dd:dd:dd"));
        seen(&lead, &[(&name, &[("host-fqdn", &name), ("mac-address", &macs)])]).await;
    }
    assert_eq!(assets(&lead).await.len(), 3);
    let first = named(&lead, "bar0.norrvik.example").await;
    assert_eq!(values(&lead, &first).await, ["00:11:22:33:44:01", "00:11:22:dd:dd:dd", "bar0.norrvik.example"]);
    for laptop in assets(&lead).await {
        assert_eq!(laptop["open_findings"]["high"], 1, "{laptop}");
    }
    // A router answers for whole networks, by its own address and by one of VRRP.
    let host = |n: u8, mac: &str| {
        format!(
            "<host><status state='up'/><address addr='198.51.100.{n}' addrtype='ipv4'/><address addr='{mac}' addrtype='mac'/>\
             <hostnames><hostname name='srv{n}.norrvik.example' type='PTR'/></hostnames></host>"
        )
    };
    let mac = |n: u8| if n < 5 { "00:00:5e:00:01:01" } else { "00:11:22:ee:ee:ee" };
    let hosts: String = (0..10).map(|n| host(n, mac(n))).collect();
    let outcome = inventory(&lead, "nmap", format!("<nmaprun>{hosts}</nmaprun>")).await.expect(200).json();
    assert_eq!((&outcome["created"], &outcome["identifiers_left_out"]), (&json!(10), &json!(9)), "{outcome}");
    let reason = outcome["warnings"][0]["reason"].as_str().expect("a reason");
    assert_eq!(reason, "mac 00:00:5e:00:01:01 tells no machine from another: many have it");
    world.end().await;
}

async fn a_table_full_of_placeholders_makes_an_asset_of_each_row(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let serial = |n: usize| ["To Be Filled By O.E.M.", "None", "Default string", "0123456789"][n % 4];
    let row = |n: usize| format!("PC{n};pc{n}.norrvik.example;{}\n", serial(n));
    let table: String = std::iter::once("namn;fqdn;serienummer\n".to_owned()).chain((0..300).map(row)).collect();
    let outcome = inventory(&lead, "csv", table).await.expect(200).json();
    assert_eq!((&outcome["created"], &outcome["rejected"]), (&json!(300), &json!(0)));
    assert_eq!(outcome["identifiers_left_out"], 300);
    assert_eq!(assets(&lead).await.len(), 300);
    // A row that says nothing else is told, not stored.
    let alone = inventory(&lead, "csv", "namn;serienummer\nPC;None\n").await.expect(200).json();
    assert_eq!(alone["rejected_records"][0]["place"], "line 2", "{alone}");
    world.end().await;
}

async fn an_address_goes_on_to_who_was_seen_with_it_later(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let at = |name: &'static str, address: &'static str| (name, [("host-fqdn", name), ("host-ip", address)]);
    let (a, b) = ("a.norrvik.example", "b.norrvik.example");
    let (monday, tuesday) = (at(a, ADDRESS), at(b, ADDRESS));
    seen(&lead, &[(monday.0, &monday.1)]).await;
    world.advance(TimeDelta::days(1));
    // The full scan has both, one at its new address.
    let moved = at(a, "192.0.2.9");
    seen(&lead, &[(moved.0, &moved.1), (tuesday.0, &tuesday.1)]).await;
    let (first, second) = (named(&lead, a).await, named(&lead, b).await);
    assert_eq!(values(&lead, &first).await, [a, "192.0.2.9"]);
    assert_eq!(values(&lead, &second).await, [b, ADDRESS]);
    world.advance(TimeDelta::days(1));
    // What an unauthenticated scan sees there is the new holder's.
    let before = first["open_findings"]["high"].clone();
    seen(&lead, &[(ADDRESS, &[("host-ip", ADDRESS)])]).await;
    assert_eq!(assets(&lead).await.len(), 2);
    assert_eq!(named(&lead, a).await["open_findings"]["high"], before);
    let events = lead.get("/v1/changes?mode=events&types=asset").await.expect(200).items();
    let told = |asset: &Value| -> Vec<Value> {
        let own = events.iter().filter(|event| event["resource_id"] == asset["id"]);
        own.map(|event| event["changed"]["identifiers"].clone()).filter(|change| !change.is_null()).collect()
    };
    let ip = |value: &str| json!({"kind": "ip", "value": value});
    assert_eq!(told(&first), [json!({"before": [ip(ADDRESS)], "after": [ip("192.0.2.9")]})]);
    // The second was made with it.
    assert_eq!(told(&second), [] as [Value; 0]);
    // A network scan sees it come back, and a repeated old one does not take it away again.
    let scan = |time: i64, name: &str| {
        format!(
            "<nmaprun start='1'><host endtime='{time}'><status state='up'/><address addr='{ADDRESS}' addrtype='ipv4'/>\
             <hostnames><hostname name='{name}' type='PTR'/></hostnames></host></nmaprun>"
        )
    };
    let now = "2026-11-26T07:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().expect("a time").timestamp();
    inventory(&lead, "nmap", scan(now - 86_400 * 3, a)).await.expect(200);
    assert_eq!(values(&lead, &second).await, [b, ADDRESS], "three days ago is before");
    world.advance(TimeDelta::days(1));
    let outcome = inventory(&lead, "nmap", scan(now + 86_400, a)).await.expect(200).json();
    assert_eq!((&outcome["updated"], &outcome["identifiers_left_out"]), (&json!(1), &json!(0)));
    assert_eq!((values(&lead, &second).await, values(&lead, &first).await.len()), (vec![b.to_owned()], 3));
    world.end().await;
}

async fn an_address_stays_where_people_or_time_say_so(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let entered = json!({"name": "Skrivaren", "identifiers": [host("skrivare"), {"kind": "ip", "value": ADDRESS}]});
    let printer = enter(&lead, entered).await.expect(201).json();
    nightly(&lead, &json!([{"name": "Dörren", "fqdn": "dorr.norrvik.example", "ip": "192.0.2.8"}])).await;
    world.advance(TimeDelta::days(1));
    let b = "b.norrvik.example";
    seen(&lead, &[(b, &[("host-fqdn", b), ("host-ip", "192.0.2.7,192.0.2.8,192.0.2.9")])]).await;
    assert_eq!(values(&lead, &printer).await, ["skrivare.norrvik.example", ADDRESS], "a person entered it");
    let door = named(&lead, "Dörren").await;
    assert_eq!(values(&lead, &door).await, ["dorr.norrvik.example", "192.0.2.8"], "an inventory entered it");
    let other = named(&lead, b).await;
    assert_eq!(values(&lead, &other).await, [b, "192.0.2.9"]);
    // A report that was made before, and one that knows nothing but the address, take nothing away.
    let c = "c.norrvik.example";
    seen(&lead, &[(c, &[("host-fqdn", c), ("host-ip", "192.0.2.9"), ("HOST_END_TIMESTAMP", "1700000000")])]).await;
    assert_eq!(values(&lead, &other).await, [b, "192.0.2.9"]);
    // The last identifier of an asset stays: no report would reach its findings any more.
    seen(&lead, &[("192.0.2.20", &[("host-ip", "192.0.2.20")])]).await;
    let bare = named(&lead, "192.0.2.20").await;
    seen(&lead, &[(c, &[("host-fqdn", c)])]).await;
    world.advance(TimeDelta::days(1));
    seen(&lead, &[(c, &[("host-fqdn", c), ("host-ip", "192.0.2.20")])]).await;
    assert_eq!(values(&lead, &bare).await, ["192.0.2.20"]);
    // An inventory says who has it, and hands nothing over.
    let told = nightly(&lead, &json!([{"name": "Ny", "fqdn": "ny.norrvik.example", "ip": "192.0.2.9"}])).await;
    assert_eq!((&told["created"], &told["identifiers_left_out"]), (&json!(1), &json!(1)));
    change(&lead, &path(&other), "/retire", json!({"reason": "Skrotad"})).await.expect(200);
    world.end().await;
}

async fn nobody_passes_an_address_to_and_fro(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let at_home = |name: &'static str| (name, [("host-fqdn", name), ("host-ip", "192.168.1.10")]);
    let (a, b) = (at_home("a.norrvik.example"), at_home("b.norrvik.example"));
    let mut numbers = Vec::new();
    for _ in 0..4 {
        seen(&lead, &[(a.0, &a.1), (b.0, &b.1)]).await;
        world.advance(TimeDelta::days(1));
        numbers.push(assets(&lead).await.iter().map(|asset| asset["seq"].clone()).collect::<Vec<_>>());
    }
    assert_eq!(numbers[1], numbers[3], "two machines that are seen with one address at once leave it where it is");
    world.end().await;
}
