"""How long one answer takes, beside the same model fed the old way: every text padded to 512 tokens.

python -m benchmarks.query [run]
"""

import statistics
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor

from recommender.data.collate import Batch
from recommender.query.engine import Engine
from recommender.query.wish import Wish, to_example
from recommender.runs.folder import find_run
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


def texts(batch: Batch) -> tuple[Tensor, Tensor]:
    """The token ids and the mask of a batch, whether its texts are whole or messages."""
    if "message_ids" in batch:
        return batch["message_ids"], batch["message_mask"]
    return batch["input_ids"], batch["attention_mask"]


@torch.inference_mode()
def main() -> None:
    engine = Engine(find_run(sys.argv[1] if len(sys.argv) > 1 else "default", settings()), settings())

    def whole() -> object:
        utterance, _ = engine.read(WISH)
        return engine.recommend(Wish((utterance,)))

    utterance, _ = engine.read(WISH)
    example = to_example(Wish((utterance,)), engine.config.protocol, engine.catalog)
    prepared = engine.ranker.prepare([example])
    batch = engine.model.collate(prepared.items)
    ids, mask = texts(batch)
    padding = (0, OLD_LENGTH - ids.shape[1])
    long_ids, long_mask = torch.nn.functional.pad(ids, padding), torch.nn.functional.pad(mask, padding)
    encoder = engine.model.text
    assert encoder is not None, "a model that reads no words has nothing to pad"
    score = milliseconds(lambda: engine.ranker.answer(prepared, 10))
    short = milliseconds(lambda: encoder(ids, mask))
    long = milliseconds(lambda: encoder(long_ids, long_mask))
    match = milliseconds(lambda: engine.titles.find(WISH))
    answer = milliseconds(whole)
    print(f"{len(WISH.split())} words, {ids.shape[1]} tokens, {torch.get_num_threads()} threads")
    print(f"whole answer (match, encode, rank, reasons): {answer:.1f} ms median; of it matching {match:.1f} ms")
    print(f"encode and rank: {score:.1f} ms; of it encoding {short:.1f} ms")
    print(f"encoding padded to {OLD_LENGTH} tokens: {long:.1f} ms; ratio {long / short:.1f}")


if __name__ == "__main__":
    main()
