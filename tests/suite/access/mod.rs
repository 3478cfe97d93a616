//! Identity and access: clients, grants, duties of two people, rotation.

mod clients;
mod duties;
mod grants;
mod matrix;
mod oauth;
mod rotation;

use crate::support::{Answer, Person, World, within_five_seconds};
use reqwest::Method;
use serde_json::{Value, json};

/// A client as the test keeps it.
#[derive(Clone)]
struct TestClient {
    id: String,
    secret: String,
    tag: String,
}

/// Has somebody make a client for these municipalities.
async fn made(by: &Person, tenants: Value, scopes: &str) -> TestClient {
    let scopes: Vec<&str> = scopes.split_whitespace().collect();
    let body = json!({"name": "Koppling", "purpose": "Provar", "tenants": tenants, "scopes": scopes});
    let answer = by.write(Method::POST, "/v1/clients", None, body).await.expect(201);
    credentials(&answer)
}

fn credentials(answer: &Answer) -> TestClient {
    let body = answer.json();
    TestClient {
        id: body["client"]["id"].as_str().expect("an id").to_owned(),
        secret: body["secret"].as_str().expect("a secret").to_owned(),
        tag: answer.etag(),
    }
}

/// Asks for a token with these form fields.
async fn ask(world: &World, fields: &[(&str, &str)]) -> Answer {
    let nobody = world.bearer("");
    nobody.send(nobody.request(Method::POST, "/oauth/token").form(fields)).await
}

/// Asks for a token with the client's secret in the form.
async fn ask_as(world: &World, client: &TestClient, more: &[(&str, &str)]) -> Answer {
    let own = [("grant_type", "client_credentials"), ("client_id", &client.id), ("client_secret", &client.secret)];
    ask(world, &own.iter().chain(more).copied().collect::<Vec<_>>()).await
}

/// The client with a token of its own.
async fn logged_in(world: &World, client: &TestClient) -> Person {
    let answer = ask_as(world, client, &[]).await.expect(200);
    world.bearer(answer.json()["access_token"].as_str().expect("a token"))
}

/// The scopes that somebody holds in a municipality, as `GET /v1/me` says.
async fn scopes_in(who: &Person, slug: &str) -> Vec<String> {
    let me = who.get("/v1/me").await.expect(200).json();
    let tenants = me["tenants"].as_array().expect("tenants").clone();
    let place = tenants.into_iter().find(|tenant| tenant["slug"] == slug);
    place.map_or(Vec::new(), |place| serde_json::from_value(place["scopes"].clone()).expect("scopes"))
}
