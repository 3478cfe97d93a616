//! The test world: a server in this process, with people who can do things.

mod store;
mod world;

pub(crate) use store::{Kind, TestStore};
pub(crate) use world::{ALL, Answer, Person, World};

/// Runs each of the tests on both stores.
macro_rules! on_both_stores {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::support::Kind::Sqlite).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::support::Kind::Postgres).await;
            })*
        }
    };
}
pub(crate) use on_both_stores;

/// A small fixture of this project.
pub(crate) fn fixture(path: &str) -> Vec<u8> {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path);
    std::fs::read(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

/// The root of the project.
pub(crate) fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a root").to_owned()
}
