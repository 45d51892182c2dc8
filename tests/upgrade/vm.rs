//! A VM as a worker of Envoy has it, with what the module asks of its host. What that brings about is carried out by who
//! drives it, after the call.

use super::shared::Shared;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use wasmi::{Caller, CompilationMode, Config, Engine, Error, ExternType, Instance, Linker, Memory, Module, Store, Val};
use wasmi::{WasmParams, WasmResults};

const OK: i32 = 0;
const NOT_FOUND: i32 = 1;
const BAD_ARGUMENT: i32 = 2;
const EMPTY: i32 = 7;
const CAS_MISMATCH: i32 = 8;
const UNIMPLEMENTED: i32 = 12;

const REQUEST: i32 = 0;
const ANSWER: i32 = 6;
const ANSWERED_BODY: i32 = 4;
const CONFIGURATION: i32 = 7;

/// The root context's number in each VM.
pub const ROOT: u32 = 1;

pub type Lines = Vec<(String, String)>;

/// A version of the module.
pub struct Program {
    pub name: &'static str,
    engine: Engine,
    module: Module,
}

impl Program {
    pub fn new(name: &'static str, module: &[u8]) -> Self {
        let mut config = Config::default();
        config.compilation_mode(CompilationMode::Eager);
        let engine = Engine::new(&config);
        let module = Module::new(&engine, module).unwrap_or_else(|error| panic!("the {name} module: {error}"));
        Self { name, engine, module }
    }
}

/// A call that the module has asked for.
pub struct Callout {
    pub id: u32,
    pub cluster: String,
    pub headers: Lines,
    pub body: Vec<u8>,
    pub timeout: u64,
}

/// What a call into the VM has brought about.
pub enum Brought {
    Callout(Callout),
    Reply { stream: u32, status: u32 },
    Resumed(u32),
}

struct Host {
    shared: Rc<RefCell<Shared>>,
    configuration: Vec<u8>,
    /// In milliseconds since the epoch.
    now: u64,
    number: u64,
    effective: u32,
    requests: BTreeMap<u32, Lines>,
    answer: (Lines, Vec<u8>),
    queue: u32,
    calls: u32,
    metrics: u32,
    brought: Vec<Brought>,
    log: String,
}

pub struct Vm {
    pub name: &'static str,
    store: Store<Host>,
    instance: Instance,
}

impl Vm {
    /// With this configuration, which it has to accept.
    pub fn start(program: &Program, shared: Rc<RefCell<Shared>>, number: u64, configuration: &str, now: u64) -> Self {
        let mut linker = Linker::new(&program.engine);
        for import in program.module.imports() {
            let ExternType::Func(kind) = import.ty() else { panic!("{} is no function", import.name()) };
            let name = import.name().to_owned();
            let defined =
                linker.func_new(import.module(), import.name(), kind.clone(), move |caller, given, results| {
                    let arguments: Vec<i32> = given.iter().map(|value| value.i32().unwrap_or_default()).collect();
                    let status = Call { caller, arguments }.serve(&name)?;
                    results.iter_mut().for_each(|result| *result = Val::I32(status));
                    Ok(())
                });
            defined.expect("a function of this name");
        }
        let host = Host {
            shared,
            configuration: configuration.into(),
            now,
            number,
            effective: ROOT,
            requests: BTreeMap::new(),
            answer: (Lines::new(), Vec::new()),
            queue: 0,
            calls: 0,
            metrics: 0,
            brought: Vec::new(),
            log: String::new(),
        };
        let mut store = Store::new(&program.engine, host);
        let instance = linker.instantiate_and_start(&mut store, &program.module).expect("an instance");
        let mut vm = Self { name: program.name, store, instance };
        vm.run::<_, ()>("_initialize", ());
        vm.run::<_, ()>("proxy_on_context_create", (ROOT, 0_u32));
        vm.run::<_, i32>("proxy_on_vm_start", (ROOT, 0_u32));
        let length = u32::try_from(configuration.len()).expect("a length");
        let accepted: i32 = vm.run("proxy_on_configure", (ROOT, length));
        assert_eq!(accepted, 1, "the {} module refuses its configuration: {}", program.name, vm.host().log);
        vm
    }

