//! Puts the SDKs into the build folder, once for each list of versions.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::clients;

fn room(name: &str) -> PathBuf {
    let room = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&room).unwrap();
    room
}

/// Runs a step of an installation; it is said what to do where it fails.
fn install(command: &mut Command) {
    let done = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}. make setup installs it"));
    let reported = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success(),
        "{command:?} failed. Is there a network? KINORA_OFFLINE=1 leaves the vendor's SDKs out.\n{reported}"
    );
}

/// Leaves a mark once all steps are done, so that they are done once.
fn once(room: &Path, made_of: &Path, steps: impl FnOnce()) {
    // Two tests share the packages of Node.
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _alone = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let (mark, wanted) = (
        room.join("installed"),
        std::fs::read_to_string(made_of).unwrap(),
    );
    if std::fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return;
    }
    steps();
    std::fs::write(mark, wanted).unwrap();
}

/// An environment of Python with these packages.
pub(crate) fn python(name: &str, wanted: &Path) -> PathBuf {
    let room = room(name);
    once(&room, wanted, || {
        install(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(&room),
        );
        install(
            Command::new(room.join("bin/pip"))
                .args(["install", "--quiet", "--disable-pip-version-check", "-r"])
                .arg(wanted),
        );
    });
    room
}

/// A folder with the packages of Node.
pub(crate) fn node() -> PathBuf {
    let (room, wanted) = (room("node"), clients().join("package-lock.json"));
    once(&room, &wanted, || {
        for file in ["package.json", "package-lock.json"] {
            std::fs::copy(clients().join(file), room.join(file)).unwrap();
        }
        install(
            Command::new("npm")
                .args(["ci", "--silent", "--no-audit", "--no-fund"])
                .current_dir(&room),
        );
    });
    room
}
