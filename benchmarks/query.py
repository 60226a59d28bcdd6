"""How long one answer takes, beside the same model fed the old way: every text padded to 512 tokens.

python -m benchmarks.query [run]
"""

import statistics
import sys
import time
from collections.abc import Callable

import torch

from recommender.data.collate import Batch, collate, to_items
from recommender.evaluation.metrics import top_k
from recommender.query.engine import Engine
from recommender.query.wish import Wish, to_example
from recommender.runs import find_run
from recommender.settings import settings

WISH = "i am looking for something like inception and the matrix but funnier and with a happy ending please no horror"
OLD_LENGTH = 512


def milliseconds(call: Callable[[], object], rounds: int = 40) -> float:
    """Median time of a call after five that do not count."""
    times = []
    for i in range(rounds + 5):
        start = time.perf_counter()
        call()
        if i >= 5:
            times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


def padded(batch: Batch) -> Batch:
    """The same batch with its text padded to 512 tokens."""
    missing = OLD_LENGTH - batch["input_ids"].shape[1]
    pad = torch.nn.functional.pad
    return {
        **batch,
        "input_ids": pad(batch["input_ids"], (0, missing)),
        "attention_mask": pad(batch["attention_mask"], (0, missing)),
    }


@torch.inference_mode()
def main() -> None:
    engine = Engine(find_run(sys.argv[1] if len(sys.argv) > 1 else "default", settings()), settings())

    def whole() -> object:
        utterance, _ = engine.read(WISH)
        return engine.recommend(Wish((utterance,)))

    utterance, _ = engine.read(WISH)
    example = to_example(Wish((utterance,)), engine.config.protocol, engine.catalog)
    batch = collate(to_items([example], engine.catalog, engine.config.data, engine.model.tokenize))
    short = milliseconds(lambda: top_k(engine.model(batch), 10))
    long = milliseconds(lambda: top_k(engine.model(padded(batch)), 10))
    match = milliseconds(lambda: engine.titles.find(WISH))
    answer = milliseconds(whole)
    print(f"{len(WISH.split())} words, {batch['input_ids'].shape[1]} tokens, {torch.get_num_threads()} threads")
    print(f"whole answer (match, encode, rank, reasons): {answer:.1f} ms median; of it matching {match:.1f} ms")
    print(f"encode and rank: {short:.1f} ms; padded to {OLD_LENGTH} tokens: {long:.1f} ms; ratio {long / short:.1f}")


if __name__ == "__main__":
    main()