    fn host(&mut self) -> &mut Host {
        self.store.data_mut()
    }

    pub fn queue(&self) -> u32 {
        self.store.data().queue
    }

    /// An export is called in this context at this time: what it brought about.
    pub fn enter<P: WasmParams>(&mut self, context: u32, now: u64, export: &str, arguments: P) -> Vec<Brought> {
        (self.host().effective, self.host().now) = (context, now);
        self.run::<P, ()>(export, arguments);
        std::mem::take(&mut self.host().brought)
    }

    /// A request comes; whether it waits, and what that brought about.
    pub fn request(&mut self, stream: u32, headers: Lines, now: u64) -> (bool, Vec<Brought>) {
        let count = u32::try_from(headers.len()).expect("few headers");
        self.host().requests.insert(stream, headers);
        (self.host().effective, self.host().now) = (stream, now);
        self.run::<_, ()>("proxy_on_context_create", (stream, ROOT));
        let action: i32 = self.run("proxy_on_request_headers", (stream, count, 1_u32));
        (action != 0, std::mem::take(&mut self.host().brought))
    }

    /// The headers as the module has left them; the stream is over.
    pub fn end(&mut self, stream: u32, now: u64) -> (Lines, Vec<Brought>) {
        let brought = self.enter(stream, now, "proxy_on_delete", stream);
        (self.host().requests.remove(&stream).unwrap_or_default(), brought)
    }

    pub fn answer(&mut self, call: u32, answer: (Lines, Vec<u8>), now: u64) -> Vec<Brought> {
        let counted = |length: usize| u32::try_from(length).expect("a length");
        let (headers, body) = (counted(answer.0.len()), counted(answer.1.len()));
        self.host().answer = answer;
        self.enter(ROOT, now, "proxy_on_http_call_response", (ROOT, call, headers, body, 0_u32))
    }

    fn run<P: WasmParams, R: WasmResults>(&mut self, export: &str, arguments: P) -> R {
        let function = self.instance.get_typed_func::<P, R>(&self.store, export).expect("an export");
        let result = function.call(&mut self.store, arguments);
        result
            .unwrap_or_else(|error| panic!("{export} of the {} module: {error}: {}", self.name, self.store.data().log))
    }
}

/// A call of the module to its host.
struct Call<'a> {
    caller: Caller<'a, Host>,
    arguments: Vec<i32>,
}

