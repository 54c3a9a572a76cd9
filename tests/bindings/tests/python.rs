//! The package of Python, tested by pytest.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use kinora_bindings::{copy_files, limited, root, shared_library, succeed};
use kinora_test_support::skip;
use tempfile::TempDir;

/// The interpreter that has what the tests need: Debian's has, and is not always the first one.
fn interpreter() -> Option<&'static Path> {
    ["python3", "/usr/bin/python3"]
        .map(Path::new)
        .into_iter()
        .find(|python| {
            let imports = "import numpy, pytest, PIL";
            let mut command = Command::new(python);
            let tried = command.args(["-c", imports]).output();
            tried.is_ok_and(|tried| tried.status.success())
        })
}

/// The package as it is installed, with the library that was just built.
fn installed() -> &'static Path {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let package = folder.path().join("kinora");
        copy_files(&root().join("bindings/python/kinora"), &package);
        std::fs::copy(shared_library("kinora_py"), package.join("_kinora.abi3.so")).unwrap();
        folder
    });
    folder.path()
}

/// The interpreter where the package is installed.
fn python() -> Option<Command> {
    let Some(python) = interpreter() else {
        skip(
            "no Python with numpy, pytest and PIL (apt: python3-numpy, python3-pytest, python3-pil)",
        );
        return None;
    };
    let mut command = limited(python);
    command
        .current_dir(installed())
        .env("PYTHONPATH", installed())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    Some(command)
}

fn tests() -> PathBuf {
    root().join("bindings/python/tests").canonicalize().unwrap()
}

#[test]
fn pytest_passes() {
    let Some(mut python) = python() else { return };
    python
        .args(["-m", "pytest", "-q", "-p", "no:cacheprovider"])
        .arg(tests());
    let told = succeed(&mut python);
    assert!(
        told.contains(" passed") && !told.contains("skipped"),
        "{told}"
    );
}
