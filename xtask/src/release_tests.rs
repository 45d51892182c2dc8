//! A release of what is in the repository, with stand-ins for what takes long to build: it is whole, and not when anything
//! of it is missing or changed.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::{CHECKSUMS, Contents, check, problems};
use crate::digest::sha256;
use crate::dist::{self, Parts};
use crate::manifests::Digests;
use crate::package::Package;
use crate::sbom::SUBJECTS;
use crate::{bill, files, image, manifests, native_image, sbom};

/// What cargo says of the packages.
static CONTENTS: LazyLock<Contents> = LazyLock::new(|| dist::contents().unwrap());

/// A release in a folder that goes when the test ends.
struct Scene {
    folder: PathBuf,
    contents: &'static Contents,
}

impl Scene {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("tessera-release-{}-{name}", std::process::id()));
        let contents = &*CONTENTS;
        let [layout, native_layout, filled, release] =
            ["image", "native-image", "manifests", "dist"].map(|name| folder.join(name));
        let module = b"\0asm".to_vec();
        let libraries = vec![b"\x7fELF first".to_vec(), b"\x7fELF second".to_vec()];
        let package = Package::read().unwrap();
        let digests = Digests {
            image: image::write(&module, &package, &layout).unwrap(),
            module: sha256(&module),
            native: Some(native_image::write(&libraries, &package, &native_layout).unwrap()),
        };
        manifests::write(&filled, &digests).unwrap();
        let command = folder.join("command");
        fs::write(&command, "#!/bin/sh\n").unwrap();
        let bills = SUBJECTS.iter().map(|subject| listing(contents, subject.file).to_string()).collect();
        let parts = Parts {
            module,
            libraries,
            image: layout,
            native_image: native_layout,
            manifests: filled,
            command,
            schema: "{}".to_owned(),
            bills,
        };
        parts.write(&release).unwrap();
        let scene = Self { folder, contents };
        check(&scene.release(), scene.contents).unwrap();
        scene
    }

    fn release(&self) -> PathBuf {
        self.folder.join("dist")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.release().join(name)
    }

    fn problems(&self) -> Vec<String> {
        problems(&self.release(), self.contents).unwrap()
    }

    /// The problems while a file has another content, for which the checksums are made anew.
    fn with(&self, name: &str, content: &[u8]) -> Vec<String> {
        let (file, sums) = (self.file(name), self.file(CHECKSUMS));
        let (before, told) = (fs::read(&file).unwrap(), fs::read_to_string(&sums).unwrap());
        fs::write(&file, content).unwrap();
        fs::write(&sums, told.replace(&sha256(&before), &sha256(content))).unwrap();
        let problems = self.problems();
        fs::write(&file, before).unwrap();
        fs::write(&sums, told).unwrap();
        problems
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The bill that cargo-cyclonedx would write, with no more than it must have.
fn listing(contents: &Contents, file: &str) -> Value {
    let component = |each: &String| {
        let (name, version) = each.split_once(' ').unwrap();
        json!({"type": "library", "bom-ref": each, "name": name, "version": version,
            "purl": format!("pkg:cargo/{name}@{version}?download_url=file://.")})
    };
    let mut components: Vec<Value> = contents.crates[file].iter().map(component).collect();
    let subject = components.pop().unwrap();
    json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "metadata": {"component": subject},
        "dependencies": [{"ref": subject["bom-ref"], "dependsOn": [components[0]["bom-ref"]]}], "components": components})
}

#[test]
fn a_release_without_one_of_its_files_is_not_whole() {
    let scene = Scene::new("missing");
    for name in files::all(&scene.release()).unwrap() {
        let (file, aside) = (scene.file(&name), scene.folder.join("aside"));
        fs::rename(&file, &aside).unwrap();
        let problems = scene.problems();
        assert!(problems.contains(&format!("{name} is missing")), "{name}: {problems:?}");
        fs::rename(&aside, &file).unwrap();
    }
    assert!(scene.problems().is_empty());
    for name in ["tessera.wasm", "tessera.schema.json", "manifests/istio/gateway/plugin.yaml", "prometheus/rules.yaml"]
    {
        assert!(scene.contents.files.contains(name), "{name}");
    }
}

#[test]
fn a_release_with_a_changed_file_is_not_whole() {
    let scene = Scene::new("changed");
    for name in scene.contents.files.clone() {
        let file = scene.file(&name);
        let before = fs::read(&file).unwrap();
        let mut changed = before.clone();
        *changed.last_mut().unwrap() ^= 1;
        fs::write(&file, changed).unwrap();
        let expected = format!("{name} has another content than {CHECKSUMS} says");
        assert!(scene.problems().contains(&expected), "{name}: {:?}", scene.problems());
        fs::write(&file, before).unwrap();
    }
    assert!(scene.problems().is_empty());
}

