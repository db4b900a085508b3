#!/usr/bin/env python3
"""Records what TensorFlow Lite for Microcontrollers makes of .tflite files, so that tests without Python can compare.

Usage: record_converted.py FOLDER OUT

For every FOLDER/<name>.tflite writes OUT/<name>.tflite and OUT/<name>.outputs (int8, one example after the other, for the
inputs of `examples`, which the tests make in the same way), and a line of OUT/measured.tsv: the smallest arena that the
file loads and runs with in the x86-64 wheel, the head of it, the tail, and how many outputs differ in LiteRT's reference
kernels, which round once where the runtime's FULLY_CONNECTED rounds twice.
"""

import shutil
import sys
from pathlib import Path

import numpy as np
from arena import runs
from check import litert, run_litert, run_tflm

EXAMPLES = 24
# Numbers of a linear congruential generator (Numerical Recipes, "An even quicker generator").
FACTOR, INCREMENT = 1664525, 1013904223


def examples(shape):
    """Noise, full and faint, and examples that saturate."""
    inputs = np.empty((EXAMPLES, int(np.prod(shape))), dtype=np.int8)
    for number, values in enumerate(inputs):
        state = number
        for index in range(len(values)):
            state = (state * FACTOR + INCREMENT) % 2**32
            noise = (state >> 24) - 128
            values[index] = [noise, int(noise / 8), 127 if noise >= 0 else -128][number % 3]
    return inputs.reshape(EXAMPLES, *shape)


def smallest_arena(model, most):
    """The smallest arena in bytes, by bisection."""
    least = 0
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if runs(model, middle) else (middle, most)
    return most


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 1
    source, target = map(Path, arguments)
    target.mkdir(parents=True, exist_ok=True)
    lines = ["# name\tsmallest arena\thead\ttail\toutputs that differ in LiteRT"]
    for path in sorted(source.glob("*.tflite")):
        model = path.read_bytes()
        interpreter = litert(model)
        inputs = examples(interpreter.get_input_details()[0]["shape"])
        outputs, (total, head, tail) = run_tflm(model, inputs)
        differ = int((outputs != run_litert(interpreter, inputs)).sum())
        if path.parent.resolve() != target.resolve():
            shutil.copy(path, target)
        outputs.tofile(target / f"{path.stem}.outputs")
        arena = smallest_arena(model, 2 * total)
        lines.append("\t".join(map(str, (path.stem, arena, head, tail, differ))))
        print(lines[-1], flush=True)
    (target / "measured.tsv").write_text("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
