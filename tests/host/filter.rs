//! A small filter that does what a request's `x-do` header says, well or badly, so that the host can be tested.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, BufferType, ContextType, LogLevel, MapType, MetricType};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

const IDP_CALL: [(&str, &str); 3] = [(":method", "POST"), (":path", "/introspect"), (":authority", "idp")];

pub fn start() {
    proxy_wasm::set_root_context(|_| Box::<Root>::default());
}

/// Requests that wait for the root's callout, and the root's own queue.
#[derive(Default)]
struct Shared {
    waiters: Vec<u32>,
    queue: u32,
    calling: bool,
}

#[derive(Default)]
struct Root(Rc<RefCell<Shared>>);

struct Request {
    id: u32,
    shared: Rc<RefCell<Shared>>,
}

fn metric(kind: MetricType, name: &str) -> u32 {
    hostcalls::define_metric(kind, name).unwrap()
}

fn log(text: &str) {
    hostcalls::log(LogLevel::Info, text).unwrap();
}

impl RootContext for Root {
    fn on_vm_start(&mut self, _: usize) -> bool {
        hostcalls::set_tick_period(Duration::from_secs(1)).unwrap();
        true
    }

    fn on_configure(&mut self, size: usize) -> bool {
        let configuration = hostcalls::get_buffer(BufferType::PluginConfiguration, 0, size).unwrap();
        let name = String::from_utf8(configuration.unwrap_or_default()).unwrap();
        self.0.borrow_mut().queue = hostcalls::register_shared_queue(&name).unwrap();
        log(&format!("configured as {name}"));
        name != "bad"
    }

    fn on_tick(&mut self) {
        hostcalls::increment_metric(metric(MetricType::Counter, "ticks"), 1).unwrap();
    }

