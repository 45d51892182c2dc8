//! The compact serialization of a JWS (RFC 7515 §7.1): what it says, before anything is verified.

use super::algorithm::Algorithm;
use super::base64url;
use super::jwk::UncheckedKey;
use super::key_error::KeyError;
use crate::base::json::{Json, Object, ObjectError};
use std::fmt;

/// A JWS as it was read. Nothing in it is to be trusted before [`super::verify::Verifier::verify`] has said so.
pub struct Jws<'t> {
    pub header: Header,
    pub payload: Vec<u8>,
    pub(super) signing_input: &'t [u8],
    pub(super) signature: Vec<u8>,
}

/// The protected header, as far as it counts (RFC 7515 §4.1). Keys that it brings along are not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub algorithm: Algorithm,
    pub typ: Option<Box<str>>,
    pub key_id: Option<Box<str>>,
}

/// Why a text is not a JWS that is read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwsError {
    /// A JWE has five segments.
    NotThreeSegments,
    NotBase64Url,
    Header(ObjectError),
    NoAlgorithm,
    /// It is unknown, or not on the list.
    AlgorithmNotAccepted,
    /// Whatever it lists, nothing of it is understood.
    Critical,
    Type,
    KeyId,
    NoKey,
    Key(KeyError),
}

impl<'t> Jws<'t> {
    /// Reads a JWS signed with one of the `accepted` algorithms.
    ///
    /// # Errors
    /// [`JwsError`] when it is something else.
    pub fn read(token: &'t str, accepted: &[Algorithm]) -> Result<Self, JwsError> {
        let encoded = Segments::split(token)?;
        let header = base64url::decode(encoded.header).ok_or(JwsError::NotBase64Url)?;
        encoded.decode(Header::read(&read_object(&header)?, accepted)?)
    }

    /// Reads a JWS that brings its public key in the header's `jwk`, as a DPoP proof does (RFC 9449 §4.2).
    ///
    /// # Errors
    /// [`JwsError`] when it is something else.
    pub fn read_with_jwk(token: &'t str, accepted: &[Algorithm]) -> Result<(Self, UncheckedKey), JwsError> {
        let encoded = Segments::split(token)?;
        let header = base64url::decode(encoded.header).ok_or(JwsError::NotBase64Url)?;
        let object = read_object(&header)?;
        let jws = encoded.decode(Header::read(&object, accepted)?)?;
        let Some(Json::Object(jwk)) = object.get("jwk") else { return Err(JwsError::NoKey) };
        Ok((jws, UncheckedKey::read(jwk).map_err(JwsError::Key)?))
    }
}

impl Header {
    fn read(object: &Object<'_>, accepted: &[Algorithm]) -> Result<Self, JwsError> {
        if object.get("crit").is_some() {
            return Err(JwsError::Critical);
        }
        let name = object.get("alg").and_then(Json::as_text).ok_or(JwsError::NoAlgorithm)?;
        let algorithm = Algorithm::named(name).filter(|algorithm| accepted.contains(algorithm));
        Ok(Self {
            algorithm: algorithm.ok_or(JwsError::AlgorithmNotAccepted)?,
            typ: text(object, "typ", JwsError::Type)?,
            key_id: text(object, "kid", JwsError::KeyId)?,
        })
    }
}

/// The three parts of the text, encoded.
struct Segments<'t> {
    header: &'t str,
    payload: &'t str,
    signature: &'t str,
    signing_input: &'t str,
}

impl<'t> Segments<'t> {
    fn split(token: &'t str) -> Result<Self, JwsError> {
        let (signing_input, signature) = token.rsplit_once('.').ok_or(JwsError::NotThreeSegments)?;
        let (header, payload) = signing_input.split_once('.').ok_or(JwsError::NotThreeSegments)?;
        if payload.contains('.') {
            return Err(JwsError::NotThreeSegments);
        }
        Ok(Self { header, payload, signature, signing_input })
    }

    fn decode(self, header: Header) -> Result<Jws<'t>, JwsError> {
        let decode = |text| base64url::decode(text).ok_or(JwsError::NotBase64Url);
        let (payload, signature) = (decode(self.payload)?, decode(self.signature)?);
        Ok(Jws { header, payload, signing_input: self.signing_input.as_bytes(), signature })
    }
}

fn read_object(header: &[u8]) -> Result<Object<'_>, JwsError> {
    Object::read(header, &|_| true).map_err(JwsError::Header)
}

fn text(object: &Object<'_>, name: &str, error: JwsError) -> Result<Option<Box<str>>, JwsError> {
    object.get(name).map(|value| value.as_text().map(Into::into).ok_or(error)).transpose()
}

impl fmt::Debug for Jws<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jws").field("algorithm", &self.header.algorithm).finish_non_exhaustive()
    }
}

impl fmt::Display for JwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotThreeSegments => "it does not have three segments",
            Self::NotBase64Url => "a segment is not base64url",
            Self::Header(error) => return write!(f, "header: {error}"),
            Self::NoAlgorithm => "header: \"alg\" is not a string",
            Self::AlgorithmNotAccepted => "its algorithm is not accepted",
            Self::Critical => "header: \"crit\" is not supported",
            Self::Type => "header: \"typ\" is not a string",
            Self::KeyId => "header: \"kid\" is not a string",
            Self::NoKey => "header: \"jwk\" is not an object",
            Self::Key(error) => return write!(f, "header: jwk: {error}"),
        })
    }
}

#[cfg(test)]
mod tests;
