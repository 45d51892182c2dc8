//! From a configuration, a request and answers to an explanation.

use super::answers::Answers;
use super::drive::Drive;
use super::explanation::Explanation;
use super::request::Request;
use super::rules::Written;
use super::secrecy::Secrets;
use super::trace::Trace;
use serde_json::Value;
use std::rc::Rc;
use std::time::Duration;
use tessera_core::base::time::Timestamp;
use tessera_core::config;
use tessera_core::engine::settings::Settings;
use tessera_core::token::extract::extract;
use tessera_signatures::AwsLc;

/// What is to be explained.
pub struct Question<'a> {
    /// The configuration as it was written.
    pub written: &'a Value,
    pub settings: Rc<Settings>,
    pub request: &'a Request,
    /// Whether the contracts of the source are to be loaded, and how long ago they were served.
    pub contracts: Option<Duration>,
    pub at: Timestamp,
}

impl Question<'_> {
    /// # Errors
    /// Why it cannot be explained, as a sentence.
    pub fn explain(&self, answers: Answers<'_>) -> Result<Explanation, String> {
        config::choose_signers(&self.settings, &AwsLc)
            .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
        let mut drive =
            Drive::new(Rc::clone(&self.settings), answers, self.at).map_err(|unverifiable| unverifiable.to_string())?;
        if let Some(age) = self.contracts {
            drive.load_contracts(age);
        }
        let head = self.request.head();
        drive.request(&head);
        let token = extract(&self.settings.token, &head).ok().map(|found| found.token.into_owned());
        let mut trace = Trace {
            secrets: Secrets::of(&self.settings.token, token.as_deref()),
            settings: Rc::clone(&self.settings),
            written: Written(self.written),
            request: self.request,
            head,
            drive: &mut drive,
            checks: Vec::new(),
            api: None,
            place: (0, None),
            provider: None,
            client_id: None,
        };
        let decided = trace.walk();
        if !trace.agrees(decided) {
            return Err(
                "the checks do not lead to the filter's verdict, so they are not shown: please report this".to_owned()
            );
        }
        Ok(Explanation::of(&trace, decided, token.as_deref()))
    }
}