impl Call<'_> {
    fn serve(&mut self, name: &str) -> Result<i32, Error> {
        Ok(match name {
            "proxy_log" => {
                let line = String::from_utf8_lossy(&self.bytes(1)).into_owned();
                self.host().log.push_str(&line);
                OK
            }
            "proxy_get_current_time_nanoseconds" => {
                let nanoseconds = self.host().now * 1_000_000;
                self.write(0, &nanoseconds.to_le_bytes())
            }
            "proxy_define_metric" => {
                self.host().metrics += 1;
                let id = self.host().metrics;
                self.write(3, &id.to_le_bytes())
            }
            "proxy_set_tick_period_milliseconds"
            | "proxy_increment_metric"
            | "proxy_record_metric"
            | "proxy_set_property" => OK,
            "proxy_get_property" | "proxy_call_foreign_function" => NOT_FOUND,
            // WASI: no environment, and randomness that is the VM's own.
            "environ_sizes_get" => {
                self.write(0, &0_u32.to_le_bytes());
                self.write(1, &0_u32.to_le_bytes())
            }
            "environ_get" => OK,
            "random_get" => {
                let length = self.length(1);
                let bytes: Vec<u8> = self.host().number.to_le_bytes().into_iter().cycle().take(length).collect();
                self.write(0, &bytes)
            }
            _ if name.contains("header_map") || name.contains("buffer") => self.serve_maps(name)?,
            _ if name.contains("shared") => self.serve_shared(name)?,
            _ => self.serve_streams(name),
        })
    }

    fn serve_maps(&mut self, name: &str) -> Result<i32, Error> {
        Ok(match name {
            "proxy_get_buffer_bytes" => {
                let buffer = match self.arguments[0] {
                    CONFIGURATION => self.host().configuration.clone(),
                    ANSWERED_BODY => self.host().answer.1.clone(),
                    _ => return Ok(NOT_FOUND),
                };
                self.give(&buffer, 3)?
            }
            "proxy_get_header_map_pairs" => {
                let Some(lines) = self.lines() else { return Ok(BAD_ARGUMENT) };
                let lines = serialized(lines);
                self.give(&lines, 1)?
            }
            "proxy_get_header_map_value" => {
                let wanted = self.bytes(1);
                let found = self.lines().and_then(|lines| lines.iter().find(|(name, _)| name.as_bytes() == wanted));
                match found.map(|(_, value)| value.clone()) {
                    Some(value) => self.give(value.as_bytes(), 3)?,
                    None => NOT_FOUND,
                }
            }
            "proxy_replace_header_map_value" | "proxy_add_header_map_value" | "proxy_remove_header_map_value" => {
                let line = self.bytes(1);
                let value = (name != "proxy_remove_header_map_value").then(|| self.bytes(3));
                let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
                let (line, is_added) = (text(line), name == "proxy_add_header_map_value");
                let Some(lines) = self.lines() else { return Ok(BAD_ARGUMENT) };
                if !is_added {
                    lines.retain(|(name, _)| *name != line);
                }
                lines.extend(value.map(|value| (line, text(value))));
                OK
            }
            _ => UNIMPLEMENTED,
        })
    }

    fn serve_shared(&mut self, name: &str) -> Result<i32, Error> {
        let shared = Rc::clone(&self.host().shared);
        Ok(match name {
            "proxy_get_shared_data" => {
                let found = shared.borrow().get(&self.bytes(0));
                match found {
                    Some((value, version)) => {
                        self.write(4, &version.to_le_bytes());
                        self.give(&value, 2)?
                    }
                    None => NOT_FOUND,
                }
            }
            "proxy_set_shared_data" => {
                let (key, value, expected) = (self.bytes(0), self.bytes(2), self.arguments[4].cast_unsigned());
                if shared.borrow_mut().set(key, value, expected) { OK } else { CAS_MISMATCH }
            }
            "proxy_register_shared_queue" => {
                let queue = shared.borrow_mut().register(self.bytes(0));
                self.host().queue = queue;
                self.write(2, &queue.to_le_bytes())
            }
            "proxy_enqueue_shared_queue" => {
                let (queue, message) = (self.arguments[0].cast_unsigned(), self.bytes(1));
                if shared.borrow_mut().enqueue(queue, message) { OK } else { NOT_FOUND }
            }
            "proxy_dequeue_shared_queue" => {
                let message = shared.borrow_mut().dequeue(self.arguments[0].cast_unsigned());
                match message {
                    Some(message) => self.give(&message, 1)?,
                    None => EMPTY,
                }
            }
            _ => NOT_FOUND,
        })
    }

    fn serve_streams(&mut self, name: &str) -> i32 {
        let stream = self.host().effective;
        match name {
            "proxy_http_call" => {
                self.host().calls += 1;
                let (id, cluster) = (self.host().calls, String::from_utf8(self.bytes(0)).expect("UTF-8"));
                let (headers, body) = (deserialized(&self.bytes(2)), self.bytes(4));
                let timeout = u64::from(self.arguments[8].cast_unsigned());
                self.host().brought.push(Brought::Callout(Callout { id, cluster, headers, body, timeout }));
                self.write(9, &id.to_le_bytes())
            }
            "proxy_send_local_response" => {
                let status = self.arguments[0].cast_unsigned();
                self.host().brought.push(Brought::Reply { stream, status });
                OK
            }
            "proxy_continue_stream" => {
                self.host().brought.push(Brought::Resumed(stream));
                OK
            }
            "proxy_set_effective_context" => {
                let context = self.arguments[0].cast_unsigned();
                if context != ROOT && !self.host().requests.contains_key(&context) {
                    return BAD_ARGUMENT;
                }
                self.host().effective = context;
                OK
            }
            _ => UNIMPLEMENTED,
        }
    }

    fn host(&mut self) -> &mut Host {
        self.caller.data_mut()
    }

    fn lines(&mut self) -> Option<&mut Lines> {
        let (map, stream) = (self.arguments[0], self.host().effective);
        match map {
            REQUEST => self.host().requests.get_mut(&stream),
            ANSWER => Some(&mut self.host().answer.0),
            other => panic!("no header map {other}"),
        }
    }

    fn memory(&self) -> Memory {
        self.caller.get_export("memory").and_then(wasmi::Extern::into_memory).expect("a memory")
    }

    fn length(&self, argument: usize) -> usize {
        self.arguments[argument].cast_unsigned() as usize
    }

    /// What the argument of this number points to; the next one is its length.
    fn bytes(&self, argument: usize) -> Vec<u8> {
        let mut bytes = vec![0; self.length(argument + 1)];
        self.memory().read(&self.caller, self.length(argument), &mut bytes).expect("its own memory");
        bytes
    }

    /// Writes where the argument of this number points to.
    fn write(&mut self, argument: usize, bytes: &[u8]) -> i32 {
        let (memory, to) = (self.memory(), self.length(argument));
        memory.write(&mut self.caller, to, bytes).expect("its own memory");
        OK
    }

    /// Hands over a copy in memory of the module's own; this argument points to where it begins, the next to its length.
    fn give(&mut self, bytes: &[u8], argument: usize) -> Result<i32, Error> {
        let length = i32::try_from(bytes.len()).expect("a length");
        let allocate = self.caller.get_export("proxy_on_memory_allocate").and_then(wasmi::Extern::into_func);
        let allocate = allocate.expect("an allocator").typed::<i32, i32>(&self.caller)?;
        let at = allocate.call(&mut self.caller, length)?;
        let memory = self.memory();
        memory.write(&mut self.caller, at.cast_unsigned() as usize, bytes).expect("its own memory");
        self.write(argument, &at.to_le_bytes());
        Ok(self.write(argument + 1, &length.to_le_bytes()))
    }
}

/// As header maps are handed over: how many, the two lengths of each, then each text and a NUL.
fn serialized(lines: &Lines) -> Vec<u8> {
    let number = |length: usize| u32::try_from(length).expect("a length").to_le_bytes();
    let mut bytes = number(lines.len()).to_vec();
    for (name, value) in lines {
        bytes.extend(number(name.len()));
        bytes.extend(number(value.len()));
    }
    for text in lines.iter().flat_map(|(name, value)| [name, value]) {
        bytes.extend(text.as_bytes());
        bytes.push(0);
    }
    bytes
}

fn deserialized(bytes: &[u8]) -> Lines {
    let number = |at: usize| u32::from_le_bytes(bytes[4 * at..4 * at + 4].try_into().expect("four bytes")) as usize;
    let count = number(0);
    let mut at = 4 + 8 * count;
    let mut text = |length: usize| {
        let text = String::from_utf8(bytes[at..at + length].to_vec()).expect("UTF-8");
        at += length + 1;
        text
    };
    (0..count).map(|line| (text(number(1 + 2 * line)), text(number(2 + 2 * line)))).collect()
}