#[test]
fn checksums_are_of_all_files_and_of_no_other() {
    let scene = Scene::new("checksums");
    let told = fs::read_to_string(scene.file(CHECKSUMS)).unwrap();
    let (first, rest) = told.split_once('\n').unwrap();
    let name = first.split_once("  ").unwrap().1;
    fs::write(scene.file(CHECKSUMS), rest).unwrap();
    assert_eq!(scene.problems(), [format!("{CHECKSUMS} does not know {name}")]);
    fs::write(scene.file(CHECKSUMS), format!("{told}{first}.old\n")).unwrap();
    assert_eq!(scene.problems(), [format!("{CHECKSUMS} knows {name}.old, which is not there")]);
    fs::write(scene.file(CHECKSUMS), &told).unwrap();
    fs::write(scene.file("notes.txt"), "").unwrap();
    let expected = ["notes.txt is no part of a release", "SHA256SUMS does not know notes.txt"];
    assert_eq!(scene.problems(), expected);
}

#[test]
fn a_bill_names_each_crate_of_module_command_and_registry() {
    let scene = Scene::new("bills");
    for (file, some) in [
        ("tessera.cdx.json", ["proxy-wasm", "tessera-core"]),
        ("tessera-cli.cdx.json", ["clap", "saphyr-parser"]),
        ("tessera-registry.cdx.json", ["axum", "sqlx"]),
    ] {
        let crates = &scene.contents.crates[file];
        assert!(some.iter().all(|name| crates.iter().any(|each| each.starts_with(&format!("{name} ")))), "{crates:?}");
        let whole = listing(scene.contents, file);
        for number in 0..whole["components"].as_array().unwrap().len() {
            let mut without = whole.clone();
            let gone = without["components"].as_array_mut().unwrap().remove(number);
            let named = format!("it does not name {}", gone["bom-ref"].as_str().unwrap());
            let problems = bill::problems(&without.to_string(), crates);
            assert!(problems.contains(&named), "{problems:?}");
            if number == 0 {
                assert!(scene.with(file, without.to_string().as_bytes()).contains(&format!("{file}: {named}")));
            }
        }
    }
}

#[test]
fn crates_are_those_of_the_lock_file() {
    let lock = fs::read_to_string(crate::module::root().unwrap().join("Cargo.lock")).unwrap();
    for each in CONTENTS.crates.values().flatten() {
        let (name, version) = each.split_once(' ').unwrap();
        assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n")), "{each}");
    }
}

/// `make dist` does the same.
#[test]
#[ignore = "installs cargo-cyclonedx, which takes minutes"]
fn the_tool_writes_such_bills() {
    for (subject, text) in SUBJECTS.iter().zip(sbom::build().unwrap()) {
        let problems = bill::problems(&text, &CONTENTS.crates[subject.file]);
        assert!(problems.is_empty(), "{}: {problems:#?}", subject.file);
    }
}

/// A change of a bill, and what is said of it.
type Fault = (&'static str, Value, &'static str);

#[test]
fn a_bill_has_the_members_that_its_schema_requires() {
    let scene = Scene::new("members");
    let file = "tessera.cdx.json";
    let twice = listing(scene.contents, file)["components"][0].clone();
    let faults: Vec<Fault> = vec![
        ("/bomFormat", json!("SPDX"), "bomFormat is not \"CycloneDX\""),
        ("/specVersion", json!("1.3"), "specVersion is not \"1.5\""),
        ("/metadata/component", Value::Null, "a component has no type"),
        ("/metadata", json!({}), "it says of nothing what it is"),
        ("/components/3/type", Value::Null, "a component has no type"),
        ("/components/3/type", json!("crate"), "is of no kind that there is: crate"),
        ("/components/3/name", json!(""), "a component has no name"),
        ("/components/3/version", Value::Null, "a component has no version"),
        ("/components/3/bom-ref", Value::Null, "a component has no bom-ref"),
        ("/components/3/purl", json!("pkg:cargo/other@1.0.0"), "is pkg:cargo/other@1.0.0"),
        ("/components/3", twice, "is there twice"),
        ("/dependencies/0/ref", Value::Null, "dependencies: \"\" is no component"),
        ("/dependencies/0/dependsOn/0", json!("nobody"), "dependencies: \"nobody\" is no component"),
    ];
    for (path, value, expected) in faults {
        let mut faulty = listing(scene.contents, file);
        *faulty.pointer_mut(path).unwrap() = value;
        let problems = scene.with(file, faulty.to_string().as_bytes());
        assert!(problems.iter().any(|problem| problem.contains(expected)), "{path}: {problems:?}");
    }
    assert!(scene.with(file, b"{").iter().any(|problem| problem.contains("it is no JSON")));
    check(&scene.release(), scene.contents).unwrap();
}
