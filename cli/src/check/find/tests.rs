use crate::check::input::{Input, understand};
use crate::document::file::File;

fn read(text: &str) -> Input {
    understand(vec![File { name: "a.yaml".to_owned(), text: text.to_owned() }])
}

/// Kind, path, name, and the line and column of each configuration that is found.
fn found(text: &str) -> Vec<String> {
    let input = read(text);
    let shown = |configuration: &crate::check::configuration::Configuration| {
        let place = configuration.place().start;
        let (kind, name) = (configuration.kind.name(), configuration.name.as_deref().unwrap_or("-"));
        let root = if configuration.root.is_some() { "" } else { " without root" };
        format!("{kind} {:?} {name} {}:{}{root}", configuration.path, place.line, place.column)
    };
    input.configurations.iter().map(shown).collect()
}

fn faults(text: &str) -> Vec<String> {
    let fault = |fault: &crate::check::diagnostic::Diagnostic| {
        let place = fault.span.start;
        format!("{} {:?} {}:{} {}", fault.code, fault.configuration, place.line, place.column, fault.document)
    };
    read(text).faults.iter().map(fault).collect()
}

const LISTENER: &str = "
static_resources:
  listeners:
  - filter_chains:
    - filters:
      - typed_config:
          http_filters:
          - name: FILTER
            typed_config:
              '@type': type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
              config:
                configuration:
                  CONFIGURATION
";

fn listener(name: &str, configuration: &str) -> String {
    LISTENER.replace("FILTER", name).replace("CONFIGURATION", configuration)
}

