//! Introspection as the source of facts: its calls, and what their results mean.

use super::calls::Purpose;
use super::effect::{Cx, Effect};
use super::flights::{Arrived, Flight, Phase, Question};
use super::metrics::Introspected;
use super::reason::Reason;
use super::signed_answers::Opened;
use super::worker::Worker;
use crate::base::http::HttpResult;
use crate::base::time::Timestamp;
use crate::cache::{CacheControl, Lifetime, Remembered};
use crate::outcome::Outcome;
use crate::port::HostFailure;
use crate::provider::Provider;
use crate::provider::failure::ProviderFailure;
use crate::provider::introspection::response;
use crate::token::confirmation::Thumbprint;
use crate::token::digest::Digest;
use crate::token::facts::{Facts, TokenState};
use std::rc::Rc;
use std::time::Duration;

impl Worker {
    /// Introspects after `earlier` calls; `leads` says whether other workers may be waiting.
    pub(super) fn introspect(
        &mut self,
        digest: &Digest,
        question: Question,
        earlier: u32,
        leads: bool,
        cx: &mut Cx<'_>,
    ) {
        let endpoint = &question.endpoint;
        let timeout = endpoint.introspection.timeout.min(question.time_left(cx.now)).max(Duration::from_millis(1));
        let assertion = endpoint.assertion(cx.signatures, cx.random, cx.now);
        let request = assertion.map(|assertion| endpoint.call(&question.token, timeout, assertion.as_deref()));
        let call = self.calls.open(Purpose::Introspect(*digest));
        self.flights.insert(digest, question, Phase::Asking { call, earlier, sent_at: cx.now, leads });
        self.metrics.in_flight(self.calls.introspections());
        match request {
            Ok(request) => cx.effects.push(Effect::Call(call, request)),
            Err(HostFailure) => self.give_up(digest, leads, cx),
        }
    }

    /// The host did its part in no request: a question just put ends unasked.
    fn give_up(&mut self, digest: &Digest, leads: bool, cx: &mut Cx<'_>) {
        let Some(question) = self.take(digest) else { return };
        self.pauses.silent(&question.provider, cx.now);
        if self.pauses.may_log(&question.provider, cx.now) {
            let name = &question.provider.name;
            let line =
                format!("provider {name:?}: the host did not sign the assertion of the client, or had no randomness");
            cx.effects.push(Effect::Log(log::Level::Error, line));
        }
        self.complete(digest, question, Err(Outcome::InternalError.into()), leads, cx);
    }

    pub(super) fn on_introspected(&mut self, digest: &Digest, result: HttpResult, cx: &mut Cx<'_>) {
        let Some(Flight { question, phase: Phase::Asking { earlier, sent_at, leads, .. } }) = self.flights.take(digest)
        else {
            return;
        };
        self.metrics.in_flight(self.calls.introspections());
        self.on_answer(digest, question, Arrived { result, earlier, sent_at, leads }, false, cx);
    }

    /// Reads the answer to a question. `has_waited`: it was held until newer keys were looked for.
    pub(super) fn on_answer(
        &mut self,
        digest: &Digest,
        question: Question,
        arrived: Arrived,
        has_waited: bool,
        cx: &mut Cx<'_>,
    ) {
        let leads = arrived.leads;
        let (opened, signed) = match self.open(&question, &arrived.result, cx) {
            Opened::AsItIs => (None, None),
            Opened::Content { result, jwt, signed_by } => (Some(result), Some((jwt, signed_by))),
            Opened::Failure(failure) => {
                self.metrics.introspected(&question.provider, Introspected::Error, cx.now.since(arrived.sent_at));
                let reason = self.record_failure(&question.provider, failure, cx);
                return self.complete(digest, question, Err(reason), leads, cx);
            }
            Opened::HostFailure => {
                return self.complete(digest, question, Err(Outcome::InternalError.into()), leads, cx);
            }
            Opened::KeyUnknown => return self.hold(digest, question, arrived, has_waited, cx),
        };
        let Arrived { result, earlier, sent_at, .. } = arrived;
        let result = opened.unwrap_or(result);
        let provider = Rc::clone(&question.provider);
        let introspection = Rc::clone(&question.endpoint.introspection);
        let read = response::read(&result, &provider.claims, introspection.sends_own_token(), cx.now);
        self.metrics.introspected(&provider, introspected(&read), cx.now.since(sent_at));
        let learned = match read {
            Err(failure)
                if failure.is_worth_a_retry()
                    && earlier < introspection.retries
                    && cx.now < question.deadline
                    && self.pauses.held(&provider, cx.now).is_none() =>
            {
                return self.introspect(digest, question, earlier + 1, leads, cx);
            }
            Err(failure) => Err(self.record_failure(&provider, failure, cx)),
            Ok(state) => Ok(self.remembered(keeping(state, signed, &provider), &result, cx.now.min(sent_at))),
        };
        self.complete(digest, question, learned, leads, cx);
    }

    /// The answer with its lifetime; an answer not to be stored has none.
    fn remembered(&mut self, state: TokenState, result: &HttpResult, asked_at: Timestamp) -> Remembered {
        let cache_control = match result {
            HttpResult::Answered(answer) => CacheControl::of(answer),
            HttpResult::Failed(_) => CacheControl::default(),
        };
        let seed = self.next_seed();
        let lifetime = self.settings.cache.lifetime(&state, cache_control, asked_at, seed);
        Remembered { state, lifetime: lifetime.unwrap_or(Lifetime::none(asked_at)) }
    }

    pub(super) fn record_failure(&mut self, provider: &Provider, failure: ProviderFailure, cx: &mut Cx<'_>) -> Reason {
        let outcome = failure.outcome();
        if matches!(failure, ProviderFailure::Unreachable(_)) {
            self.pauses.silent(provider, cx.now);
        }
        if let Some(wait) = failure.retry_after() {
            self.pauses.hold(provider, wait, cx.now);
        }
        if self.pauses.may_log(provider, cx.now) {
            let stale = match (outcome, self.settings.cache.stale_if_error.is_zero()) {
                (Outcome::ProviderUnavailable, false) => "; tokens known from before pass until stale_if_error ends",
                _ => "",
            };
            let line = format!("provider {:?}: introspection failed: {failure}{stale}", provider.name);
            cx.effects.push(Effect::Log(log::Level::Warn, line));
        }
        Reason::new(outcome, failure.to_string())
    }
}

/// The state with whose signature vouches for it, and the signed answer itself where an upstream is to see that.
fn keeping(state: TokenState, signed: Option<(Box<str>, Box<Thumbprint>)>, provider: &Provider) -> TokenState {
    match (state, signed) {
        (TokenState::Active(facts), Some((jwt, signed_by))) => {
            let introspection_jwt = provider.claims.keeps_answer.then_some(jwt);
            let facts = Facts { introspection_jwt, signed_by: Some(signed_by), ..Facts::clone(&facts) };
            TokenState::Active(Rc::new(facts))
        }
        (state, _) => state,
    }
}

fn introspected(read: &Result<TokenState, ProviderFailure>) -> Introspected {
    match read {
        Ok(TokenState::Active(_)) => Introspected::Active,
        Ok(TokenState::Inactive) => Introspected::Inactive,
        Err(failure) if failure.outcome() == Outcome::ProviderUnavailable => Introspected::Unavailable,
        Err(_) => Introspected::Error,
    }
}
