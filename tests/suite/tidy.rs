//! The house is kept: which room may depend on which, and how long a file may be.

use crate::support::root;
use serde_json::Value;
use std::{collections::BTreeSet, path::Path};

/// The arrows between the rooms; they point down only.
const ARROWS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("formats", &["domain"]),
    ("entity", &["domain"]),
    ("migration", &[]),
    ("service", &["domain", "formats", "entity", "migration"]),
    ("schema", &["domain", "service"]),
    ("api", &["domain", "service", "schema"]),
];

/// What a room leaves to others: SQL to `service`, the tables to `entity` and `migration`.
const NOT_FOR: &[(&str, &[&str])] = &[
    ("sqlx", &["domain", "formats", "schema", "api"]),
    ("sea-orm-migration", &["domain", "formats", "schema", "api"]),
    ("sea-orm", &["formats", "schema", "api"]),
];

#[test]
fn arrows_between_rooms_point_down_only() {
    let manifests = Manifests::read();
    for (room, allowed) in ARROWS {
        for other in manifests.dependencies(room).iter().filter(|name| ARROWS.iter().any(|(room, _)| room == name)) {
            assert!(allowed.contains(&other.as_str()), "{room} must not depend on {other}");
        }
    }
}

#[test]
fn only_the_rooms_of_the_store_depend_on_its_libraries() {
    let manifests = Manifests::read();
    for (library, rooms) in NOT_FOR {
        for room in *rooms {
            assert!(!manifests.dependencies(room).contains(*library), "{room} must not depend on {library}");
        }
    }
    assert!(manifests.dependencies("service").contains("sqlx"), "the check sees what is there");
}

/// The manifests of the workspace, as cargo understands them.
struct Manifests(Value);

impl Manifests {
    fn read() -> Self {
        let mut cargo = std::process::Command::new(env!("CARGO"));
        cargo.args(["metadata", "--no-deps", "--format-version", "1", "--locked"]).current_dir(root());
        let output = cargo.output().expect("cargo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self(serde_json::from_slice(&output.stdout).expect("JSON"))
    }

    /// What a room depends on, under its own name, also for its tests or its build alone.
    fn dependencies(&self, room: &str) -> BTreeSet<String> {
        let packages = self.0["packages"].as_array().expect("packages");
        let package = packages.iter().find(|package| package["name"] == room).unwrap_or_else(|| panic!("no {room}"));
        let dependencies = package["dependencies"].as_array().expect("dependencies").iter();
        dependencies.map(|dependency| dependency["name"].as_str().expect("a name").to_owned()).collect()
    }
}

/// Every room that holds Rust.
const ROOMS: &[&str] = &["domain", "formats", "entity", "migration", "service", "schema", "api", "tests"];

#[test]
fn no_function_is_longer_than_80_lines() {
    let mut long = Vec::new();
    for room in ROOMS {
        visit(&root().join(room), &mut |path, text| {
            for (name, lines) in functions(text).into_iter().filter(|(_, lines)| *lines > 80) {
                long.push(format!("{}: {name} has {lines} lines", path.display()));
            }
        });
    }
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn the_length_of_a_function_is_seen() {
    let text = "impl X {\n    pub(crate) async fn long(&self) {\n        if x {\n        }\n    }\n\n    fn none();\n}\nfn one() {}\n";
    assert_eq!(functions(text), [("long".to_owned(), 4), ("one".to_owned(), 1)]);
}

/// The functions of a file with their lines, from `fn` to the brace that closes it in the same column.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let name_of = |line: &str| {
        let (before, after) = line.split_once("fn ")?;
        let is_declared = before.split_whitespace().all(|word| word.starts_with("pub") || MODIFIERS.contains(&word));
        is_declared.then(|| after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>())
    };
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = name_of(line).filter(|name| !name.is_empty()) else { continue };
        if line.ends_with('}') {
            found.push((name, 1));
            continue;
        }
        // A declaration without a body ends with a semicolon in its own column or its only line.
        let own = lines[at..].iter().position(|end| {
            (end.ends_with(';') || end.trim_start().starts_with('}')) && indentation(end) == indentation(line)
        });
        if let Some(end) = own.filter(|end| !lines[at + end].ends_with(';')) {
            found.push((name, end + 1));
        }
    }
    found
}

const MODIFIERS: &[&str] = &["async", "const", "unsafe", "extern"];

#[test]
fn no_file_is_longer_than_400_lines() {
    let mut long = Vec::new();
    for room in ROOMS {
        visit(&root().join(room), &mut |path, text| {
            let lines = text.lines().count();
            if lines > 400 {
                long.push(format!("{}: {lines} lines", path.display()));
            }
        });
    }
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn only_service_speaks_to_the_store() {
    for room in ["schema", "api", "formats", "domain"] {
        visit(&root().join(room).join("src"), &mut |path, text| {
            for word in ["sqlx::", "EntityTrait", "entity::", "ConnectionTrait"] {
                // Within another word, as in `identity::`, it is none.
                let is_whole = |at: usize| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
                let uses = text.match_indices(word).any(|(at, _)| is_whole(at));
                assert!(!uses, "{} uses {word}", path.display());
            }
        });
    }
}

fn visit(folder: &Path, each: &mut dyn FnMut(&Path, &str)) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            visit(&path, each);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            each(&path, &std::fs::read_to_string(&path).expect("text"));
        }
    }
}
