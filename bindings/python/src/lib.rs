//! Kinora for Python: the native half of the package `kinora`, whose other half is in Python beside it (`kinora/`).
//!
//! Here a call becomes one of the SDK and a fault an exception, and nothing waits with the interpreter's lock held. What is
//! Python's way (context managers, iterators, numpy) is written in Python. Both are held together by `_kinora.pyi`.

mod border;
mod events;
mod memory;
mod player;
mod reader;
mod tell;

/// The native half: see `_kinora.pyi`.
#[pyo3::pymodule(name = "_kinora")]
mod native {
    #[pymodule_export]
    use crate::border::Fault;
    #[pymodule_export]
    use crate::events::{Event, EventStream};
    #[pymodule_export]
    use crate::memory::{Memory, Picture};
    #[pymodule_export]
    use crate::player::Player;
    #[pymodule_export]
    use crate::reader::{AudioReader, VideoReader};
    #[pymodule_export]
    use crate::tell::{code_name, diagnose, explain, panic_for_tests, probe, version};
}
