"""Whatever reads what others wrote, given damaged and random inputs: nothing but the documented errors, quickly.

`python -m benchmarks.fuzz --inputs 1000000 --seed 0` takes about ten minutes of one core and ends with exit
code 1 if an input led to another error, or took longer than the limit. `--only titles` takes one target.
"""

import argparse
import gc
import logging
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import psutil
import torch

from benchmarks.fuzz_inputs import Inputs
from benchmarks.fuzz_runs import refusals
from benchmarks.fuzz_targets import Target, all_targets
from recommender.errors import RecommenderError

LIMIT = 2.0  # seconds of the processor that any input may take
GIVEN_UP = 60  # seconds by the clock after which one is stopped
MOST_MEMORY = 12 * 2**30  # bytes of address space: what asks for more fails here and not in the machine
SHOWN = 300  # characters of an input in the report


class TooSlow(BaseException):
    """Not an `Exception`, so that no reader takes it for a damaged input."""


@dataclass
class Outcome:
    inputs: int = 0
    refused: int = 0  # with a documented error
    seconds: float = 0.0
    slowest: float = 0.0
    slowest_input: str = ""
    growth: int = 0  # bytes of memory held after the second half more than after the first
    crashes: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)


def fuzz(target: Target, count: int, seed: int) -> Outcome:
    inputs, outcome, process = Inputs(f"{seed}-{target.name}"), Outcome(), psutil.Process()
    half = 0
    for number in range(count):
        if number == count // 2:
            gc.collect()
            half = process.memory_info().rss
        given = target.make(inputs)
        start = time.process_time()  # other work on the machine is no fault of the input
        crash = attempt(target, given, outcome)
        taken = time.process_time() - start
        outcome.inputs += 1
        outcome.seconds += taken
        if taken > outcome.slowest:
            outcome.slowest, outcome.slowest_input = taken, repr(given)[:SHOWN]
        if crash is None and taken > LIMIT:
            crash = f"took {taken:.1f} s"
        if crash is not None:
            outcome.crashes[crash] += 1
            outcome.examples.setdefault(crash, repr(given)[:SHOWN])
    gc.collect()
    outcome.growth = process.memory_info().rss - half
    return outcome


def attempt(target: Target, given: Any, outcome: Outcome) -> str | None:
    """What went wrong that may not; None for an input that was read or refused."""
    refusals.clear()
    before = signal.signal(signal.SIGALRM, _too_slow)
    signal.setitimer(signal.ITIMER_REAL, GIVEN_UP)
    try:
        target.read(given)
        outcome.refused += bool(refusals)
        return None
    except RecommenderError:
        outcome.refused += 1
        return None
    except TooSlow:
        return f"given up after {GIVEN_UP} s"
    except Exception as error:
        own = [frame for frame in traceback.extract_tb(error.__traceback__) if "site-packages" not in frame.filename]
        last = next((frame for frame in reversed(own) if "recommender/" in frame.filename), own[-1])
        return f"{type(error).__name__} in {Path(last.filename).name}:{last.lineno} {last.name}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _too_slow(_: int, frame: FrameType | None) -> None:
    raise TooSlow


def tell(target: Target, outcome: Outcome) -> None:
    print(
        f"{target.name:<12} {outcome.inputs:9,} inputs, {outcome.refused / max(1, outcome.inputs):4.0%} refused, "
        f"{outcome.seconds / max(1, outcome.inputs) * 1e3:6.2f} ms each, slowest {outcome.slowest:5.2f} s, "
        f"second half kept {outcome.growth / 2**20:+.1f} MiB, {len(outcome.crashes)} kinds of crashes"
    )
    print(f"{'':12} slowest: {outcome.slowest_input!a}")
    for crash, times in outcome.crashes.most_common():
        print(f"{'':12} CRASH x {times}: {crash}\n{'':14} {outcome.examples[crash]!a}")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=1_000_000, help="of all targets together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="one target: dialogues, presets, titles, checkpoints or links")
    args = parser.parse_args()
    logging.disable(logging.ERROR)
    torch.set_num_threads(1)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    with tempfile.TemporaryDirectory() as name:
        failed = False
        for target in all_targets(Path(name)):
            if args.only in (None, target.name):
                outcome = fuzz(target, round(args.inputs * (1 if args.only else target.share)), args.seed)
                tell(target, outcome)
                failed |= bool(outcome.crashes)
    print(f"highest memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10:,.0f} MiB")
    sys.exit(failed)


if __name__ == "__main__":
    main()
