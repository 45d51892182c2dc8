//! The least an HTTP filter on the SDK's contexts can cost: a filter that does nothing or, by its configuration, makes
//! the hostcalls that no filter of our kind can do without.
//!
//! The configuration is one of `""`, `"read"`, `"clock"`, `"set"`; each does what those before it do and one more.

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel, MapType};

/// How far a request goes.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    #[default]
    Nothing,
    ReadOneHeader,
    AskTheClock,
    SetTwoHeaders,
}

#[derive(Default)]
struct Root {
    reach: Reach,
}

struct Stream {
    reach: Reach,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        let text = hostcalls::get_buffer(proxy_wasm::types::BufferType::PluginConfiguration, 0, size);
        self.reach = match text.ok().flatten().unwrap_or_default().as_slice() {
            b"" => Reach::Nothing,
            b"read" => Reach::ReadOneHeader,
            b"clock" => Reach::AskTheClock,
            b"set" => Reach::SetTwoHeaders,
            _ => return false,
        };
        true
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream { reach: self.reach }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        if self.reach == Reach::Nothing {
            return Action::Continue;
        }
        let headers = MapType::HttpRequestHeaders;
        let token = hostcalls::get_map_value_bytes(headers, "authorization");
        if !matches!(token, Ok(Some(_))) {
            return Action::Pause;
        }
        if self.reach >= Reach::AskTheClock && hostcalls::get_current_time().is_err() {
            return Action::Pause;
        }
        if self.reach >= Reach::SetTwoHeaders {
            for (name, value) in [("x-client-id", "portal"), ("x-sla-tier", "gold")] {
                if hostcalls::add_map_value(headers, name, value).is_err() {
                    return Action::Pause;
                }
            }
        }
        Action::Continue
    }
}

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Warn);
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}}
