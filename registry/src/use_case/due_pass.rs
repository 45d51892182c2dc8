//! One pass through what is due at providers: whoever cannot have a turn is passed by without being locked, and hides
//! nobody who comes later.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::principal::Caller;
use crate::domain::provider::Provider;
use crate::domain::refusal::Refusal;
use crate::domain::task::TaskKind;
use crate::use_case::background::Background;
use crate::use_case::client_tasks::registering;
use crate::use_case::deliveries::{Due, due_page};
use crate::use_case::record::get;
use crate::use_case::store::Condition;
use crate::use_case::tables::CLIENTS;

/// Tasks of an organisation that are looked at once; many of them may wait for others.
const PAGE: u32 = 500;
/// So often a pass goes on to what comes later, before deliveries have their turn again.
const PAGES: u32 = 4;

/// An organisation, and a provider of it.
pub type ProviderKey = (String, String);

/// What was learnt on the way, and how far it is.
#[derive(Debug, Default)]
pub struct DuePass {
    /// Where no other registration may begin.
    full: BTreeSet<ProviderKey>,
    /// The last task of each organisation that was looked at.
    after: BTreeMap<String, String>,
    /// Organisations of which all was looked at.
    whole: BTreeSet<String>,
    pages: u32,
}

impl DuePass {
    /// Another pass. One that could not look at everything is gone on with; any other begins at the front.
    pub fn begin(&mut self) {
        if self.pages < PAGES {
            self.after.clear();
            self.whole.clear();
        }
        self.full.clear();
        self.pages = 0;
    }

    /// What is due and comes next, but for what is to be done at these providers, and registrations where no other may
    /// begin. Of these, those first that have been due for longest. Empty when the pass has ended.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn page(&mut self, background: Background<'_>, occupied: &[ProviderKey]) -> Result<Vec<Due>, Refusal> {
        let mut found = Vec::new();
        while found.is_empty() && self.pages < PAGES {
            let callers = background.callers().await?.into_iter();
            let left: Vec<Caller> = callers.filter(|caller| !self.whole.contains(&caller.organisation)).collect();
            if left.is_empty() {
                return Ok(found);
            }
            for caller in left {
                let after = self.after.get(&caller.organisation).cloned();
                let conditions = self.conditions(&caller.organisation, occupied);
                let due = due_page(background, &caller, conditions, (after, PAGE)).await?;
                if due.len() < PAGE as usize {
                    self.whole.insert(caller.organisation.clone());
                }
                if let Some(last) = due.last() {
                    self.after.insert(caller.organisation.clone(), last.id().to_owned());
                }
                found.extend(due);
            }
            self.pages = self.pages.saturating_add(1);
        }
        found.sort_by_key(Due::at);
        Ok(found)
    }

    fn conditions(&self, organisation: &str, occupied: &[ProviderKey]) -> Vec<Condition> {
        let not_at = |(_, provider): &ProviderKey| Condition::IsNot("provider", provider.clone());
        let is_here = |(of, _): &&ProviderKey| of == organisation;
        let free: Vec<Condition> = occupied.iter().filter(is_here).map(not_at).collect();
        let open: Vec<Condition> = self.full.iter().filter(is_here).map(not_at).collect();
        let mut conditions = vec![Condition::IsNot("kind", TaskKind::Webhook.word().to_owned())];
        if !free.is_empty() {
            conditions.push(Condition::Refers("client", &CLIENTS, free));
        }
        if !open.is_empty() {
            let is_other = Condition::IsNot("kind", TaskKind::Register.word().to_owned());
            conditions.push(Condition::Any(vec![is_other, Condition::Refers("client", &CLIENTS, open)]));
        }
        conditions
    }

    /// Whether it may be its turn. Who says so has only read: whoever takes it finds out.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn may_take(&mut self, background: Background<'_>, due: &Due) -> Result<bool, Refusal> {
        let Some(provider) = due.registers_at() else { return Ok(true) };
        let place = (due.caller.organisation.clone(), provider.to_owned());
        if self.full.contains(&place) {
            return Ok(false);
        }
        let mut tx = background.store.read().await?;
        let cx = &mut background.context(tx.as_mut(), &due.caller, background.clock.now());
        let kept = get::<Provider>(cx.tx, &due.caller.organisation, provider).await?;
        let Some(settings) = kept.as_ref().and_then(|kept| kept.thing.registering()) else { return Ok(true) };
        let is_full = registering(cx, provider).await? >= u64::from(settings.parallel);
        if is_full {
            self.full.insert(place);
        }
        Ok(!is_full)
    }
}
