#!/usr/bin/env python3
"""The training engine against TensorFlow and PyTorch: the same networks on the same machine, taking turns.

Usage: cargo build --release && benches/peers/setup.sh && .venv-peers/bin/python benches/peers/compare.py

In every round each task is run by the engine (`danas bench`) and by every peer, one right after the other; the median
over the rounds counts. PyTorch runs eagerly, in both memory layouts; TensorFlow in a tf.function. The machine should do
nothing else. Every process but the one that measures sleeps.

Memory is what a training step needs at its peak. Of the peers: how far three steps raise the most that is resident
above what is resident when framework, network and pictures are there. Of the engine: all that the process ever holds,
the program and the weights included, so at least as much as that.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from worker import PEERS
from workloads import TASKS

HERE = Path(__file__).resolve().parent
ENGINE = "danas"
MEMORY_TASK = "W1-train"


class Peer:
    """A framework in a process of its own."""

    def __init__(self, name, threads):
        self.name = name
        command = [sys.executable, str(HERE / "worker.py"), name, str(threads)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, request):
        self.process.stdin.write(request + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"error: {self.name} has failed at `{request}` (status {self.process.wait()})")
        return json.loads(answer)

    def speed(self, task, seconds):
        return self.ask(f"speed {task} {seconds}")

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Engine:
    """`danas bench`, a process for every measurement."""

    name = ENGINE

    def __init__(self, program, threads):
        self.command = [program, "bench", "--json", "--quiet", "--rounds", "1", "--threads", str(threads), "--only"]

    def speed(self, task, _seconds):
        output = subprocess.run(self.command + [task], check=True, stdout=subprocess.PIPE).stdout
        return json.loads(output)["results"][0]["images_per_second"]

    def memory(self, task):
        """The most bytes that a process which trains has ever had resident."""
        process = subprocess.Popen(self.command + [task], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"error: {self.command[0]} has failed (status {process.returncode})")
        return usage.ru_maxrss * 1024

    def end(self):
        pass


def rounds_of(runners, arguments):
    """The pictures per second of every runner in every round, by task."""
    speeds = {task: {runner.name: [] for runner in runners} for task in arguments.tasks}
    for number in range(1, arguments.rounds + 1):
        for task in arguments.tasks:
            for runner in runners:
                print(f"round {number} of {arguments.rounds}: {task}, {runner.name}", file=sys.stderr)
                speeds[task][runner.name].append(runner.speed(task, arguments.seconds))
    return speeds


def memories(arguments):
    """The bytes that a training step needs at its peak, of every runner."""
    needed = {ENGINE: Engine(arguments.danas, arguments.threads).memory(MEMORY_TASK)}
    for name in arguments.peers:
        peer = Peer(name, arguments.threads)
        needed[name] = peer.ask(f"memory {MEMORY_TASK}")
        peer.end()
    return needed


def table(rows):
    """Rows of text as columns, the first to the left and the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def text(report):
    """The figures as tables."""
    rows = [["pictures/s", ENGINE] + [cell for peer in report["peers"] for cell in (peer, "engine is")]]
    for task, speeds in report["images_per_second"].items():
        cells = [f"{speeds[peer]:.0f}|{speeds[ENGINE] / speeds[peer]:.2f}x" for peer in report["peers"]]
        rows.append([task, f"{speeds[ENGINE]:.0f}"] + [part for cell in cells for part in cell.split("|")])
    memory = report["memory_bytes"]
    needed = [[f"memory of {MEMORY_TASK}", "MB", "of the engine's"]]
    needed += [[name, f"{size / 1e6:.0f}", f"{size / memory[ENGINE]:.2f}x"] for name, size in memory.items()]
    return f"{table(rows)}\n\n{table(needed)}"


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    program = HERE.parent.parent / "target" / "release" / "danas"
    parser.add_argument("--danas", default=str(program), metavar="PROGRAM", help="default: %(default)s")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="default: all cores (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s; fewer than 5 say little")
    parser.add_argument("--seconds", type=float, default=0.5, help="of each measurement of a peer; default: %(default)s")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS, metavar="TASK", help="default: all")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS), metavar="PEER", help="default: all")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    if arguments.rounds < 1 or arguments.threads < 1:
        parser.error("--rounds and --threads are at least 1")
    if not os.access(arguments.danas, os.X_OK):
        parser.error(f"{arguments.danas} is no program: build it with `cargo build --release`, or name it with --danas")
    return arguments


def main():
    arguments = parse()
    runners = [Engine(arguments.danas, arguments.threads)]
    runners += [Peer(name, arguments.threads) for name in arguments.peers]
    speeds = rounds_of(runners, arguments)
    for runner in runners:
        runner.end()
    report = {
        "threads": arguments.threads,
        "rounds": arguments.rounds,
        "peers": arguments.peers,
        "images_per_second": {
            task: {name: statistics.median(values) for name, values in of_task.items()}
            for task, of_task in speeds.items()
        },
        "memory_bytes": memories(arguments),
    }
    print(json.dumps(report, indent=2) if arguments.json else text(report))


if __name__ == "__main__":
    main()
