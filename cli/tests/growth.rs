//! What `check` takes grows as what it is given: counted in what it asks of the allocator, which no other process changes.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use tessera_cli::check::{self, input, report, view::Views};
use tessera_cli::document::file::File;

/// Counts what the current thread asks for.
struct Counting;

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is handed to the system allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often memory is asked for where this many items are checked.
fn steps(items: usize, item: &dyn Fn(usize) -> String) -> usize {
    let text = format!("kind: List\nitems:\n{}", (0..items).map(item).collect::<String>());
    let (steps, text) = checked(text);
    assert!(!text.is_empty() && !text.contains("mistake["), "{text}");
    steps
}

/// How often memory is asked for where this text is checked, and what is said of it.
fn checked(text: String) -> (usize, String) {
    let before = CALLS.get();
    let input = input::understand(vec![File { name: "a.yaml".to_owned(), text }]);
    assert!(!input.configurations.is_empty());
    let diagnostics = check::all(&input, false, &[]);
    let text = report::text(&input, &Views::new(&input), &diagnostics, false);
    (CALLS.get() - before, text)
}

#[track_caller]
fn assert_linear(item: &dyn Fn(usize) -> String) {
    assert_as_many([100, 800].map(|items| steps(items, item)));
}

/// The second of eight times as many.
#[track_caller]
fn assert_as_many([few, many]: [usize; 2]) {
    // Squares would be 64 times as many.
    assert!(many < 12 * few, "{few} for 100, {many} for 800");
}

fn plugin(number: usize, cluster: &str) -> String {
    format!(
        "- kind: WasmPlugin
  metadata: {{name: tessera-{number}}}
  spec:
    url: oci://registry.example.com/tessera:1
    selector: {{matchLabels: {{app: a{number}}}}}
    pluginConfig:
      providers:
      - name: main
        introspection: {{endpoint: 'https://idp.example.com/i', cluster: '{cluster}', client: {{auth: none}}}}
      apis: [{{id: orders}}]
"
    )
}

fn entry(number: usize) -> String {
    format!(
        "- apiVersion: networking.istio.io/v1
  kind: ServiceEntry
  spec: {{hosts: [idp{number}.example.com], ports: [{{number: 443, name: tls, protocol: TLS}}]}}
- apiVersion: networking.istio.io/v1
  kind: DestinationRule
  spec: {{host: idp{number}.example.com, trafficPolicy: {{tls: {{mode: SIMPLE}}}}}}
"
    )
}

#[test]
fn plugins_of_a_list() {
    assert_linear(&|number| {
        let shared = if number == 0 { entry(0) } else { String::new() };
        shared + &plugin(number, "outbound|443||idp0.example.com")
    });
}

#[test]
fn plugins_with_servers_of_their_own() {
    assert_linear(&|number| entry(number) + &plugin(number, &format!("outbound|443||idp{number}.example.com")));
}

#[test]
fn policies_of_a_list() {
    assert_linear(&|number| {
        format!(
            "- apiVersion: gateway.envoyproxy.io/v1alpha1
  kind: EnvoyExtensionPolicy
  metadata: {{name: tessera-{number}}}
  spec:
    targetRefs: [{{kind: Gateway, name: g{number}}}]
    wasm:
    - name: tessera
      config:
        providers:
        - name: main
          introspection:
            endpoint: http://idp.example.com/i
            cluster: httproute/default/idp-{number}/rule/0
            client: {{auth: none}}
        apis: [{{id: orders}}]
- apiVersion: gateway.networking.k8s.io/v1
  kind: HTTPRoute
  metadata: {{name: idp-{number}}}
  spec: {{rules: [{{backendRefs: [{{name: idp, port: 80}}]}}]}}
"
        )
    });
}

/// Each is a mistake with an excerpt, on a line of its own or all on one, in the document or in a text within.
#[test]
fn members_that_are_not_known() {
    let members = |count: usize, between: &str| {
        (0..count).map(|number| format!("strange{number}: {{x: {number}}}")).collect::<Vec<_>>().join(between)
    };
    let quoted =
        |count: usize| (0..count).map(|number| format!("\"strange{number}\": {number}")).collect::<Vec<_>>().join(", ");
    let shapes: [&dyn Fn(usize) -> String; 4] = [
        &|count| format!("providers: []\n{}\n", members(count, "\n")),
        &|count| format!("{{providers: [], {}}}\n", members(count, ", ")),
        &|count| {
            format!(
                "kind: WasmPlugin\nspec:\n  url: tessera\n  pluginConfig: |\n    {{\"providers\": [], {}}}\n",
                quoted(count)
            )
        },
        &|count| {
            format!(
                "providers: [{{name: main, introspection: {{client: {{secret: {{{}}}}}}}}}]\n",
                members(count, ", ")
            )
        },
    ];
    for shape in shapes {
        assert_as_many([100, 800].map(|count| {
            let (steps, text) = checked(shape(count));
            assert!(text.matches("mistake[unknown-member]").count() >= count, "{text}");
            steps
        }));
    }
}
