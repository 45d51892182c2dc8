//! The module under test with a fault in it that a request can ask for, and that nothing which ships has. In Wasm that is the
//! finished module, with a few instructions before those of `proxy_on_request_headers`: they divide by zero, which no code
//! of Rust does, and the VM is lost. Natively it is a build with the feature `faults`, which panics.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use walrus::ir::BinaryOp;
use walrus::{ExportItem, FunctionBuilder, FunctionId, Module, ValType};

use crate::harness::client::Request;
use crate::harness::envoy_config::{EnvoyBuilder, PLUGIN};
use crate::harness::host::{Host, wasm_filter};
use crate::harness::prerequisites;
use crate::harness::scratch::Scratch;

const CALLBACK: &str = "proxy_on_request_headers";
/// So many header fields ask for the fault; Envoy takes a hundred.
const FIELDS: usize = 80;

/// Envoy reads the module from here with each new configuration.
pub struct Faulty {
    folder: Scratch,
}

impl Faulty {
    pub fn new() -> Self {
        let folder = Scratch::new("faulty");
        if Host::of_tests() == Host::Wasm {
            let module = fs::read(prerequisites::module()).expect("the module");
            fs::write(folder.file("tessera.wasm"), with_fault(&module)).expect("write the module");
        }
        Self { folder }
    }

    /// The builder's next filter, with this configuration.
    pub fn plugin(&self, builder: EnvoyBuilder, configuration: &Value) -> EnvoyBuilder {
        let text =
            json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": configuration.to_string()});
        let builder = builder.with_faults();
        match Host::of_tests() {
            Host::Wasm => builder.filter(PLUGIN, wasm_filter(&self.folder.file("tessera.wasm"), PLUGIN, text)),
            Host::Native => {
                let path = folder_of(prerequisites::faulty_native_module());
                let builder = builder.environment("ENVOY_DYNAMIC_MODULES_SEARCH_PATH", &path);
                builder.filter(PLUGIN, Host::Native.filter(PLUGIN, text))
            }
        }
    }
}

fn folder_of(library: PathBuf) -> String {
    library.parent().expect("a folder").display().to_string()
}

/// Asks for the fault.
pub fn asking(request: Request) -> Request {
    match Host::of_tests() {
        Host::Wasm => (0..FIELDS).fold(request, |request, number| request.header(&format!("x-fault-{number}"), "")),
        Host::Native => request.header("x-fault", "1"),
    }
}

/// What Envoy answers where the VM is lost.
pub const VM_LOST: u16 = 503;

/// The status of a request that asks for it.
pub fn status() -> u16 {
    match Host::of_tests() {
        Host::Wasm => VM_LOST,
        Host::Native => 500,
    }
}

/// Whether a line of Envoy's log tells of this fault, and of no other.
pub fn is_asked_for(line: &str) -> bool {
    let trap = format!("Function: {CALLBACK} failed: Uncaught RuntimeError: divide by zero");
    line.contains(&trap) || line.contains(&place_of_panic())
}

/// As the dynamic module tells it.
fn place_of_panic() -> String {
    let source = include_str!("../../../native/src/engine.rs");
    let line = 1 + source.lines().position(|line| line.contains("a fault that a test asks for")).expect("the fault");
    format!("a fault in the module at native/src/engine.rs:{line}:")
}

/// `proxy_on_request_headers(context, fields, end)` divides by zero before anything else where there are that many fields.
fn with_fault(wasm: &[u8]) -> Vec<u8> {
    let mut module = Module::from_buffer(wasm).expect("a module");
    let callback = module.exports.get_func(CALLBACK).expect("the callback");
    let wrapper = wrapper(&mut module, callback);
    let export = module.exports.iter_mut().find(|export| export.name == CALLBACK).expect("the export");
    export.item = ExportItem::Function(wrapper);
    module.emit_wasm()
}

fn wrapper(module: &mut Module, callback: FunctionId) -> FunctionId {
    let mut function = FunctionBuilder::new(&mut module.types, &[ValType::I32; 3], &[ValType::I32]);
    let arguments = [ValType::I32; 3].map(|kind| module.locals.add(kind));
    let [context, fields, end] = arguments;
    function
        .func_body()
        .local_get(fields)
        .i32_const(i32::try_from(FIELDS).expect("a number"))
        .binop(BinaryOp::I32GeU)
        .if_else(None, |then| _ = then.i32_const(1).i32_const(0).binop(BinaryOp::I32DivU).drop(), |_| {})
        .local_get(context)
        .local_get(fields)
        .local_get(end)
        .call(callback);
    function.finish(arguments.to_vec(), &mut module.funcs)
}
