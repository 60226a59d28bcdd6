"""Which device a process uses, what it is called on the screen, and how much memory there is and is used.

torch is imported when a device is asked for: the list of runs needs the machine's memory only.
"""

import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args

import psutil

from recommender.errors import RecommenderError
from recommender.settings import Settings

if TYPE_CHECKING:
    import torch

DeviceType = Literal["cpu", "cuda", "mps"]

# Where Linux writes the limit of a container, new style and old.
LIMIT_FILES = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def choose_device(settings: Settings) -> "torch.device":
    """The device the settings ask for; `auto` takes cuda, then mps, then the CPU. Raises `RecommenderError` if it is
    not there."""
    import torch

    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if settings.device != "auto":
        if not available[settings.device]:
            raise RecommenderError(f"RECOMMENDER_DEVICE={settings.device}, but this machine has no such device.")
        return torch.device(settings.device)
    return torch.device(next(name for name in ("cuda", "mps", "cpu") if available[name]))


def device_type(device: "torch.device") -> DeviceType:
    """Raises `RecommenderError` for a kind of device that `choose_device` never gives."""
    for known in get_args(DeviceType):
        if device.type == known:
            return cast(DeviceType, known)
    raise RecommenderError(f"Nothing is known of the device {device.type!r} here.")


def describe_device(device: "torch.device") -> str:
    """`"NVIDIA H100 (80 GB)"`, `"Apple GPU"` or `"CPU, 2 threads"`."""
    import torch

    if device.type == "cuda":
        facts = torch.cuda.get_device_properties(device)
        return f"{facts.name} ({facts.total_memory / 1e9:.0f} GB)"
    if device.type == "mps":
        return "Apple GPU"
    threads = torch.get_num_threads()
    return f"CPU ({platform.machine()}), {threads} thread{'s' if threads > 1 else ''}"


def supports_bfloat16(device: "torch.device") -> bool:
    """True where bfloat16 is quicker than float32: GPUs of the last years, CPUs with instructions for it."""
    import torch

    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        capabilities = torch.cpu.get_capabilities()
        return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))
    return False


def machine_memory_mb() -> int:
    """The memory that all processes here may use together, in MiB: the machine's, or less in a container."""
    sizes = [psutil.virtual_memory().total]
    for file in LIMIT_FILES:
        if file.is_file() and (limit := file.read_text().strip()).isdigit():  # "max" where there is none
            sizes.append(int(limit))
    return min(sizes) // 2**20


def memory_mb(device: "torch.device") -> int:
    """The memory this process uses now, in MiB: the GPU's on cuda, else resident memory."""
    if device.type == "cuda":
        import torch

        return torch.cuda.memory_allocated(device) // 2**20
    return int(psutil.Process().memory_info().rss) // 2**20


def peak_memory_mb(device: "torch.device") -> int:
    """The most memory this process has used so far, in MiB: the GPU's on cuda, else resident memory."""
    if device.type == "cuda":
        import torch

        return torch.cuda.max_memory_allocated(device) // 2**20
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset) // 2**20
    import resource  # Unix only

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (2**20 if sys.platform == "darwin" else 2**10)  # macOS counts bytes, Linux kilobytes
