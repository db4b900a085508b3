"""The workloads of `danas bench`, for the frameworks that it is compared with."""

import time
from typing import NamedTuple


class Workload(NamedTuple):
    """MobileNetV2 of some width on some input; batch is the number of pictures at a time."""

    width: float
    side: int
    channels: int
    batch: int


WORKLOADS = {
    "W1": Workload(0.35, 96, 3, 64),
    "W2": Workload(1.0, 96, 3, 32),
    "W3": Workload(0.35, 48, 1, 64),
}
KINDS = ("train", "inference")
TASKS = [f"{name}-{kind}" for name in WORKLOADS for kind in KINDS]
CLASSES = 2
LEARNING_RATE = 0.01
MOMENTUM = 0.9


def split(task):
    """The workload and the kind of a task."""
    name, kind = task.split("-")
    return WORKLOADS[name], kind


def images_per_second(run, batch, seconds):
    """Calls `run`, which waits for its own result, until the time is over."""
    started, runs = time.perf_counter(), 0
    while runs == 0 or time.perf_counter() - started < seconds:
        run()
        runs += 1
    return batch * runs / (time.perf_counter() - started)
