//! Prints `docs/latency.md`: `cargo run --release -p danas-device --example latency_page > docs/latency.md`.

#[allow(dead_code)] // the tests use the rest of it
#[path = "../tests/costs/counts.rs"]
mod counts;
#[path = "../tests/costs/page.rs"]
mod page;
#[path = "../tests/costs/published.rs"]
mod published;
#[allow(dead_code)] // as above
#[path = "../tests/costs/support.rs"]
mod support;

fn main() {
    print!("{}", page::page());
}
