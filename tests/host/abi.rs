//! The ABI's imports, defined for the SDK to link against. Each counts itself, gives way to an injected status, and
//! then works on the VM that runs on this thread.

use super::headers::Headers;
use super::process::Metric;
use super::property::property;
use super::record::{Callout, Reply};
use super::vm::{Deferred, State, Vm};
use proxy_wasm::types::{BufferType, LogLevel, MapType, MetricType, Status, StreamType};
use std::sync::Arc;
use std::time::Duration;

unsafe extern "C" {
    fn proxy_on_memory_allocate(size: usize) -> *mut u8;
}

/// Copies `bytes` into memory of the module's own allocator. Nothing is allocated for nothing.
unsafe fn give(bytes: &[u8], data: *mut *mut u8, size: *mut usize) {
    unsafe {
        let copy = if bytes.is_empty() {
            std::ptr::null_mut()
        } else {
            let copy = proxy_on_memory_allocate(bytes.len());
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), copy, bytes.len());
            copy
        };
        *data = copy;
        *size = bytes.len();
    }
}

unsafe fn bytes<'a>(data: *const u8, size: usize) -> &'a [u8] {
    if size == 0 { &[] } else { unsafe { std::slice::from_raw_parts(data, size) } }
}

unsafe fn string(data: *const u8, size: usize) -> String {
    String::from_utf8_lossy(unsafe { bytes(data, size) }).into_owned()
}

/// The running VM, unless the hostcall is to fail.
fn enter(hostcall: &'static str) -> Result<Arc<Vm>, Status> {
    let vm = Vm::running().ok_or(Status::InternalFailure)?;
    let mut state = vm.state();
    *state.hostcalls.entry(hostcall).or_default() += 1;
    let injected = state.injected.get_mut(hostcall).and_then(std::collections::VecDeque::pop_front);
    drop(state);
    injected.map_or(Ok(vm), Err)
}

fn status(outcome: Result<(), Status>) -> Status {
    outcome.err().unwrap_or(Status::Ok)
}

/// Defines the hostcalls, each over the running VM, and lists their names.
macro_rules! hostcalls {
    ($(fn $name:ident($vm:ident $(, $argument:ident: $type:ty)* $(,)?) $body:block)*) => {
        /// The names of every hostcall.
        pub const HOSTCALLS: &[&str] = &[$(stringify!($name)),*];
        $(
            #[unsafe(no_mangle)]
            #[allow(unused_unsafe, reason = "not every hostcall touches the module's memory")]
            unsafe extern "C" fn $name($($argument: $type),*) -> Status {
                status(enter(stringify!($name)).and_then(|$vm| unsafe { $body }))
            }
        )*
    };
}

