//! The SDK: Player, threads and wiring
