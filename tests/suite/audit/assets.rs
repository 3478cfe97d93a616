//! Writes that are about assets and business services.

use crate::support::{Answer, Person};
use reqwest::{Method, header};
use serde_json::json;

/// Sends one of [`super::WRITES`]: about the newest asset that stands for itself, or the newest service.
pub(super) async fn send(lead: &Person, operation: &str) -> Answer {
    let of_service = operation.contains("Service");
    let list = if of_service { "services" } else { "assets" };
    let all = lead.get(&format!("/v1/{list}?limit=500")).await.expect(200).items();
    let (first, last) = (all.first().cloned().unwrap_or_default(), all.last().cloned().unwrap_or_default());
    let path = format!("/v1/{list}/{}", last["id"].as_str().unwrap_or_default());
    let tag = format!("\"{}-0\"", last["seq"]);
    let write = async |method: Method, path: &str, body| lead.write(method, path, Some(&tag), body).await;
    let graphql = async |call: String| {
        lead.write(Method::POST, "/graphql", None, json!({"query": format!("mutation {{ {call} }}")})).await
    };
    let of_last = format!("id: {}, ifMatch: {}", last["id"], last["seq"]);
    match operation {
        "postAsset" => write(Method::POST, "/v1/assets", json!({"name": "Skrivaren"})).await,
        "patchAsset" => write(Method::PATCH, &path, json!({"owner_unit": "Biblioteket"})).await,
        "reviewAsset" => write(Method::POST, &format!("{path}/review"), json!({"criticality": "low"})).await,
        "retireAsset" => write(Method::POST, &format!("{path}/retire"), json!({"reason": "Skrotad"})).await,
        "restoreAsset" => write(Method::POST, &format!("{path}/restore"), json!({})).await,
        "mergeAsset" => write(Method::POST, &format!("{path}/merge"), json!({"into": first["id"]})).await,
        "postAssetImport" => {
            let inventory = json!([{"hostname": "skrivare1"}]);
            write(Method::POST, "/v1/assets/import?format=json", inventory).await
        }
        "postService" => write(Method::POST, "/v1/services", json!({"name": "Löner"})).await,
        "patchService" => write(Method::PATCH, &path, json!({"days_to_restore": 12})).await,
        "deleteService" => lead.send(lead.request(Method::DELETE, &path).header(header::IF_MATCH, tag)).await,
        "mutation createAsset" => graphql("createAsset(input: {name: \"x\"}) { id }".into()).await,
        "mutation updateAsset" => graphql(format!("updateAsset({of_last}, input: {{name: \"y\"}}) {{ id }}")).await,
        "mutation importAssets" => {
            let hosts =
                "<nmaprun><host><status state='up'/><address addr='192.0.2.99' addrtype='ipv4'/></host></nmaprun>";
            graphql(format!("importAssets(content: \"{hosts}\", format: NMAP) {{ created }}")).await
        }
        "mutation reviewAsset" => graphql(format!("reviewAsset({of_last}) {{ id }}")).await,
        "mutation retireAsset" => graphql(format!("retireAsset({of_last}, input: {{reason: \"x\"}}) {{ id }}")).await,
        "mutation restoreAsset" => graphql(format!("restoreAsset({of_last}) {{ id }}")).await,
        "mutation mergeAsset" => graphql(format!("mergeAsset({of_last}, into: {}) {{ id }}", first["id"])).await,
        "mutation createBusinessService" => graphql("createBusinessService(input: {name: \"x\"}) { id }".into()).await,
        "mutation updateBusinessService" => {
            graphql(format!("updateBusinessService({of_last}, input: {{name: \"y\"}}) {{ id }}")).await
        }
        "mutation deleteBusinessService" => graphql(format!("deleteBusinessService({of_last}) {{ id }}")).await,
        new => panic!("{new}: the test does not know how to send it"),
    }
}