    fn on_queue_ready(&mut self, queue: u32) {
        while let Some(item) = hostcalls::dequeue_shared_queue(queue).unwrap() {
            log(&format!("dequeued {}", String::from_utf8_lossy(&item)));
        }
        let mut shared = self.0.borrow_mut();
        if !shared.waiters.is_empty() && !shared.calling {
            shared.calling = true;
            hostcalls::dispatch_http_call("idp", IDP_CALL.to_vec(), Some(b"token=t"), vec![], Duration::from_secs(2))
                .unwrap();
        }
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Request { id, shared: Rc::clone(&self.0) }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

impl Context for Root {
    fn on_http_call_response(&mut self, _: u32, headers: usize, size: usize, _: usize) {
        let body = hostcalls::get_buffer(BufferType::HttpCallResponseBody, 0, size).unwrap().unwrap_or_default();
        let mut shared = self.0.borrow_mut();
        shared.calling = false;
        for waiter in std::mem::take(&mut shared.waiters) {
            if hostcalls::set_effective_context(waiter).is_err() {
                log(&format!("{waiter} is gone"));
            } else if headers == 0 {
                hostcalls::send_http_response(503, vec![], Some(b"broken")).unwrap();
            } else {
                hostcalls::set_map_value_bytes(MapType::HttpRequestHeaders, "x-answer", Some(&body)).unwrap();
                hostcalls::resume_http_request().unwrap();
            }
        }
    }
}

impl Context for Request {
    fn on_http_call_response(&mut self, _: u32, _: usize, _: usize, _: usize) {
        let status = hostcalls::get_map_value(MapType::HttpCallResponseHeaders, ":status").unwrap();
        hostcalls::send_http_response(200, vec![("x-status", &status.unwrap())], None).unwrap();
    }
}

impl HttpContext for Request {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let what = hostcalls::get_map_value(MapType::HttpRequestHeaders, "x-do").unwrap().unwrap_or_default();
        match what.as_str() {
            "pause" => return Action::Pause,
            "reply" => hostcalls::send_http_response(403, vec![("X-Why", "no")], Some(b"{}")).unwrap(),
            "reply-twice" => {
                hostcalls::send_http_response(403, vec![], None).unwrap();
                hostcalls::send_http_response(401, vec![], None).unwrap();
            }
            "reply-to" => {
                let whom = hostcalls::get_map_value(MapType::HttpRequestHeaders, "x-whom").unwrap().unwrap();
                hostcalls::set_effective_context(whom.parse().unwrap()).unwrap();
                hostcalls::send_http_response(418, vec![], None).unwrap();
            }
            "resume" => hostcalls::resume_http_request().unwrap(),
            "edit-after-resume" => {
                hostcalls::resume_http_request().unwrap();
                hostcalls::set_map_value(MapType::HttpRequestHeaders, "x", Some("y")).unwrap();
            }
            "wait" => {
                let mut shared = self.shared.borrow_mut();
                shared.waiters.push(self.id);
                hostcalls::enqueue_shared_queue(shared.queue, Some(b"w")).unwrap();
                return Action::Pause;
            }
            "call" => {
                hostcalls::dispatch_http_call("idp", IDP_CALL.to_vec(), None, vec![], Duration::from_secs(1)).unwrap();
                return Action::Pause;
            }
            "bad-calls" => {
                let call = |cluster, headers: &[(&'static str, &'static str)]| {
                    hostcalls::dispatch_http_call(cluster, headers.to_vec(), None, vec![], Duration::ZERO)
                };
                log(&format!("{:?} {:?}", call("nowhere", &IDP_CALL), call("idp", &IDP_CALL[..2])));
            }
            "edit" => {
                let map = MapType::HttpRequestHeaders;
                hostcalls::set_map_value(map, "x-many", Some("one")).unwrap();
                hostcalls::add_map_value(map, "x-many", "two").unwrap();
                hostcalls::set_map_value(map, "x-gone", None).unwrap();
                hostcalls::set_property(vec!["tessera.outcome"], Some(b"allowed")).unwrap();
            }
            "read" => {
                let all = hostcalls::get_property(vec!["request", "headers", "x-many"]).unwrap();
                let first = hostcalls::get_map_value_bytes(MapType::HttpRequestHeaders, "X-Many").unwrap();
                let whole = hostcalls::get_map_bytes(MapType::HttpRequestHeaders).unwrap().len();
                log(&format!("{:?} {:?} {whole}", text(all), text(first)));
            }
            "illegal" => hostcalls::set_map_value(MapType::HttpRequestHeaders, "x", Some("a\r\nb: c")).unwrap(),
            "shared" => {
                let (_, cas) = hostcalls::get_shared_data("k").unwrap();
                let set = |cas| hostcalls::set_shared_data("k", Some(b"v"), cas);
                log(&format!("{cas:?} {:?} {:?} {:?}", set(Some(77)), set(Some(77)), set(None)));
            }
            "wake-other" => {
                let other = hostcalls::resolve_shared_queue("", "b").unwrap().unwrap();
                hostcalls::enqueue_shared_queue(other, Some(b"hello")).unwrap();
            }
            "foreign" => {
                let reverse = |name| hostcalls::call_foreign_function(name, Some(b"abc")).map(text);
                log(&format!("{:?} {:?}", reverse("reverse"), reverse("unheard_of")));
            }
            "call-foreign" => {
                let name = hostcalls::get_map_value(MapType::HttpRequestHeaders, "x-name").unwrap().unwrap();
                let arguments = hostcalls::get_map_value(MapType::HttpRequestHeaders, "x-arguments").unwrap().unwrap();
                let arguments = STANDARD.decode(arguments).unwrap();
                let answer = hostcalls::call_foreign_function(&name, Some(&arguments));
                log(&format!("{:?}", answer.map(|bytes| STANDARD.encode(bytes.unwrap_or_default()))));
            }
            "gauge" => {
                let gauge = metric(MetricType::Gauge, "level");
                hostcalls::record_metric(gauge, 7).unwrap();
                hostcalls::increment_metric(gauge, -2).unwrap();
                hostcalls::record_metric(metric(MetricType::Histogram, "took"), 12).unwrap();
                let counter = hostcalls::increment_metric(metric(MetricType::Counter, "ticks"), -1);
                log(&format!("{:?} {:?}", hostcalls::get_metric(gauge), counter));
            }
            "two-kinds" => {
                metric(MetricType::Gauge, "ticks");
            }
            "resume-response" => {
                let _ = hostcalls::resume_http_response();
            }
            _ => {}
        }
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        let status = hostcalls::get_map_value(MapType::HttpResponseHeaders, ":status").unwrap();
        log(&format!("response {}", status.unwrap()));
        Action::Continue
    }
}

fn text(bytes: Option<Vec<u8>>) -> Option<String> {
    bytes.map(|bytes| String::from_utf8(bytes).unwrap())
}
