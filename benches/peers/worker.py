#!/usr/bin/env python3
"""One framework, which measures what compare.py asks for on stdin and answers on stdout, a JSON value per line.

Usage: worker.py PEER THREADS

Requests: `speed TASK SECONDS` gives pictures per second; `memory TASK` gives the bytes by which three runs of the task
raise the process above what it holds when network and pictures are there (Linux; ask it of a fresh process).
"""

import gc
import json
import os
import sys

from workloads import images_per_second, split

PEERS = ("tensorflow", "pytorch", "pytorch-channels-last")
# TensorFlow compiles in the first run, and both allocate in it.
WARM_UP = 3


def builder(peer, threads):
    """What makes the tasks of a peer."""
    if peer == "tensorflow":
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        import mobilenet_tensorflow as module

        module.use_threads(threads)
        return module.build
    import mobilenet_pytorch as module
    import torch

    module.use_threads(threads)
    layout = torch.channels_last if peer == "pytorch-channels-last" else torch.contiguous_format
    return lambda task: module.build(task, layout)


def resident(field):
    """VmRSS (now) or VmHWM (the most) of this process in bytes."""
    with open("/proc/self/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith(field))
    return int(line.split()[1]) * 1024


def added_by(run):
    """Bytes that three runs add at their peak to what is resident before them."""
    gc.collect()
    with open("/proc/self/clear_refs", "w", encoding="ascii") as control:
        control.write("5")  # Forget the most that was resident so far.
    before = resident("VmRSS")
    for _ in range(WARM_UP):
        run()
    return resident("VmHWM") - before


def main():
    peer, threads = sys.argv[1], int(sys.argv[2])
    # Frameworks print what they like; answers go where stdout was.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    build, ready = builder(peer, threads), {}
    for request in sys.stdin:
        verb, task, *rest = request.split()
        if verb == "memory":
            answer = added_by(build(task))
        else:
            if task not in ready:
                ready[task] = build(task)
                for _ in range(WARM_UP):
                    ready[task]()
            answer = images_per_second(ready[task], split(task)[0].batch, float(rest[0]))
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
