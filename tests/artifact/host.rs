//! A host that is just enough for the module to configure itself, ask about a token and judge requests. It counts the
//! instructions that the module executes, which no machine and no load changes.

use std::collections::HashMap;

use wasmi::{
    Caller, CompilationMode, Config, Engine, Error, ExternType, Instance, Linker, Memory, Module, Store, Val,
    WasmParams, WasmResults,
};

const OK: i32 = 0;
const NOT_FOUND: i32 = 1;
const UNIMPLEMENTED: i32 = 12;

/// Kinds of header maps.
const REQUEST: i32 = 0;
const ANSWER: i32 = 6;
/// Kinds of buffers.
const ANSWERED_BODY: i32 = 4;
const CONFIGURATION: i32 = 7;

pub type Lines = Vec<(String, String)>;

/// What the module can ask for, and what it has asked.
#[derive(Default)]
pub struct Asked {
    configuration: Vec<u8>,
    /// Of the request that is judged.
    pub headers: Lines,
    answer: (Lines, Vec<u8>),
    shared: HashMap<Vec<u8>, (Vec<u8>, u32)>,
    metrics: u32,
    pub calls: u32,
    pub replies: u32,
    pub resumed: u32,
    pub log: String,
}

/// The module in a VM.
pub struct Vm {
    store: Store<Asked>,
    instance: Instance,
}

impl Vm {
    /// With this configuration, which it has to accept.
    pub fn start(module: &[u8], configuration: &str) -> Self {
        let mut config = Config::default();
        // Before anything runs: else what is translated meanwhile would count.
        config.consume_fuel(true).compilation_mode(CompilationMode::Eager);
        let engine = Engine::new(&config);
        let module = Module::new(&engine, module).unwrap();
        let mut linker = Linker::new(&engine);
        for import in module.imports() {
            let ExternType::Func(kind) = import.ty() else { panic!("{} is no function", import.name()) };
            let name = import.name().to_owned();
            linker
                .func_new(import.module(), import.name(), kind.clone(), move |caller, arguments, results| {
                    let arguments: Vec<i32> = arguments.iter().map(|value| value.i32().unwrap_or_default()).collect();
                    let status = Call { caller, arguments }.serve(&name)?;
                    results.iter_mut().for_each(|result| *result = Val::I32(status));
                    Ok(())
                })
                .unwrap();
        }
        let asked = Asked { configuration: configuration.into(), ..Asked::default() };
        let mut store = Store::new(&engine, asked);
        store.set_fuel(u64::MAX).unwrap();
        let instance = linker.instantiate_and_start(&mut store, &module).unwrap();
        let mut vm = Self { store, instance };
        let length = i32::try_from(configuration.len()).unwrap();
        vm.run::<_, ()>("_initialize", ());
        vm.run::<_, ()>("proxy_on_context_create", (1, 0));
        vm.run::<_, i32>("proxy_on_vm_start", (1, 0));
        let accepted: i32 = vm.run("proxy_on_configure", (1, length));
        assert_eq!(accepted, 1, "{}", vm.asked().log);
        vm
    }

    pub fn asked(&mut self) -> &mut Asked {
        self.store.data_mut()
    }

    /// The answer to the only call that has been made.
    pub fn answer(&mut self, lines: Lines, body: &str) {
        let (call, count, length) =
            (self.asked().calls, i32::try_from(lines.len()).unwrap(), i32::try_from(body.len()).unwrap());
        self.asked().answer = (lines, body.into());
        self.run::<_, ()>("proxy_on_http_call_response", (1, call.cast_signed(), count, length, 0));
    }

    /// What an export returns.
    pub fn run<P: WasmParams, R: WasmResults>(&mut self, export: &str, arguments: P) -> R {
        let function = self.instance.get_typed_func::<P, R>(&self.store, export).unwrap();
        function
            .call(&mut self.store, arguments)
            .unwrap_or_else(|error| panic!("{export}: {error}: {}", self.asked().log))
    }

    /// How many instructions have been executed so far, as the interpreter weighs them.
    pub fn executed(&self) -> u64 {
        u64::MAX - self.store.get_fuel().unwrap()
    }
}

/// A call of the module to its host.
struct Call<'a> {
    caller: Caller<'a, Asked>,
    arguments: Vec<i32>,
}

