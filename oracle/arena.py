#!/usr/bin/env python3
"""Measures the arena of .tflite files in TensorFlow Lite for Microcontrollers (x86-64 wheel, reference kernels).

Usage: arena.py FOLDER STATED...

STATED are the stated arenas in bytes of FOLDER/0.tflite, FOLDER/1.tflite and so on. Where FOLDER/<n>.bare.tflite
exists too, the same model without a memory plan, both are run on one random input. Prints one JSON object per file:

    {"file", "head_bytes", "loads_at_plus", "loads_at_minus", "equals_bare"}

`head_bytes` is the head as the runtime reports it; `loads_at_...` say whether the model loads and runs with the
stated arena plus and minus 1 %, but at least 32 bytes; `equals_bare` is null without such a file.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
from check import ARENA_BYTES, allocations
from tflite_micro import runtime

TOLERANCE = 0.01
LEAST_TOLERANCE = 32


def runs(model, arena_bytes):
    """Whether a model loads and runs in an arena. In a child process with its errors kept off the screen, for
    with a few sizes the runtime does not refuse but crash."""
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            runtime.Interpreter.from_bytes(model, arena_size=arena_bytes)
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def output(interpreter, seed):
    """What an interpreter makes of a random input."""
    shape = interpreter.get_input_details(0)["shape"]
    example = np.random.default_rng(seed).integers(-128, 128, size=shape).astype(np.int8)
    interpreter.set_input(example, 0)
    interpreter.invoke()
    return interpreter.get_output(0)


def measure(path, stated, seed):
    """The report of one file."""
    model = path.read_bytes()
    interpreter = runtime.Interpreter.from_bytes(model, arena_size=ARENA_BYTES)
    _, head, _ = allocations(interpreter)
    tolerance = max(int(stated * TOLERANCE), LEAST_TOLERANCE)
    report = {
        "file": str(path),
        "head_bytes": head,
        "loads_at_plus": runs(model, stated + tolerance),
        "loads_at_minus": runs(model, stated - tolerance),
        "equals_bare": None,
    }
    bare = path.with_suffix(".bare.tflite")
    if bare.exists():
        twin = runtime.Interpreter.from_bytes(bare.read_bytes(), arena_size=ARENA_BYTES)
        report["equals_bare"] = bool(np.array_equal(output(interpreter, seed), output(twin, seed)))
    return report


def main(arguments):
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 1
    folder = Path(arguments[0])
    for index, stated in enumerate(map(int, arguments[1:])):
        print(json.dumps(measure(folder / f"{index}.tflite", stated, index)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
