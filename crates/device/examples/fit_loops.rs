//! Fits what the loops of the generated C code cost to the instructions that `scripts/count-instructions.py` counted:
//! `cargo run --release -p danas-device --example fit_loops > crates/device/loops.toml`.

#[allow(dead_code)] // the tests use the rest of it
#[path = "../tests/costs/counts.rs"]
mod counts;
#[allow(dead_code)] // as above
#[path = "../tests/costs/support.rs"]
mod support;

use danas_device::GeneratedLoop;
use std::collections::BTreeMap;

const HEAD: &str = "\
# Instructions of one turn of each loop of the generated C code, by the core that it was compiled for: fitted by
# examples/fit_loops.rs to tests/costs/instructions. src/latency/generated.rs says what the loops are.
";

fn main() -> Result<(), toml::ser::Error> {
    print!("{HEAD}");
    for (_, core) in counts::CORES {
        let costs: BTreeMap<GeneratedLoop, f64> = counts::fit(&counts::counted(core, "training"))
            .into_iter()
            .map(|(turning, instructions)| (turning, (100.0 * instructions).round() / 100.0))
            .collect();
        print!("\n[{core}]\n{}", toml::to_string(&costs)?);
    }
    Ok(())
}
