"""Weights of which every process has a piece, as FSDP leaves them."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.distributed.fsdp import FSDPModule
from torch.distributed.tensor import DTensor


@contextmanager
def whole_weights(module: nn.Module) -> Iterator[None]:
    """Within, its parts can be called as if all weights were here. All processes have to come here."""
    if not isinstance(module, FSDPModule):
        yield
        return
    module.unshard()
    try:
        yield
    finally:
        module.reshard()


def in_pieces(module: nn.Module) -> bool:
    return any(isinstance(weights, DTensor) for weights in module.parameters())
