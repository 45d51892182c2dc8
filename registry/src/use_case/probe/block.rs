//! The provider as it was found, for `apply` or a PATCH.

use serde_json::{Value, json};

use crate::domain::provider::{Management, OnDelete};
use crate::use_case::probe::trial::Trial;

/// Without credentials, and without what only the API says.
pub fn block(trial: &Trial<'_>) -> Value {
    let mut provider = trial.open.provider.clone();
    if let Some(settings) = &mut provider.registration {
        settings.management = trial.found.management.unwrap_or(settings.management);
        if settings.management == Management::None || trial.found.can_delete == Some(false) {
            settings.on_delete = OnDelete::Keep;
        }
        if let Some(methods) = trial.found.auth_methods.as_ref().filter(|methods| !methods.is_empty()) {
            // In the order in which they were offered.
            settings.auth_methods.retain(|method| methods.contains(method));
            let missing = methods.iter().filter(|method| !settings.auth_methods.contains(method));
            let missing: Vec<_> = missing.copied().collect();
            settings.auth_methods.extend(missing);
        }
        if let Some(grants) = trial.found.grants.as_ref().filter(|grants| !grants.is_empty()) {
            settings.grants.clone_from(grants);
        }
    }
    let mut block = json!(provider.view());
    if let Some(members) = block.as_object_mut() {
        members.retain(|name, _| !["created_at", "updated_at"].contains(&name.as_str()));
    }
    for part in ["authorization", "introspection"] {
        if let Some(members) = block.get_mut(part).and_then(Value::as_object_mut) {
            members.remove("credential_set");
        }
    }
    block
}
