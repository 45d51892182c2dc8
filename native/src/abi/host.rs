//! One configuration, as Envoy has it, and what is the process's.

use super::sys::{self, ConfigPtr, Header, ModuleBuffer, SchedulerPtr};
use std::ffi::CStr;
use std::time::Duration;
use tessera_core::port::HostFailure;

/// Envoy's object for a configuration. It is there until the hook of its end has returned, so whoever keeps it gives it
/// up in that hook.
pub struct ConfigHost(pub(super) ConfigPtr);

// SAFETY: Envoy counts metrics from whatever thread; calls are sent only from hooks on the main thread.
unsafe impl Send for ConfigHost {}

impl ConfigHost {
    /// # Safety
    /// Envoy has passed it to the hook of a new configuration, and the value is dropped in the hook of its end.
    pub unsafe fn lent(config: ConfigPtr) -> Self {
        Self(config)
    }

    /// By which other threads call for the main thread's `config_scheduled`.
    pub fn scheduler(&self) -> ConfigScheduler {
        // SAFETY: the configuration is there.
        ConfigScheduler(unsafe { sys::envoy_dynamic_module_callback_http_filter_config_scheduler_new(self.0) })
    }

    /// Sends a call from the main thread, and gives its number. `headers` begin with `:method`, `:path`, `:authority`.
    ///
    /// # Errors
    /// [`HostFailure`] when the cluster is unknown or cannot be reached at once: no answer will come.
    pub fn call(
        &self,
        cluster: &str,
        headers: &[(String, String)],
        body: &[u8],
        timeout: Duration,
    ) -> Result<u64, HostFailure> {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| Header::of(name.as_bytes(), value.as_bytes())).collect();
        let timeout = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        let mut id = 0;
        // SAFETY: the configuration is there, Envoy copies the bytes before it returns, and writes the number.
        let begun = unsafe {
            sys::envoy_dynamic_module_callback_http_filter_config_http_callout(
                self.0,
                &raw mut id,
                ModuleBuffer::of(cluster.as_bytes()),
                headers.as_ptr(),
                headers.len(),
                ModuleBuffer::of(body),
                timeout,
            )
        };
        if begun == sys::SUCCESS { Ok(id) } else { Err(HostFailure) }
    }
}

/// A configuration, for other threads.
pub struct ConfigScheduler(SchedulerPtr);

// SAFETY: Envoy lets any thread use it: what is committed is posted to the main thread, and nothing comes of it when the
// configuration is gone.
unsafe impl Send for ConfigScheduler {}
// SAFETY: as above.
unsafe impl Sync for ConfigScheduler {}

impl ConfigScheduler {
    pub fn commit(&self, event: u64) {
        // SAFETY: it is there until it is dropped.
        unsafe { sys::envoy_dynamic_module_callback_http_filter_config_scheduler_commit(self.0, event) };
    }
}

impl Drop for ConfigScheduler {
    fn drop(&mut self) {
        // SAFETY: Envoy has made it for this value, which nobody uses any more.
        unsafe { sys::envoy_dynamic_module_callback_http_filter_config_scheduler_delete(self.0) };
    }
}

/// A line of Envoy's log, from whatever thread.
pub fn log(level: log::Level, line: &str) {
    let level = match level {
        log::Level::Trace => 0,
        log::Level::Debug => 1,
        log::Level::Info => 2,
        log::Level::Warn => 3,
        log::Level::Error => 4,
    };
    let line = format!("tessera: {line}");
    // SAFETY: Envoy reads the line now.
    unsafe { sys::envoy_dynamic_module_callback_log(level, ModuleBuffer::of(line.as_bytes())) };
}

/// How many worker threads Envoy has; asked on the main thread.
pub fn concurrency() -> u32 {
    sys::envoy_dynamic_module_callback_get_concurrency()
}

/// The version of the ABI to name to this Envoy. What this module uses is the same in both; Envoy takes modules of another
/// version than its own, but warns of them.
pub fn abi_version() -> &'static CStr {
    if has_function(c"envoy_dynamic_module_callback_log_v2") { c"v0.2.0" } else { c"v0.1.0" }
}

fn has_function(name: &CStr) -> bool {
    // SAFETY: the name ends with NUL.
    !unsafe { sys::dlsym(std::ptr::null_mut(), name.as_ptr()) }.is_null()
}
