//! What a module of Node's is linked with.

fn main() {
    napi_build::setup();
}
