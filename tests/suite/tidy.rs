//! The house is kept: which room may depend on which, and how long a file may be.

use crate::support::root;
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

#[test]
fn arrows_between_rooms_point_down_only() {
    let rooms: BTreeSet<&str> = ARROWS.iter().map(|(room, _)| *room).collect();
    for (room, allowed) in ARROWS {
        let manifest = std::fs::read_to_string(root().join(room).join("Cargo.toml")).expect("a manifest");
        let depends = manifest.lines().filter_map(|line| line.split(" = ").next()).filter(|name| rooms.contains(name));
        for other in depends {
            assert!(allowed.contains(&other), "{room} must not depend on {other}");
        }
    }
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let mut long = Vec::new();
    for room in ["domain", "formats", "entity", "migration", "service", "schema", "api", "tests"] {
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
                assert!(!text.contains(word), "{} uses {word}", path.display());
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
