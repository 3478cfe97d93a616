//! Sends the writes that make one finding of two, and two of one.

use crate::support::{Answer, Person};
use reqwest::Method;
use serde_json::{Value, json};

/// After all others: tasks are not what they were where findings are merged.
pub(super) const WRITES: &[(&str, &str)] = &[
    ("mergeFinding", "finding.merge"),
    ("splitFinding", "finding.split"),
    ("mutation mergeFinding", "finding.merge"),
    ("mutation splitFinding", "finding.split"),
    ("putFingerprintRule", "source.fingerprint_rule"),
    ("rerunFingerprintRule", "source.rerun"),
    ("mutation setFingerprintRule", "source.fingerprint_rule"),
    ("mutation rerunFingerprintRule", "source.rerun"),
];

/// The first finding and the second, with their tags.
async fn two(lead: &Person) -> [(Value, String); 2] {
    let all = lead.get("/v1/findings").await.expect(200).items();
    let one = |at: usize| (all[at].clone(), format!("\"{}-0\"", all[at]["seq"]));
    [one(0), one(1)]
}

fn path(finding: &Value, action: &str) -> String {
    format!("/v1/findings/{}/{action}", finding["id"].as_str().expect("an id"))
}

/// Sends one of [`WRITES`].
pub(super) async fn send(lead: &Person, operation: &str) -> Answer {
    let [(one, one_tag), (other, other_tag)] = two(lead).await;
    let graphql = async |field: &str, finding: &Value, input: String| {
        let arguments = format!("id: {}, ifMatch: {}, input: {input}", finding["id"], finding["seq"]);
        let body = json!({"query": format!("mutation {{ {field}({arguments}) {{ id }} }}")});
        lead.write(Method::POST, "/graphql", None, body).await
    };
    let rule = format!("/v1/sources/{}/fingerprint-rule", one["source_id"].as_str().expect("an id"));
    let of_rule = async |field: &str, arguments: &str| {
        let call = format!("{field}(sourceId: {}, {arguments}) {{ sourceId }}", one["source_id"]);
        lead.write(Method::POST, "/graphql", None, json!({"query": format!("mutation {{ {call} }}")})).await
    };
    match operation {
        "mergeFinding" => {
            lead.write(Method::POST, &path(&one, "merge"), Some(&one_tag), json!({"into": other["id"]})).await
        }
        "splitFinding" => {
            let split = json!({"fingerprints": [one["fingerprint"]]});
            lead.write(Method::POST, &path(&other, "split"), Some(&other_tag), split).await
        }
        "mutation mergeFinding" => graphql("mergeFinding", &one, format!("{{into: {}}}", other["id"])).await,
        "mutation splitFinding" => {
            graphql("splitFinding", &other, format!("{{fingerprints: [{}]}}", one["fingerprint"])).await
        }
        "putFingerprintRule" => lead.write(Method::PUT, &rule, Some("\"0-0\""), json!({"parts": ["rule_key"]})).await,
        "rerunFingerprintRule" => lead.write(Method::POST, &format!("{rule}/rerun"), Some("\"1-0\""), json!({})).await,
        "mutation setFingerprintRule" => {
            of_rule("setFingerprintRule", "ifMatch: 1, input: {parts: [RULE_KEY, IDENTITY]}").await
        }
        "mutation rerunFingerprintRule" => of_rule("rerunFingerprintRule", "ifMatch: 2").await,
        new => panic!("{new}: the test does not know how to send it"),
    }
}
