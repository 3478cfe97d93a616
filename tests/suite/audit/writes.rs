//! Everything that changes something, and how it is sent.

use super::{assets, identity, notes, tasks};
use crate::support::{Answer, Person, fixture};
use reqwest::Method;
use serde_json::{Value, json};

/// Everything that changes something over REST and GraphQL, in an order in which each can.
/// A new operation fails the test until it is here with the action that it leaves.
pub(super) const WRITES: &[(&str, &str)] = &[
    ("postImport", "import"),
    ("patchFinding", "finding.patch"),
    ("transitionFinding", "finding.transition"),
    ("linkTicket", "task.link_ticket"),
    ("mutation importReport", "import"),
    ("mutation updateFinding", "finding.patch"),
    ("mutation transitionFinding", "finding.transition"),
    ("mutation linkTicket", "task.link_ticket"),
    ("postClient", "client.create"),
    ("patchClient", "client.patch"),
    ("postClientSecret", "client.rotate_secret"),
    ("postClientRevocation", "client.revoke_tokens"),
    ("mutation createClient", "client.create"),
    ("mutation updateClient", "client.patch"),
    ("mutation rotateClientSecret", "client.rotate_secret"),
    ("mutation revokeClientTokens", "client.revoke_tokens"),
    ("postGrant", "grant.create"),
    ("patchGrant", "grant.patch"),
    ("deleteGrant", "grant.revoke"),
    ("mutation createGrant", "grant.create"),
    ("mutation updateGrant", "grant.patch"),
    ("mutation revokeGrant", "grant.revoke"),
    ("patchSource", "source.patch"),
    ("mutation updateSource", "source.patch"),
    ("patchTenantSettings", "tenant.update"),
    ("mutation updateTenantSettings", "tenant.update"),
    ("postFindingComment", "comment.create"),
    ("patchComment", "comment.patch"),
    ("deleteComment", "comment.delete"),
    ("postTaskComment", "comment.create"),
    ("mutation commentOnTask", "comment.create"),
    ("mutation commentOnFinding", "comment.create"),
    ("mutation updateComment", "comment.patch"),
    ("mutation deleteComment", "comment.delete"),
    ("postRetest", "finding.retest"),
    ("mutation recordRetest", "finding.retest"),
    ("bulkFindings", "finding.bulk_patch"),
    ("mutation bulkFindings", "finding.bulk_patch"),
    ("postAttachment", "attachment.create"),
    ("deleteAttachment", "attachment.delete"),
    ("postAttachment", "attachment.create"),
    ("mutation deleteAttachment", "attachment.delete"),
    ("postAsset", "asset.create"),
    ("patchAsset", "asset.patch"),
    ("reviewAsset", "asset.review"),
    ("retireAsset", "asset.retire"),
    ("restoreAsset", "asset.restore"),
    ("postAssetImport", "asset.import"),
    ("postService", "business_service.create"),
    ("patchService", "business_service.patch"),
    ("mergeAsset", "asset.merge"),
    ("deleteService", "business_service.delete"),
    ("mutation createAsset", "asset.create"),
    ("mutation updateAsset", "asset.patch"),
    ("mutation importAssets", "asset.import"),
    ("mutation reviewAsset", "asset.review"),
    ("mutation retireAsset", "asset.retire"),
    ("mutation restoreAsset", "asset.restore"),
    ("mutation createBusinessService", "business_service.create"),
    ("mutation updateBusinessService", "business_service.patch"),
    ("mutation mergeAsset", "asset.merge"),
    ("mutation deleteBusinessService", "business_service.delete"),
];

/// What asks with a body and changes nothing.
pub(super) const ASKS: &[&str] = &["previewFingerprintRule", "previewTicketMapping"];