hostcalls! {
    fn proxy_log(vm, level: LogLevel, data: *const u8, size: usize) {
        vm.state().logs.push((level, string(data, size)));
        Ok(())
    }

    fn proxy_get_log_level(_vm, level: *mut LogLevel) {
        *level = LogLevel::Trace;
        Ok(())
    }

    fn proxy_get_current_time_nanoseconds(vm, time: *mut u64) {
        *time = u64::try_from(vm.process.now().as_nanos()).expect("a time before 2554");
        Ok(())
    }

    fn proxy_set_tick_period_milliseconds(vm, period: u32) {
        let mut state = vm.state();
        let root = state.root();
        state.ticks.remove(&root);
        if period > 0 {
            let period = Duration::from_millis(period.into());
            state.ticks.insert(root, (period, vm.process.now() + period));
        }
        Ok(())
    }

    fn proxy_get_buffer_bytes(vm, kind: BufferType, start: usize, max: usize, data: *mut *mut u8, size: *mut usize) {
        let state = vm.state();
        let buffer = match kind {
            BufferType::VmConfiguration => Some(vm.plugin.vm_configuration.clone()),
            BufferType::PluginConfiguration => state.configuring.then(|| vm.plugin.configuration.clone()),
            BufferType::HttpCallResponseBody => state.call_response.as_ref().map(|(_, body)| body.clone()),
            _ => None,
        };
        drop(state);
        let buffer = buffer.ok_or(Status::NotFound)?;
        let end = start.checked_add(max).ok_or(Status::BadArgument)?.min(buffer.len());
        give(buffer.get(start..end).unwrap_or_default(), data, size);
        Ok(())
    }

    fn proxy_set_buffer_bytes(_vm, _kind: BufferType, _start: usize, _max: usize, _data: *const u8, _size: usize) {
        Err(Status::NotFound)
    }

    fn proxy_get_header_map_pairs(vm, kind: MapType, data: *mut *mut u8, size: *mut usize) {
        let serialized = map(&mut vm.state(), kind).map_or_else(|_| Headers::default().serialize(), |map| map.serialize());
        give(&serialized, data, size);
        Ok(())
    }

    fn proxy_set_header_map_pairs(vm, kind: MapType, data: *const u8, size: usize) {
        let headers = Headers::deserialize(bytes(data, size)).ok_or(Status::BadArgument)?;
        *editable(&mut vm.state(), kind)? = headers;
        Ok(())
    }

    fn proxy_get_header_map_value(vm, kind: MapType, key: *const u8, key_size: usize, data: *mut *mut u8, size: *mut usize) {
        let value = map(&mut vm.state(), kind)?.get(&string(key, key_size)).map(<[u8]>::to_vec);
        give(&value.ok_or(Status::NotFound)?, data, size);
        Ok(())
    }

    fn proxy_add_header_map_value(vm, kind: MapType, key: *const u8, key_size: usize, value: *const u8, value_size: usize) {
        let (key, value) = (string(key, key_size), bytes(value, value_size));
        let mut state = vm.state();
        check_header(&mut state, &key, value);
        editable(&mut state, kind)?.add(&key, value);
        Ok(())
    }

    fn proxy_replace_header_map_value(vm, kind: MapType, key: *const u8, key_size: usize, value: *const u8, value_size: usize) {
        let (key, value) = (string(key, key_size), bytes(value, value_size));
        let mut state = vm.state();
        check_header(&mut state, &key, value);
        editable(&mut state, kind)?.replace(&key, value);
        Ok(())
    }

    fn proxy_remove_header_map_value(vm, kind: MapType, key: *const u8, key_size: usize) {
        editable(&mut vm.state(), kind)?.remove(&string(key, key_size));
        Ok(())
    }

    fn proxy_get_property(vm, path: *const u8, path_size: usize, data: *mut *mut u8, size: *mut usize) {
        let value = property(&vm, &string(path, path_size)).ok_or(Status::NotFound)?;
        give(&value, data, size);
        Ok(())
    }

    fn proxy_set_property(vm, path: *const u8, path_size: usize, value: *const u8, value_size: usize) {
        let (path, value) = (string(path, path_size), bytes(value, value_size).to_vec());
        vm.state().stream().ok_or(Status::NotFound)?.properties.insert(path, value);
        Ok(())
    }

    fn proxy_get_shared_data(vm, key: *const u8, key_size: usize, data: *mut *mut u8, size: *mut usize, cas: *mut u32) {
        let found = vm.process.shared().get(&vm.plugin.vm_id, &string(key, key_size));
        let (value, current) = found.ok_or(Status::NotFound)?;
        give(&value, data, size);
        *cas = current;
        Ok(())
    }

    fn proxy_set_shared_data(vm, key: *const u8, key_size: usize, value: *const u8, value_size: usize, cas: u32) {
        let (key, value) = (string(key, key_size), bytes(value, value_size));
        done(vm.process.shared().set(&vm.plugin.vm_id, &key, value, cas))
    }

    fn proxy_register_shared_queue(vm, name: *const u8, name_size: usize, id: *mut u32) {
        let owner = (vm.id, vm.state().root());
        *id = vm.process.shared().register_queue(&vm.plugin.vm_id, &string(name, name_size), owner);
        Ok(())
    }

    fn proxy_resolve_shared_queue(vm, vm_id: *const u8, vm_id_size: usize, name: *const u8, name_size: usize, id: *mut u32) {
        let vm_id = if vm_id_size == 0 { vm.plugin.vm_id.clone() } else { string(vm_id, vm_id_size) };
        *id = vm.process.shared().resolve_queue(&vm_id, &string(name, name_size)).ok_or(Status::NotFound)?;
        Ok(())
    }

    fn proxy_dequeue_shared_queue(vm, id: u32, data: *mut *mut u8, size: *mut usize) {
        let item = vm.process.shared().dequeue(id)?;
        give(&item, data, size);
        Ok(())
    }

    fn proxy_enqueue_shared_queue(vm, id: u32, value: *const u8, value_size: usize) {
        done(vm.process.shared().enqueue(id, bytes(value, value_size)))
    }

    fn proxy_continue_stream(vm, kind: StreamType) {
        let mut state = vm.state();
        let context = state.context();
        match kind {
            StreamType::HttpRequest => {
                let Some(stream) = state.stream() else {
                    state.fault(format!("context {context} is no stream to resume"));
                    return Ok(());
                };
                stream.editable = false;
                state.deferred.push_back(Deferred::Resume(context));
                Ok(())
            }
            StreamType::HttpResponse => {
                state.fault("a response was resumed, which this host never pauses");
                Ok(())
            }
            _ => Err(Status::BadArgument),
        }
    }

    fn proxy_close_stream(vm, _kind: StreamType) {
        let mut state = vm.state();
        let context = state.context();
        if state.stream().is_some() {
            state.deferred.push_back(Deferred::Reset(context));
        }
        Ok(())
    }

    fn proxy_send_local_response(
        vm,
        code: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) {
        let headers = Headers::deserialize(bytes(headers, headers_size)).ok_or(Status::BadArgument)?;
        let reply = Reply {
            status: code,
            body: bytes(body, body_size).to_vec(),
            grpc_status: (grpc_status >= 0).then_some(grpc_status),
            details: string(details, details_size),
            headers,
        };
        let mut state = vm.state();
        for (name, value) in reply.headers.pairs() {
            check_header(&mut state, name, value);
        }
        if !(200..600).contains(&code) {
            state.fault(format!("a local reply with status {code}"));
        }
        state.stop_iteration = true;
        let context = state.context();
        if state.stream().is_some() {
            state.deferred.push_back(Deferred::Reply(context, reply));
        } else {
            state.fault(format!("context {context} is no stream to reply to"));
        }
        Ok(())
    }

    fn proxy_http_call(
        vm,
        cluster: *const u8,
        cluster_size: usize,
        headers: *const u8,
        headers_size: usize,
        body: *const u8,
        body_size: usize,
        _trailers: *const u8,
        _trailers_size: usize,
        timeout: u32,
        call: *mut u32,
    ) {
        let cluster = string(cluster, cluster_size);
        let headers = Headers::deserialize(bytes(headers, headers_size)).ok_or(Status::BadArgument)?;
        let complete = [":method", ":path", ":authority"].iter().all(|name| headers.get(name).is_some());
        let (known, empty, sent_at) = {
            let shared = vm.process.shared();
            (shared.clusters.contains(&cluster), shared.empty_clusters.contains(&cluster), shared.now)
        };
        if !known || !complete || i32::try_from(timeout).is_err() {
            return Err(Status::BadArgument);
        }
        let mut state = vm.state();
        for (name, value) in headers.pairs() {
            check_header(&mut state, name, value);
        }
        let id = u32::try_from(state.sent.len() + 1).expect("a small number of callouts");
        let by_root = state.roots.contains(&state.context());
        let body = bytes(body, body_size).to_vec();
        let timeout = Duration::from_millis(timeout.into());
        state.sent.push(Callout { id, cluster, headers, body, timeout, sent_at, by_root });
        if empty {
            state.deferred.push_back(Deferred::Answer(id));
        } else {
            state.pending.insert(id);
        }
        *call = id;
        Ok(())
    }

    fn proxy_set_effective_context(vm, context: u32) {
        done(vm.state().set_effective(context))
    }

    fn proxy_call_foreign_function(
        vm,
        name: *const u8,
        name_size: usize,
        arguments: *const u8,
        arguments_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) {
        let function = vm.process.shared().foreign.get(&string(name, name_size)).copied().ok_or(Status::NotFound)?;
        give(&function(bytes(arguments, arguments_size))?, data, size);
        Ok(())
    }

    fn proxy_done(_vm) {
        Err(Status::NotFound)
    }

    fn proxy_define_metric(vm, kind: MetricType, name: *const u8, name_size: usize, id: *mut u32) {
        let name = string(name, name_size);
        let known = vm.process.shared().metrics.entry(name.clone()).or_insert(Metric { kind, value: 0, samples: Vec::new() }).kind;
        let mut state = vm.state();
        if known != kind {
            state.fault(format!("metric {name} defined as {known:?} and as {kind:?}"));
        }
        let number = u32::try_from(state.metrics.len() + 1).expect("a small number of metrics");
        *id = number * 4 + kind as u32;
        state.metrics.insert(*id, name);
        Ok(())
    }

    fn proxy_get_metric(vm, id: u32, value: *mut u64) {
        with_metric(&vm, id, |metric| match metric.kind {
            MetricType::Histogram => Err(Status::BadArgument),
            _ => {
                *value = metric.value;
                Ok(())
            }
        })
    }

    fn proxy_record_metric(vm, id: u32, value: u64) {
        with_metric(&vm, id, |metric| {
            match metric.kind {
                MetricType::Counter => metric.value += value,
                MetricType::Histogram => metric.samples.push(value),
                _ => metric.value = value,
            }
            Ok(())
        })
    }

    fn proxy_increment_metric(vm, id: u32, offset: i64) {
        let mut below_zero = false;
        let outcome = with_metric(&vm, id, |metric| match (metric.kind, u64::try_from(offset)) {
            (MetricType::Histogram, _) | (MetricType::Counter, Err(_) | Ok(0)) => Err(Status::BadArgument),
            (_, Ok(up)) => {
                metric.value += up;
                Ok(())
            }
            (_, Err(_)) => {
                below_zero = metric.value < offset.unsigned_abs();
                metric.value = metric.value.saturating_sub(offset.unsigned_abs());
                Ok(())
            }
        });
        if below_zero {
            vm.state().fault(format!("gauge {id} went below zero"));
        }
        outcome
    }

    fn proxy_grpc_call(
        _vm, _upstream: *const u8, _upstream_size: usize, _service: *const u8, _service_size: usize, _method: *const u8,
        _method_size: usize, _metadata: *const u8, _metadata_size: usize, _message: *const u8, _message_size: usize,
        _timeout: u32, _call: *mut u32,
    ) {
        Err(Status::InternalFailure)
    }

    fn proxy_grpc_stream(
        _vm, _upstream: *const u8, _upstream_size: usize, _service: *const u8, _service_size: usize, _method: *const u8,
        _method_size: usize, _metadata: *const u8, _metadata_size: usize, _stream: *mut u32,
    ) {
        Err(Status::InternalFailure)
    }

    fn proxy_grpc_send(_vm, _token: u32, _message: *const u8, _size: usize, _end_of_stream: bool) {
        Err(Status::NotFound)
    }

    fn proxy_grpc_cancel(_vm, _token: u32) {
        Err(Status::NotFound)
    }

    fn proxy_grpc_close(_vm, _token: u32) {
        Err(Status::NotFound)
    }

    fn proxy_get_status(_vm, code: *mut u32, data: *mut *mut u8, size: *mut usize) {
        *code = 0;
        give(&[], data, size);
        Ok(())
    }
}

