//! Where rules are in the configuration.

use serde_json::Value;

/// The configuration as it was written.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a>(pub &'a Value);

impl Written<'_> {
    /// The path of a member that holds for an operation: its own, else that of its API; `None` where neither has it.
    pub fn rule(self, api: usize, operation: Option<usize>, member: &str) -> Option<String> {
        let own = operation.map(|operation| format!("apis[{api}].operations[{operation}]"));
        own.into_iter().chain([format!("apis[{api}]")]).find_map(|holder| self.member(&holder, member))
    }

    /// The path of a member of a provider.
    pub fn provider(self, slot: usize, member: &str) -> Option<String> {
        self.member(&format!("providers[{slot}]"), member)
    }

    /// The path of a member, where it is.
    pub fn member(self, holder: &str, member: &str) -> Option<String> {
        let path = if holder.is_empty() { member.to_owned() } else { format!("{holder}.{member}") };
        let pointer = format!("/{}", path.replace(['.', '['], "/").replace(']', ""));
        self.0.pointer(&pointer).map(|_| path)
    }
}
