//! The option `--isa`.

use clap::Args;
use danas_supernet::Isa;

/// What to compute with.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct Instructions {
    /// The instructions to compute with: avx512, avx2, neon, portable [default: the fastest there are]
    #[arg(long, value_name = "NAME", env = "DANAS_ISA", value_parser = parse_isa)]
    isa: Option<Isa>,
}

impl Instructions {
    /// Those asked for, or the fastest that this machine has.
    pub(crate) fn choice(self) -> Isa {
        self.isa.unwrap_or_else(Isa::detect)
    }
}

/// A set of instructions that this machine has.
fn parse_isa(text: &str) -> Result<Isa, String> {
    let available: Vec<&str> = Isa::available().into_iter().map(Isa::name).collect();
    match Isa::parse(text.trim()) {
        Some(isa) if isa.is_available() => Ok(isa),
        Some(isa) => Err(format!(
            "this machine has no {isa} instructions, but {}",
            available.join(", ")
        )),
        None => Err(format!(
            "not a set of instructions; this machine has {}",
            available.join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_instructions_that_are_there_can_be_chosen() {
        for isa in Isa::ALL {
            assert_eq!(
                parse_isa(isa.name()).ok(),
                isa.is_available().then_some(isa)
            );
        }
        assert!(parse_isa("mmx").unwrap_err().contains("portable"));
    }
}
