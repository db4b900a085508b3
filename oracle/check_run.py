#!/usr/bin/env python3
"""Checks every finished model of run folders: TFLM and LiteRT give our interpreter's outputs, bit for bit, and TFLM
loads the file in the arena that the report states plus at most 1 % (or 32 bytes).

Usage: check_run.py RUN...

Needs `cargo build --release -p danas-deploy --example infer`. Prints a line per model; the exit status is 0 when all
of them hold and there is at least one.
"""

import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from check import check

EXAMPLES = 200
TOLERANCE = 0.01
LEAST_TOLERANCE = 32


def infer_program():
    """Our interpreter, built by cargo."""
    root = Path(__file__).resolve().parent.parent
    target = Path(os.environ.get("CARGO_TARGET_DIR", root / "target"))
    return target / "release" / "examples" / "infer"


def inputs_for(model, rng):
    """Noise, and smooth pictures, which reach other values inside a network than noise does."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=model)
    shape = interpreter.get_input_details()[0]["shape"][1:]
    noise = rng.integers(-128, 128, size=(EXAMPLES // 2, *shape))
    coarse = rng.integers(-128, 128, size=(EXAMPLES - len(noise), 5, 5, shape[2]))
    rows = np.linspace(0, 4, shape[0]).round().astype(int)
    columns = np.linspace(0, 4, shape[1]).round().astype(int)
    smooth = coarse[:, rows][:, :, columns]
    return np.concatenate([noise, smooth]).astype(np.int8)


def loads_in(model, arena_bytes):
    """Whether TFLM accepts the model with an arena of this size."""
    from tflite_micro import runtime

    try:
        runtime.Interpreter.from_bytes(model, arena_size=arena_bytes)
    except RuntimeError:
        return False
    return True


def check_model(path, stated, rng):
    """Prints a line for one model; returns whether all holds."""
    model = path.read_bytes()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.tflite").write_bytes(model)
        inputs_for(model, rng).tofile(folder / "inputs.bin")
        files = [folder / part for part in ("model.tflite", "inputs.bin", "expected.bin")]
        subprocess.run([infer_program(), *files], check=True)
        report = check(folder)
    equal = report["expected_equal_tflm"] and report["expected_equal_litert"]
    fits = loads_in(model, stated + max(int(stated * TOLERANCE), LEAST_TOLERANCE))
    print(
        f"{path}: {report['examples']} inputs, outputs {'equal' if equal else 'DIFFER'}; "
        f"arena stated {stated}, used {report['arena_bytes']} "
        f"({report['arena_bytes'] / stated - 1:+.2%}), {'loads' if fits else 'DOES NOT LOAD'}",
        flush=True,
    )
    return equal and fits


def main(runs):
    if not runs:
        print(__doc__, file=sys.stderr)
        return 1
    rng = np.random.default_rng(7)
    results = []
    for run in map(Path, runs):
        with open(run / "front.csv", newline="", encoding="utf-8") as table:
            for row in csv.DictReader(table):
                if row["model"]:
                    stated = int(row["host_arena_bytes"])
                    results.append(check_model(run / row["model"], stated, rng))
    print(f"{sum(results)} of {len(results)} models hold")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
