"""The index against exact ranking, on vectors in clusters as training leaves them: `python -m benchmarks.index`."""

import json
import time
from typing import Annotated

import torch
import typer

from recommender.models.base import DotProducts
from recommender.ranking.index import MovieIndex, recall
from recommender.ranking.top_k import top_k

WIDTH, BEST, WISHES = 64, 50, 100


def main(
    movies: Annotated[int, typer.Option(help="Of the catalogue.")] = 1_000_000,
    clusters: Annotated[int, typer.Option(help="That they lie in.")] = 5000,
) -> None:
    draw = torch.Generator().manual_seed(0)
    centres = torch.randn(clusters, WIDTH, generator=draw)
    vectors = centres[torch.randint(clusters, (movies,), generator=draw)]
    vectors += 0.5 * torch.randn(movies, WIDTH, generator=draw)
    bias = torch.randn(movies, generator=draw)

    def wishes() -> torch.Tensor:
        near = vectors[torch.randint(movies, (WISHES,), generator=draw)]
        return near + 0.3 * torch.randn(WISHES, WIDTH, generator=draw)

    begin = time.process_time()
    index = MovieIndex(DotProducts(vectors, bias))
    built = time.process_time()
    index.calibrate(wishes(), BEST)
    asked, begun = wishes(), time.process_time()
    found = index.find(asked, BEST).best(BEST)
    between = time.process_time()
    exact = top_k(asked @ vectors.T + bias, BEST)
    end = time.process_time()
    facts = {
        "movies": movies,
        "lists": index.index.nlist,
        "looked into": index.index.nprobe,
        f"recall@{BEST}": recall(found.numpy(), exact.numpy()),
        "built_s": round(built - begin, 1),
        "index_ms": round(1000 * (between - begun) / WISHES, 2),
        "exact_ms": round(1000 * (end - between) / WISHES, 2),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    typer.run(main)
