//! One pass through what is due at providers: whoever cannot have a turn is passed by without being locked.

use std::collections::BTreeSet;

use crate::domain::provider::Provider;
use crate::domain::refusal::Refusal;
use crate::use_case::background::Background;
use crate::use_case::client_tasks::registering;
use crate::use_case::deliveries::Due;
use crate::use_case::record::get;

/// What was learnt on the way.
#[derive(Debug, Default)]
pub struct DuePass {
    /// Organisation and provider where no other registration may begin.
    full: BTreeSet<(String, String)>,
}

impl DuePass {
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
