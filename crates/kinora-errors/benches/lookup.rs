//! What it costs to look something up in the error table: `cargo bench -p kinora-errors`.
#![allow(missing_docs)]

use kinora_errors::{Code, explain};

fn main() {
    divan::main();
}

#[divan::bench]
fn a_number_is_named() -> String {
    Code::from_number(divan::black_box(0x2005_0006)).name()
}

#[divan::bench(args = ["0x20050006", "537198598", "token_expired", "certificate", "清晰度", "conection refusd"])]
fn what_is_asked_is_looked_up(query: &str) -> explain::LookupResult {
    explain::look_up(divan::black_box(query))
}
