//! Documents of an authorization server, and texts of tokens, read by the functions that read them: JWK Sets, metadata,
//! compact JWS, issuers of tokens that nobody has verified.

use super::super::Target;
use super::super::signer::{jwk, sign};
use super::super::source::documented;
use serde_json::{Value, json};
use tessera_core::jose::algorithm::Algorithm;
use tessera_core::jose::compact::Jws;
use tessera_core::jose::jwk_set::KeySet;
use tessera_core::provider::metadata::Metadata;
use tessera_core::token::issuer::unverified_issuer;

pub const TARGET: Target = Target {
    name: "documents",
    seeds,
    words: &[
        "\"kty\":\"RSA\"",
        "\"kty\":\"EC\"",
        "\"crv\":\"P-256\"",
        "\"crv\":\"P-521\"",
        "\"n\":\"",
        "\"e\":\"AQAB\"",
        "\"x\":\"",
        "\"y\":\"",
        "\"use\":\"enc\"",
        "\"key_ops\":[\"verify\"]",
        "\"alg\":\"RS256\"",
        "\"keys\":[",
        "\"kid\":\"a\"",
        "\"issuer\":\"https://idp\"",
        "{",
        "}",
        ",",
        "\"jwks_uri\":\"https://idp/k\"",
        "\"introspection_endpoint\":\"",
        "https://user@idp/",
        "eyJ",
        ".",
        "AAAA",
        "-_",
        "=",
        "\\u0061",
        "null",
    ],
    run,
    rounds: 15_000,
    reaches: &["keys", "metadata", "jws", "nothing"],
};

fn seeds() -> Vec<Vec<u8>> {
    let rsa = "sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri23bOdgWp4Dy1WlUzewbgBHod5pcM9H95GQRV3JDXboIRROSBigeC5yjU1hGzHHyXss8UDprecbAYxknTcQkhslANGRUZmdTOQ5qTRsLAt6BTYuyvVRdhS8exSZEy_c4gs_7svlJJQ4H9_NxsiIoLwAEk7-Q3UXERGYw_75IDrGA84-lA_-Ct4eTlXHBIY2EaV7t7LjJaynVJCpkv4LKjTTAumiGUIuQhrNhZLuF_RJLqHpM2kgWFLU7-VTdL1VbC2tejvcI2BlMkEpk1BzBZI0KQB0GaDWFLN-aEAw3vRw";
    let ec = json!({"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
    let keys = json!({"keys": [jwk(), ec, {"kty": "RSA", "n": rsa, "e": "AQAB", "kid": "r", "use": "sig", "alg": "RS256"}, {"kty": "oct", "k": "AAAA"}]});
    let metadata =
        json!({"issuer": "https://idp", "introspection_endpoint": "https://idp/i", "jwks_uri": "https://idp/k"});
    let token = sign(br#"{"alg":"EdDSA","kid":"r","typ":"at+jwt"}"#, br#"{"iss":"https://idp","exp":1767229200}"#);
    let header = json!({"alg": "EdDSA", "typ": "dpop+jwt", "jwk": jwk()}).to_string();
    let mut seeds = vec![keys.to_string(), metadata.to_string(), token, sign(header.as_bytes(), b"{}")];
    seeds.extend(documented("metadata").into_iter().map(|block| block.text));
    seeds.into_iter().map(String::into_bytes).collect()
}

fn run(input: &[u8]) -> String {
    let json: Option<Value> = serde_json::from_slice(input).ok();
    let mut seen = "nothing";
    if let Ok(set) = KeySet::read(input) {
        let listed = json.as_ref().and_then(|set| set["keys"].as_array()).expect("a list of keys");
        assert_eq!(set.len() + set.skipped(), listed.len());
        assert!(set.is_within(&set) && set.thumbprints().len() == set.len());
        let secret = listed.iter().filter(|key| key["kty"] == "oct").count();
        assert!(set.skipped() >= secret, "a secret as a public key");
        seen = if set.is_empty() { seen } else { "keys" };
    }
    if let Ok(metadata) = Metadata::read(input, "https://idp") {
        let said = json.as_ref().expect("JSON");
        assert_eq!(said["issuer"], "https://idp");
        for (url, name) in
            [(metadata.introspection_endpoint, "introspection_endpoint"), (metadata.jwks_uri, "jwks_uri")]
        {
            let Some(url) = url else { continue };
            let text = said[name].as_str().expect("a text").to_ascii_lowercase();
            assert!(
                text.starts_with(&format!("{}://", url.scheme())) && text.contains(&url.host().to_ascii_lowercase())
            );
            assert!(!url.authority().contains('@') && url.path().starts_with('/'), "{url:?}");
        }
        seen = "metadata";
    }
    let text = String::from_utf8_lossy(input);
    let accepted = [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256];
    for read in [
        Jws::read(&text, &accepted).ok(),
        Jws::read_with_jwk(&text, &accepted).ok().map(|(jws, key)| {
            assert_eq!(key.thumbprint().len(), 32);
            let _ = key.check();
            jws
        }),
    ] {
        let Some(jws) = read else { continue };
        assert_eq!(text.split('.').count(), 3, "{text}");
        assert!(accepted.contains(&jws.header.algorithm));
        seen = "jws";
    }
    if unverified_issuer(&text).is_some() {
        assert_eq!(text.split('.').count(), 3, "{text}");
    }
    seen.into()
}
