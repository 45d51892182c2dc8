//! What the command line gives: the request and its token, answers, contracts, the time.

use super::answers::{Answers, TokenAnswer, read_answer};
use super::arguments::Arguments;
use super::live::ask;
use super::request::Request;
use crate::file_bytes;
use crate::http_client::Trust;
use std::ffi::OsStr;
use std::time::Duration;
use tessera_core::base::date;
use tessera_core::base::time::Timestamp;
use tessera_core::config::parse_duration;
use tessera_core::engine::settings::Settings;
use tessera_core::outcome::Outcome;

/// Most bytes of a file.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// What `--expect` says.
pub enum Expected {
    Outcome(Outcome),
    Status(u16),
}

impl Arguments {
    /// The files with configurations, and the URL.
    ///
    /// # Errors
    /// A sentence about what is missing.
    pub(super) fn split(&self) -> Result<(Vec<String>, Option<&OsStr>), String> {
        let (url, files) = match (&self.request, self.inputs.split_last()) {
            (None, Some((url, files))) => (Some(url.as_os_str()), files),
            _ => (None, &*self.inputs),
        };
        if files.is_empty() {
            return Err("give at least one file, and behind the files the URL of the request, or --request".to_owned());
        }
        let name = |file: &std::ffi::OsString| file.to_string_lossy().into_owned();
        Ok((files.iter().map(name).collect(), url))
    }

    /// The request, before a token of its own is put into it.
    ///
    /// # Errors
    /// A sentence about what is wrong.
    pub(super) fn request(&self, url: Option<&OsStr>) -> Result<Request, String> {
        if let Some(file) = &self.request {
            return Request::from_head(&read("--request", file)?).map_err(|error| format!("--request: {error}"));
        }
        let method = self.method.as_deref().map_or(&b"GET"[..], OsStr::as_encoded_bytes);
        let lines: Vec<&[u8]> = self.header.iter().map(|line| line.as_encoded_bytes()).collect();
        Request::from_url(method, url.unwrap_or_default().as_encoded_bytes(), &lines)
    }

    /// Puts the token where the configuration looks first.
    ///
    /// # Errors
    /// A sentence about what is wrong.
    pub(super) fn add_token(&self, request: &mut Request, settings: &Settings) -> Result<(), String> {
        let token = match (&self.token_file, &self.token_env) {
            (Some(file), _) => read("--token-file", file)?,
            (None, Some(name)) => {
                let found = std::env::var_os(name).filter(|value| !value.is_empty());
                let found = found.ok_or("--token-env: there is no such variable, or it is empty")?;
                found.as_encoded_bytes().to_vec()
            }
            (None, None) => return Ok(()),
        };
        let end = token.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
        let token = token.get(..end).unwrap_or_default();
        if token.is_empty() || token.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return Err("the token is empty, or holds a line break or NUL".to_owned());
        }
        if let Some(source) = settings.token.sources.first() {
            request.put_token(source, token);
        }
        Ok(())
    }

    /// # Errors
    /// A sentence about what cannot be read.
    pub(super) fn answers(&self) -> Result<Answers<'static>, String> {
        let token = match (&self.facts, &self.answer) {
            (Some(file), _) => Some(TokenAnswer::Facts(read("--facts", file)?)),
            (None, Some(file)) => {
                let answer = read_answer(&read("--answer", file)?).map_err(|error| format!("--answer: {error}"))?;
                Some(TokenAnswer::Whole(answer))
            }
            (None, None) => self.unavailable.then_some(TokenAnswer::Unavailable),
        };
        let mut answers = Answers { token, ..Answers::default() };
        answers.keys = self.keys.as_deref().map(|file| read("--keys", file)).transpose()?;
        answers.contracts = self.contracts.as_deref().map(|file| read("--contracts", file)).transpose()?;
        if self.live {
            let trust = Trust::from_option(self.ca.as_deref())?;
            answers.live = Some(Box::new(move |call| ask(call, &trust)));
        }
        Ok(answers)
    }

    /// How old the contracts are that are to be loaded, if some are.
    ///
    /// # Errors
    /// A sentence about what is wrong.
    pub(super) fn contracts_age(&self, settings: &Settings) -> Result<Option<Duration>, String> {
        if self.contracts.is_some() && settings.contracts.source.is_none() {
            return Err("--contracts: the configuration has no contracts.source".to_owned());
        }
        if self.contracts.is_none() {
            return Ok((self.live && settings.contracts.source.is_some()).then_some(Duration::ZERO));
        }
        let age = self.contracts_age.as_deref().map_or(Some(Duration::ZERO), parse_duration);
        age.map(Some).ok_or_else(|| "--contracts-age: write a duration such as \"30s\" or \"2h\"".to_owned())
    }

    /// # Errors
    /// A sentence about what is wrong.
    pub(super) fn time(&self) -> Result<Timestamp, String> {
        let Some(text) = &self.at else { return Ok(super::host::now()) };
        date::parse(text).ok_or_else(|| "--at: write a time such as \"2026-01-31T12:00:00Z\"".to_owned())
    }

    /// # Errors
    /// A sentence about what is wrong.
    pub(super) fn expected(&self) -> Result<Option<Expected>, String> {
        let Some(word) = &self.expect else { return Ok(None) };
        let outcome = Outcome::ALL.into_iter().find(|outcome| outcome.name() == word).map(Expected::Outcome);
        let status = || word.parse().ok().filter(|status| (200..600).contains(status)).map(Expected::Status);
        match outcome.or_else(status) {
            Some(expected) => Ok(Some(expected)),
            None => Err("--expect: there is no such outcome, and it is no status".to_owned()),
        }
    }
}

/// The bytes of a file that an option names, or of standard input.
fn read(option: &str, name: &str) -> Result<Vec<u8>, String> {
    file_bytes::read(option, name, MAX_FILE)
}
