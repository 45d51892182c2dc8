//! Signed introspection answers: opened by the keys of the server, and held while their key is fetched.

use super::effect::Cx;
use super::flights::{Arrived, Flight, Phase, Question};
use super::metrics::Introspected;
use super::reason::Reason;
use super::sources::Wanted;
use super::verify::SignedBy;
use super::worker::Worker;
use crate::base::http::{Body, HttpAnswer, HttpResult};
use crate::outcome::Outcome;
use crate::provider::failure::ProviderFailure;
use crate::provider::introspection::response::whole_body;
use crate::provider::introspection::signed::{Expected, SignedAnswer};
use crate::token::confirmation::Thumbprint;
use crate::token::digest::Digest;
use std::rc::Rc;

/// What an answer is, once it is opened.
pub(super) enum Opened {
    /// It is JSON, or an error, which is never signed.
    AsItIs,
    /// What it says, as if it had come as JSON, the JWT that it was, and the thumbprint of the key.
    Content {
        result: HttpResult,
        jwt: Box<str>,
        signed_by: Box<Thumbprint>,
    },
    Failure(ProviderFailure),
    /// It may be good, but none of the keys that are known can have signed it.
    KeyUnknown,
    HostFailure,
}

impl Worker {
    /// Opens an answer; one that is JSON by configuration is open.
    pub(super) fn open(&mut self, question: &Question, result: &HttpResult, cx: &Cx<'_>) -> Opened {
        let provider = Rc::clone(&question.provider);
        let (audience, jwt, answer) = match (&question.endpoint.introspection.signed_for, &provider.jwt, result) {
            (Some(audience), Some(jwt), HttpResult::Answered(answer)) if answer.status == 200 && !answer.is_coded() => {
                (audience, jwt, answer)
            }
            (Some(_), None, _) => return Opened::Failure(ProviderFailure::NotSigned),
            _ => return Opened::AsItIs,
        };
        let expected = Expected {
            algorithms: &jwt.algorithms,
            issuer: provider.checks.issuer.as_deref().unwrap_or_default(),
            audience,
            clock_skew: provider.checks.clock_skew,
        };
        let signed = whole_body(answer).and_then(|body| Ok((body, SignedAnswer::read(body, &expected, cx.now)?)));
        let (body, SignedAnswer { jws, content }) = match signed {
            Ok(signed) => signed,
            Err(failure) => return Opened::Failure(failure),
        };
        match self.signer(&provider, &jws, expected.issuer, cx) {
            SignedBy::Key(signed_by) => {
                let result = HttpAnswer { status: 200, headers: answer.headers.clone(), body: Body::Whole(content) };
                let jwt = String::from_utf8_lossy(body.trim_ascii()).into();
                Opened::Content { result: HttpResult::Answered(result), jwt, signed_by }
            }
            SignedBy::Nobody => Opened::Failure(ProviderFailure::BadSignature),
            SignedBy::Unknown => Opened::KeyUnknown,
            SignedBy::HostFailure => Opened::HostFailure,
        }
    }

    /// The key of an answer is not known: the answer is held while newer keys are fetched. If none are to be had, nobody
    /// can tell what it says, or it is nobody's.
    pub(super) fn hold(
        &mut self,
        digest: &Digest,
        question: Question,
        arrived: Arrived,
        has_waited: bool,
        cx: &mut Cx<'_>,
    ) {
        let provider = Rc::clone(&question.provider);
        let wanted = self.sources.get_mut(provider.slot).map(|source| source.want_keys(has_waited, cx.now));
        let (result, reason) = match wanted {
            Some(Wanted::UnderWay(document, call)) => {
                if let Some(call) = call {
                    self.fetch(provider.slot, document, call, cx);
                }
                return self.flights.insert(digest, question, Phase::Holding(Box::new(arrived)));
            }
            Some(Wanted::Lacking { is_outage: false }) => {
                (Introspected::Error, self.record_failure(&provider, ProviderFailure::BadSignature, cx))
            }
            Some(Wanted::Lacking { is_outage: true }) | None => {
                let detail = "the keys of its answer could not be fetched";
                (Introspected::Unavailable, Reason::new(Outcome::ProviderUnavailable, detail))
            }
        };
        self.metrics.introspected(&provider, result, cx.now.since(arrived.sent_at));
        self.complete(digest, question, Err(reason), arrived.leads, cx);
    }

    /// Other keys are known, or are not to be had: the answers held for them are read again.
    pub(super) fn read_held_answers(&mut self, slot: usize, cx: &mut Cx<'_>) {
        let is_held =
            |flight: &Flight| matches!(flight.phase, Phase::Holding(_)) && flight.question.provider.slot == slot;
        for digest in self.flights.select(is_held) {
            if let Some(Flight { question, phase: Phase::Holding(arrived) }) = self.flights.take(&digest) {
                self.on_answer(&digest, question, *arrived, true, cx);
            }
        }
    }
}