#[test]
fn configurations_are_found_in_every_kind_of_document() {
    let path = "static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters[0].typed_config.\
                config.configuration";
    for (text, is) in [
        ("providers: []\n".to_owned(), vec!["plain \"\" - 1:1".to_owned()]),
        ("x: 1\n".to_owned(), vec!["plain \"\" - 1:1".to_owned()]),
        ("kind: a\nproviders: []\n---\nnode: 1\napis: []\n".to_owned(),
         vec!["plain \"\" - 1:1".to_owned(), "plain \"\" - 4:1".to_owned()]),
        ("kind: Deployment\nspec: {}\n---\nadmin: {}\n---\n~\n---\nstaticResources: {}\n".to_owned(), vec![]),
        (listener("a", "{value: {apis: []}}"), vec![format!("envoy \"{path}.value\" a 13:27")]),
        (listener("a", "{'@type': x/google.protobuf.Struct, value: {apis: []}}"), vec![format!("envoy \"{path}.value\" a 13:62")]),
        (listener("a", "{'@type': StringValue, value: '{\"apis\": []}'}"), vec![format!("envoy \"{path}.value\" a 13:50")]),
        (listener("my-tessera", "{'@type': StringValue, value: '{}'}"), vec![format!("envoy \"{path}.value\" my-tessera 13:50")]),
        (listener("a", "{'@type': StringValue, value: '{\"b\": []}'}"), vec![]),
        (listener("a", "{'@type': StringValue, value: 'apis'}"), vec![format!("envoy \"{path}.value\" a 12:17 without root")]),
        (listener("a", "{'@type': StringValue, value: 'x'}"), vec![]),
        (listener("a", "{root_id: x}"), vec![]),
        ("resources:\n- '@type': x/envoy.config.core.v3.TypedExtensionConfig\n  name: n\n  typed_config:\n    '@type': \
          x/xds.type.v3.TypedStruct\n    type_url: x/envoy.extensions.filters.http.wasm.v3.Wasm\n    value: {config: {name: \
          Tessera}}\n".to_owned(), vec!["envoy \"resources[0].typed_config.value.config.configuration\" n 7:21 without root".to_owned()]),
        ("kind: WasmPlugin\nmetadata: {name: n}\nspec:\n  url: oci://x/tessera:1\n".to_owned(),
         vec!["WasmPlugin \"spec.pluginConfig\" n 4:3 without root".to_owned()]),
        ("kind: WasmPlugin\nmetadata: {name: n}\nspec:\n  url: oci://x/other:1\n  pluginConfig: {providers: 1}\n".to_owned(),
         vec!["WasmPlugin \"spec.pluginConfig\" n 5:17".to_owned()]),
        ("kind: WasmPlugin\nspec:\n  url: oci://x/other:1\n  pluginConfig: {a: 1}\n".to_owned(), vec![]),
        ("kind: TrafficExtension\nspec:\n  wasm: {pluginConfig: {apis: 1}}\n".to_owned(),
         vec!["TrafficExtension \"spec.wasm.pluginConfig\" - 3:24".to_owned()]),
        ("kind: TrafficExtension\nmetadata: {name: tessera}\nspec:\n  lua: {}\n".to_owned(), vec![]),
        ("kind: EnvoyExtensionPolicy\nmetadata: {name: tessera}\nspec:\n  wasm:\n  - config: {a: 1}\n".to_owned(),
         vec!["EnvoyExtensionPolicy \"spec.wasm[0].config\" tessera 5:13".to_owned()]),
        ("kind: EnvoyExtensionPolicy\nmetadata: {name: p}\nspec:\n  wasm:\n  - name: a\n  dynamicModule:\n  - filterName: Tessera\n".to_owned(),
         vec!["EnvoyExtensionPolicy \"spec.dynamicModule[0].config\" p 7:5 without root".to_owned()]),
        ("kind: List\nitems:\n- kind: EnvoyExtensionPolicy\n  spec:\n    wasm:\n    - config: {a: 1}\n    - rootID: tessera\n      \
          config: '{\"a\": 1}'\n".to_owned(),
         vec!["EnvoyExtensionPolicy \"items[0].spec.wasm[1].config\" - 8:16".to_owned()]),
        ("kind: EnvoyFilter\nmetadata: {name: n}\nspec:\n  configPatches:\n  - patch:\n      value:\n        typed_config:\n          \
          '@type': x/envoy.extensions.filters.http.wasm.v3.Wasm\n          config: {configuration: {'@type': x, value: {apis: \
          1}}}\n".to_owned(),
         vec!["EnvoyFilter \"spec.configPatches[0].patch.value.typed_config.config.configuration.value\" n 9:55".to_owned()]),
        ("kind: EnvoyFilter\nmetadata: {name: n}\nspec:\n  configPatches:\n  - patch:\n      value:\n        typed_config:\n          \
          '@type': x/udpa.type.v1.TypedStruct\n          type_url: x/envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter\n          \
          value: {filter_config: {'@type': x, value: '{\"apis\": 1}'}}\n".to_owned(),
         vec!["EnvoyFilter \"spec.configPatches[0].patch.value.typed_config.value.filter_config.value\" n 10:55".to_owned()]),
    ] {
        assert_eq!(found(&text), is, "{text}");
    }
}

#[test]
fn what_is_not_there_is_noted() {
    for (text, is) in [
        ("", vec!["no-configuration None 1:1 1"]),
        ("---\n# c\n---\nkind: Service\n", vec!["no-configuration None 1:1 1"]),
        ("a: [\n", vec!["syntax None 2:1 1"]),
        ("a: [\n---\nproviders: 1\n", vec!["syntax None 2:1 1"]),
        ("kind: WasmPlugin\nspec: {pluginName: tessera}\n", vec!["no-configuration Some(0) 2:7 1"]),
        ("kind: WasmPlugin\nspec: {pluginName: tessera, pluginConfig: {}}\n", vec!["no-configuration Some(0) 2:43 1"]),
        (
            "---\nkind: WasmPlugin\nspec: {pluginName: tessera, pluginConfig: ''}\n",
            vec!["no-configuration Some(0) 3:43 1"],
        ),
        (
            "kind: WasmPlugin\nspec:\n  pluginName: tessera\n  pluginConfig: |\n    {\n      \"a\" 1}\n",
            vec!["syntax Some(0) 6:11 1"],
        ),
    ] {
        assert_eq!(faults(text), is, "{text}");
    }
}