impl Call<'_> {
    #[allow(clippy::too_many_lines, reason = "a few lines for each host call")]
    fn serve(&mut self, name: &str) -> Result<i32, Error> {
        Ok(match name {
            "proxy_log" => {
                let line = String::from_utf8(self.bytes(1)).unwrap();
                self.caller.data_mut().log.push_str(&line);
                OK
            }
            "proxy_get_current_time_nanoseconds" => self.write(0, &1_767_225_600_000_000_000_u64.to_le_bytes()),
            "proxy_get_buffer_bytes" => {
                let buffer = match self.arguments[0] {
                    CONFIGURATION => self.caller.data().configuration.clone(),
                    ANSWERED_BODY => self.caller.data().answer.1.clone(),
                    _ => return Ok(NOT_FOUND),
                };
                self.give(&buffer, 3)?
            }
            "proxy_get_header_map_pairs" => {
                let lines = serialized(self.lines());
                self.give(&lines, 1)?
            }
            "proxy_get_header_map_value" => {
                let name = self.bytes(1);
                let found = self.lines().iter().find(|(key, _)| key.as_bytes() == name).map(|(_, value)| value.clone());
                match found {
                    Some(value) => self.give(value.as_bytes(), 3)?,
                    None => NOT_FOUND,
                }
            }
            "proxy_replace_header_map_value" => {
                let [name, value] = [self.bytes(1), self.bytes(3)].map(|bytes| String::from_utf8(bytes).unwrap());
                let headers = &mut self.caller.data_mut().headers;
                headers.retain(|(key, _)| *key != name);
                headers.push((name, value));
                OK
            }
            "proxy_add_header_map_value" => {
                let [name, value] = [self.bytes(1), self.bytes(3)].map(|bytes| String::from_utf8(bytes).unwrap());
                self.caller.data_mut().headers.push((name, value));
                OK
            }
            "proxy_get_shared_data" => match self.caller.data().shared.get(&self.bytes(0)).cloned() {
                Some((value, version)) => {
                    self.write(4, &version.to_le_bytes());
                    self.give(&value, 2)?
                }
                None => NOT_FOUND,
            },
            "proxy_set_shared_data" => {
                let (key, value) = (self.bytes(0), self.bytes(2));
                let entry = self.caller.data_mut().shared.entry(key).or_default();
                *entry = (value, entry.1 + 1);
                OK
            }
            "proxy_register_shared_queue" => self.write(2, &1_u32.to_le_bytes()),
            "proxy_define_metric" => {
                self.caller.data_mut().metrics += 1;
                let id = self.caller.data().metrics;
                self.write(3, &id.to_le_bytes())
            }
            "proxy_http_call" => {
                self.caller.data_mut().calls += 1;
                let id = self.caller.data().calls;
                self.write(9, &id.to_le_bytes())
            }
            "proxy_send_local_response" => {
                self.caller.data_mut().replies += 1;
                OK
            }
            "proxy_continue_stream" => {
                self.caller.data_mut().resumed += 1;
                OK
            }
            "proxy_set_tick_period_milliseconds"
            | "proxy_set_effective_context"
            | "proxy_increment_metric"
            | "proxy_record_metric"
            | "proxy_remove_header_map_value" => OK,
            "proxy_get_property" | "proxy_call_foreign_function" | "proxy_resolve_shared_queue" => NOT_FOUND,
            // WASI: no environment; always the same randomness.
            "environ_sizes_get" => {
                self.write(0, &0_u32.to_le_bytes());
                self.write(1, &0_u32.to_le_bytes())
            }
            "environ_get" => OK,
            "random_get" => {
                let length = usize::try_from(self.arguments[1]).unwrap();
                self.write(0, &vec![7; length])
            }
            _ => UNIMPLEMENTED,
        })
    }

    fn lines(&self) -> &Lines {
        match self.arguments[0] {
            REQUEST => &self.caller.data().headers,
            ANSWER => &self.caller.data().answer.0,
            other => panic!("no header map {other}"),
        }
    }

    fn memory(&self) -> Memory {
        self.caller.get_export("memory").and_then(wasmi::Extern::into_memory).unwrap()
    }

    /// What the argument of this number points to; the next one is its length.
    fn bytes(&self, argument: usize) -> Vec<u8> {
        let [from, length] = [argument, argument + 1].map(|number| self.arguments[number].cast_unsigned() as usize);
        let mut bytes = vec![0; length];
        self.memory().read(&self.caller, from, &mut bytes).unwrap();
        bytes
    }

    /// Writes where the argument of this number points to.
    fn write(&mut self, argument: usize, bytes: &[u8]) -> i32 {
        let (memory, to) = (self.memory(), self.arguments[argument].cast_unsigned() as usize);
        memory.write(&mut self.caller, to, bytes).unwrap();
        OK
    }

    /// Hands over a copy in memory of the module's own; this argument points to where it begins, the next to its length.
    fn give(&mut self, bytes: &[u8], argument: usize) -> Result<i32, Error> {
        let length = i32::try_from(bytes.len()).unwrap();
        let allocate = self.caller.get_export("proxy_on_memory_allocate").and_then(wasmi::Extern::into_func).unwrap();
        let allocate = allocate.typed::<i32, i32>(&self.caller)?;
        let at = allocate.call(&mut self.caller, length)?;
        let memory = self.memory();
        memory.write(&mut self.caller, at.cast_unsigned() as usize, bytes).unwrap();
        self.write(argument, &at.to_le_bytes());
        Ok(self.write(argument + 1, &length.to_le_bytes()))
    }
}

/// As header maps are handed over: how many, the two lengths of each, then each text and a NUL.
fn serialized(lines: &Lines) -> Vec<u8> {
    let number = |length: usize| u32::try_from(length).unwrap().to_le_bytes();
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