/// Sends one of [`WRITES`] that is about who may do what.
async fn administer(lead: &Person, operation: &str) -> Answer {
    let one = async |resource: &str| {
        let found = lead.get(&format!("/v1/{resource}?limit=500")).await.expect(200).items();
        // The newest: the one that a test has made, not what its people were given.
        let last = found.last().cloned().unwrap_or_default();
        let path = format!("/v1/{resource}/{}", last["id"].as_str().unwrap_or_default());
        (path, format!("\"{}-0\"", last["version"]), last["id"].clone(), last["version"].clone())
    };
    let (client, client_tag, client_id, client_version) = one("clients").await;
    let (grant, grant_tag, grant_id, grant_version) = one("grants").await;
    let new_client = json!({"name": "x", "purpose": "x", "scopes": ["findings:read"]});
    let new_grant = json!({"issuer": "https://id.example", "subject": operation, "scopes": ["findings:read"]});
    let graphql = async |call: String| {
        let body = json!({"query": format!("mutation {{ {call} }}")});
        lead.write(Method::POST, "/graphql", None, body).await
    };
    let if_match = |id: &Value, version: &Value| format!("id: {id}, ifMatch: {version}");
    let (of_client, of_grant) = (if_match(&client_id, &client_version), if_match(&grant_id, &grant_version));
    match operation {
        "postClient" => lead.write(Method::POST, "/v1/clients", None, new_client).await,
        "patchClient" => lead.write(Method::PATCH, &client, Some(&client_tag), json!({"name": "y"})).await,
        "postClientSecret" => {
            lead.write(Method::POST, &format!("{client}/secrets"), Some(&client_tag), json!({})).await
        }
        "postClientRevocation" => lead.send(lead.request(Method::POST, &format!("{client}/revoke-tokens"))).await,
        "mutation createClient" => {
            let input = "input: {name: \"x\", purpose: \"x\", scopes: [\"findings:read\"]}";
            graphql(format!("createClient({input}) {{ client {{ id }} }}")).await
        }
        "mutation updateClient" => graphql(format!("updateClient({of_client}, input: {{name: \"z\"}}) {{ id }}")).await,
        "mutation rotateClientSecret" => {
            graphql(format!("rotateClientSecret({of_client}) {{ client {{ id }} }}")).await
        }
        "mutation revokeClientTokens" => graphql(format!("revokeClientTokens(id: {client_id}) {{ id }}")).await,
        "postGrant" => lead.write(Method::POST, "/v1/grants", None, new_grant).await,
        "patchGrant" => {
            lead.write(Method::PATCH, &grant, Some(&grant_tag), json!({"valid_to": "2026-12-24T00:00:00Z"})).await
        }
        "deleteGrant" => lead.send(lead.request(Method::DELETE, &grant)).await,
        "mutation createGrant" => {
            let input = "input: {issuer: \"https://id.example\", subject: \"y\", scopes: [\"findings:read\"]}";
            graphql(format!("createGrant({input}) {{ id }}")).await
        }
        "mutation updateGrant" => {
            graphql(format!("updateGrant({of_grant}, input: {{validTo: \"2026-12-24T00:00:00Z\"}}) {{ id }}")).await
        }
        "patchSource" => {
            let source = lead.get("/v1/sources").await.expect(200).items()[0]["id"].clone();
            let path = format!("/v1/sources/{}", source.as_str().expect("an id"));
            let tag = lead.get(&path).await.expect(200).etag();
            lead.write(Method::PATCH, &path, Some(&tag), json!({"kind": "edr"})).await
        }
        "mutation updateSource" => {
            let source = lead.get("/v1/sources").await.expect(200).items()[0].clone();
            let of_source = if_match(&source["id"], &source["seq"]);
            graphql(format!("updateSource({of_source}, input: {{kind: OTHER}}) {{ id }}")).await
        }
        "patchTenantSettings" => {
            let settings = "/v1/tenants/norrvik/settings";
            let tag = lead.get(settings).await.expect(200).etag();
            lead.write(Method::PATCH, settings, Some(&tag), json!({"language": "en"})).await
        }
        "mutation updateTenantSettings" => {
            let wish = "tenant: \"norrvik\", ifMatch: 2, input: {language: SV}";
            graphql(format!("updateTenantSettings({wish}) {{ tenantId }}")).await
        }
        "mutation revokeGrant" => graphql(format!("revokeGrant(id: {grant_id}) {{ id }}")).await,
        note if ["omment", "ttachment", "etest", "bulk"].iter().any(|word| note.contains(word)) => {
            notes::send(lead, note).await
        }
        of_two if ["Finding", "Fingerprint"].iter().any(|word| of_two.contains(word)) => {
            identity::send(lead, of_two).await
        }
        of_asset if of_asset.contains("Asset") || of_asset.contains("Service") => assets::send(lead, of_asset).await,
        new => panic!("{new}: the test does not know how to send it"),
    }
}

/// Sends one of [`WRITES`].
pub(super) async fn send(lead: &Person, operation: &str) -> Answer {
    let finding = lead.get("/v1/findings").await.expect(200).items().first().map(|one| one["id"].clone());
    let task = lead.get("/v1/tasks").await.expect(200).items().first().map(|one| one["id"].clone());
    let (finding, task) = (finding.unwrap_or_default(), task.unwrap_or_default());
    let path = format!("/v1/findings/{}", finding.as_str().unwrap_or_default());
    let read = lead.get(&path).await;
    let (tag, seq) = (read.header("etag").map(str::to_owned), read.json()["seq"].clone());
    let graphql = async |field: &str, arguments: String| {
        let body = json!({"query": format!("mutation {{ {field}({arguments}) {{ id }} }}")});
        lead.write(Method::POST, "/graphql", None, body).await
    };
    let of_finding = |input: &str| format!("id: {finding}, ifMatch: {seq}, input: {{{input}}}");
    match operation {
        "postImport" => lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await,
        "patchFinding" => lead.write(Method::PATCH, &path, tag.as_deref(), json!({"assignee": "Åsa"})).await,
        "transitionFinding" => {
            let wish = json!({"to": "confirmed"});
            lead.write(Method::POST, &format!("{path}/transition"), tag.as_deref(), wish).await
        }
        "linkTicket" => {
            let link = format!("/v1/tasks/{}/tickets/jira", task.as_str().expect("a task"));
            lead.write(Method::PUT, &link, None, json!({"key": "IT-1"})).await
        }
        "mutation importReport" => graphql("importReport", "content: \"{}\", format: NUCLEI".into()).await,
        "mutation updateFinding" => graphql("updateFinding", of_finding("assignee: \"Bo\"")).await,
        "mutation transitionFinding" => graphql("transitionFinding", of_finding("to: IN_PROGRESS")).await,
        "mutation linkTicket" => {
            graphql("linkTicket", format!("taskId: {task}, system: \"topdesk\", key: \"T-1\"")).await
        }
        other if tasks::knows(other) => tasks::send(lead, other).await,
        other => administer(lead, other).await,
    }
}