fn done(status: Status) -> Result<(), Status> {
    if status == Status::Ok { Ok(()) } else { Err(status) }
}

/// A map to read. Envoy has none for a stream that has moved on, nor for a callout that failed.
fn map(state: &mut State, kind: MapType) -> Result<&Headers, Status> {
    let found = match kind {
        MapType::HttpCallResponseHeaders => state.call_response.as_ref().map(|(headers, _)| headers),
        _ => return editable(state, kind).map(|map| &*map),
    };
    found.ok_or(Status::BadArgument)
}

fn editable(state: &mut State, kind: MapType) -> Result<&mut Headers, Status> {
    let stream = state.stream().ok_or(Status::BadArgument)?;
    match kind {
        MapType::HttpRequestHeaders if stream.editable => Ok(&mut stream.headers),
        MapType::HttpRequestTrailers => stream.trailers.as_mut().ok_or(Status::BadArgument),
        MapType::HttpResponseHeaders => stream.response.as_mut().ok_or(Status::BadArgument),
        _ => Err(Status::BadArgument),
    }
}

/// Envoy asserts that no value splits a message; in a release build it would send it.
fn check_header(state: &mut State, name: &str, value: &[u8]) {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let name_ok = !name.is_empty() && name.strip_prefix(':').unwrap_or(name).bytes().all(token);
    if !name_ok || value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
        state.fault(format!("an illegal header: {name:?}: {:?}", String::from_utf8_lossy(value)));
    }
}

fn with_metric(vm: &Vm, id: u32, work: impl FnOnce(&mut Metric) -> Result<(), Status>) -> Result<(), Status> {
    let name = vm.state().metrics.get(&id).cloned().ok_or(Status::NotFound)?;
    let mut shared = vm.process.shared();
    shared.metrics.get_mut(&name).map_or(Err(Status::NotFound), work)
}
