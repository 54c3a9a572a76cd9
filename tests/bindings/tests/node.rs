//! The package of Node.js, tested by its own runner, and its types by TypeScript.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::process::Command;

use kinora_bindings::{copy_files, limited, root, shared_library, succeed};
use kinora_test_support::skip;

fn has(program: &str) -> bool {
    let answers = Command::new(program).arg("--version").output();
    answers.is_ok_and(|answer| answer.status.success())
}

#[test]
fn the_tests_of_node_pass() {
    if !has("node") {
        return skip("there is no node (apt: nodejs)");
    }
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join("kinora");
    copy_files(&root().join("bindings/node"), &package);
    copy_files(&root().join("bindings/node/test"), &package.join("test"));
    std::fs::copy(shared_library("kinora_node"), package.join("kinora.node")).unwrap();
    let mut node = limited(Path::new("node"));
    node.current_dir(&package).args(["--test", "test/"]);
    let told = succeed(&mut node);
    assert!(
        told.contains("fail 0") && told.contains("skipped 0"),
        "{told}"
    );
}

#[test]
fn the_types_are_those_that_programs_need() {
    if !has("tsc") {
        return skip("there is no tsc (apt: node-typescript)");
    }
    let mut tsc = limited(Path::new("tsc"));
    tsc.args(["--noEmit", "--strict", "--target", "es2022"])
        .args(["--lib", "es2022,dom", "--moduleResolution", "node"])
        .arg(root().join("bindings/node/test/types.ts"));
    succeed(&mut tsc);
}
