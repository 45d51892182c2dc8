//! The root context of the SDK: passes what arrives through the SDK on to the plugin.

use crate::callbacks;
use crate::plugin::Plugin;
use proxy_wasm::traits::{Context, RootContext};
use std::rc::Rc;

/// The root context of a plugin.
pub struct Root(Rc<Plugin>);

impl Root {
    /// A root context of that number, whose requests find its plugin from now on.
    pub fn new(id: u32) -> Self {
        let plugin = Rc::new(Plugin::new(id));
        callbacks::register(Rc::clone(&plugin));
        Self(plugin)
    }
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, bytes: usize) -> bool {
        self.0.configure(bytes)
    }

    fn on_tick(&mut self) {
        self.0.on_tick();
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        callbacks::remove(self.0.root);
    }
}
