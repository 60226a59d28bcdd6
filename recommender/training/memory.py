"""How much memory a piece of work takes at its highest."""

import threading
from typing import Any, Self

import torch

from recommender.device import memory_mb

POLL_SECONDS = 0.002


class Growth:
    """Within, the highest memory above `before_mb` is kept in `mb`: read from the allocator on cuda, watched by a
    thread elsewhere, since an operating system keeps only the highest of a process's whole life."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.mb = device, 0
        self._over = threading.Event()

    def __enter__(self) -> Self:
        self.before_mb = memory_mb(self.device)
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        else:
            self._watcher = threading.Thread(target=self._watch, daemon=True)
            self._watcher.start()
        return self

    def __exit__(self, *_: Any) -> None:
        if self.device.type == "cuda":
            self.mb = torch.cuda.max_memory_allocated(self.device) // 2**20 - self.before_mb
        else:
            self._over.set()
            self._watcher.join()

    def _watch(self) -> None:
        while not self._over.wait(POLL_SECONDS):
            self.mb = max(self.mb, memory_mb(self.device) - self.before_mb)
