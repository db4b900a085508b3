#!/usr/bin/env python3
"""Count the instructions that the layers of generated C libraries take, in QEMU.

    cargo run --release -p danas-deploy --example write_libraries -- FOLDER COUNT SEED
    scripts/count-instructions.py CORE FOLDER > crates/device/tests/costs/instructions/CORE-SET.tsv
    cargo run --release -p danas-device --example fit_loops > crates/device/loops.toml

FOLDER holds the libraries of random candidates. Each is compiled for CORE (cortex-m0plus, cortex-m4 or cortex-m55) and
run on a machine of QEMU whose time is the number of instructions executed, so that every run gives the same counts. One tab separated row per candidate: the instructions of each layer, and the network in the
tokens of `scripts/device-measure.py`. SET is `training` for what costs are fitted to and `held-out` for what they are
checked on. Needs gcc-arm-none-eabi with newlib, and qemu-system-arm.
"""

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SOURCES = Path(__file__).resolve().parent.parent / "crates/deploy/tests/c"

# The machine that runs the code of each core, its memory, and the instructions to one tick of its timer. QEMU has no
# Cortex-M0+, but a Cortex-M4 runs its code.
MACHINES = {
    "cortex-m0plus": ("mps2-an386", "an386.ld", 40),
    "cortex-m4": ("mps2-an386", "an386.ld", 40),
    "cortex-m55": ("mps3-an547", "an547.ld", 31.25),
}

COMPILER = "arm-none-eabi-gcc"
# As docs/c-export.md measures the libraries.
FLAGS = ["-std=c99", "-O2", "-mthumb", "--specs=rdimon.specs", "-nostartfiles"]
EMULATOR = "qemu-system-arm"
OPTIONS = ["-icount", "shift=0", "-nographic", "-monitor", "none", "-semihosting-config", "enable=on,target=native"]
SECONDS = 600

START = "const int8_t *model_run(void) {\n"
END = "  return AT("


def calls(source):
    """What stands before the calls of the layers in a library's source, the calls, and what stands after them."""
    before, rest = source.split(START)
    body, after = rest.split(END)
    return before + START, body.splitlines(), END + after


def run(command):
    """The output of a program, which must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stderr}")
    return done.stdout


def count(library, core):
    """The row of one library."""
    machine, memory, per_tick = MACHINES[core]
    source = library / "src"
    before, layers, after = calls((source / "model.c").read_text())
    mark = "  MARK();\n"
    with tempfile.TemporaryDirectory() as folder:
        marked = before + mark + "".join(f"{layer}\n{mark}" for layer in layers) + after
        Path(folder, "marked.c").write_text(marked)
        image = Path(folder, "image.elf")
        inputs = [SOURCES / "count_layers.c", SOURCES / "startup.c"]
        where = ["-T", SOURCES / memory, "-I", folder, "-I", source, "-o", image]
        run([COMPILER, *FLAGS, f"-mcpu={core}", *inputs, *where])
        ticks = run([EMULATOR, "-machine", machine, *OPTIONS, "-kernel", image]).split()
    if len(ticks) != len(layers):
        raise SystemExit(f"{library}: {len(ticks)} counts of {len(layers)} layers")
    counts = [str(round(int(number) * per_tick)) for number in ticks]
    network = (library / "network.txt").read_text().strip()
    return f"{','.join(counts)}\t{network}"


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in MACHINES:
        raise SystemExit(__doc__)
    core, folder = sys.argv[1], Path(sys.argv[2])
    libraries = sorted((path.parent for path in folder.glob("*/src")), key=lambda path: int(path.name))
    print("# instructions of each layer\tnetwork")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for row in pool.map(lambda library: count(library, core), libraries):
            print(row, flush=True)


if __name__ == "__main__":
    main()
