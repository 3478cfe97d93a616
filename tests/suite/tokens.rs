//! What a token must be.

use crate::support::{Kind, World, on_both_stores};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

on_both_stores!(only_a_whole_valid_token_is_taken, both_kinds_of_keys_sign_and_verify);

async fn only_a_whole_valid_token_is_taken(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.get("/v1/me").await.expect(200);
    let [header, claims, signature] = lead.token.split('.').collect::<Vec<_>>()[..] else { panic!("a token") };
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let kid: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    let kid = kid["kid"].as_str().unwrap();
    let with_header = |header: String| format!("{}.{claims}.{signature}", encode(&header));
    let forged = [
        String::new(),
        "x".repeat(9000),
        format!("{}.{claims}.", encode(r#"{"alg":"none"}"#)),
        with_header(format!(r#"{{"alg":"none","kid":"{kid}"}}"#)),
        with_header(format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#)),
        with_header(format!(r#"{{"alg":"EdDSA","kid":"{kid}","jku":"https://evil.example/jwks"}}"#)),
        with_header(format!(r#"{{"alg":"EdDSA","kid":"{kid}","crit":["x"]}}"#)),
        with_header(r#"{"alg":"EdDSA","kid":"../../etc/passwd"}"#.into()),
        with_header(r#"{"alg":"EdDSA","kid":"' OR 1=1 --"}"#.into()),
        format!("{header}.{}.{signature}", encode("{}")),
        format!("{header}.{claims}.{}", encode(&"0".repeat(64))),
    ];
    for token in forged {
        let answer = world.bearer(&token).get("/v1/me").await.expect(401);
        assert_eq!(answer.code(), "unauthenticated", "{token}");
    }
    world.advance(chrono::TimeDelta::days(366));
    lead.get("/v1/me").await.expect(401);
    world.end().await;
}

async fn both_kinds_of_keys_sign_and_verify(kind: Kind) {
    use service::auth::SigningAlgorithm::{ES256, EdDSA};
    for (algorithm, name, key) in [(EdDSA, "EdDSA", "OKP"), (ES256, "ES256", "EC")] {
        let world = World::with(kind, |config| config.signing_algorithm = algorithm).await;
        let lead = world.lead().await;
        lead.get("/v1/me").await.expect(200);
        let header = URL_SAFE_NO_PAD.decode(lead.token.split('.').next().unwrap()).unwrap();
        let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
        let jwks = world.bearer("").get("/.well-known/jwks.json").await.expect(200).json();
        let public = &jwks["keys"][0];
        assert_eq!((&header["alg"], &header["kid"]), (&name.into(), &public["kid"]));
        assert_eq!((&public["alg"], &public["kty"], &public["use"]), (&name.into(), &key.into(), &"sig".into()));
        assert!(public.get("d").is_none(), "the private half stays where it is");
        // Who has nothing but the published key can verify the token.
        let jwk = serde_json::from_value(public.clone()).unwrap();
        let decoding = jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap();
        let mut validation = jsonwebtoken::Validation::new(name.parse().unwrap());
        validation.set_audience(&["fynd"]);
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<serde_json::Value>(&lead.token, &decoding, &validation).unwrap().claims;
        assert_eq!(claims["sub"], "lead");
        world.end().await;
    }
}
