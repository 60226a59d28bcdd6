"""The state from which training is resumed: optimizer, schedule and random numbers, as safetensors and JSON.

`transformers.Trainer` would pickle them; a folder written here can be read without running anything from it.
"""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from recommender.errors import CheckpointError
from recommender.files import write_atomically

WEIGHTS_FILE = "model.safetensors"
STATE_FILE = "trainer_state.json"
OPTIMIZER_FILE = "optimizer.safetensors"
SCHEDULE_FILE = "schedule.json"
RANDOM_FILE = "random.json"
SCALER_FILE = "scaler.json"  # of fp16
BALANCE_FILE = "balance.safetensors"  # of tasks whose weights change


def save_optimizer(folder: Path, optimizer: torch.optim.Optimizer, schedule: Any) -> None:
    """Tensors of every parameter under `<parameter>.<name>`, and the groups' numbers beside the schedule's."""
    state = optimizer.state_dict()
    tensors = {
        f"{parameter}.{name}": torch.as_tensor(value).detach().cpu().contiguous()
        for parameter, values in state["state"].items()
        for name, value in values.items()
    }
    write_atomically(folder / OPTIMIZER_FILE, save(tensors))
    numbers = {"groups": state["param_groups"], "schedule": schedule.state_dict()}
    (folder / SCHEDULE_FILE).write_text(json.dumps(numbers, default=_plain))


def _plain(value: Any) -> Any:
    """JSON form of what a schedule holds beside numbers: tensors of one value, and functions (made anew on load)."""
    return value.item() if isinstance(value, Tensor) else None


def load_optimizer(folder: Path, optimizer: torch.optim.Optimizer, schedule: Any) -> None:
    """Raises `CheckpointError` for a state whose parameter groups are not those of the optimizer."""
    numbers = json.loads((folder / SCHEDULE_FILE).read_text())
    saved, own = _grouped(numbers["groups"]), _grouped(optimizer.state_dict()["param_groups"])
    if saved != own:
        raise CheckpointError(
            f"{folder.name}/{SCHEDULE_FILE}: the optimizer's state has {len(saved)} groups of parameters, and this "
            f"version trains in {len(own)} others. Resume with the version that began the run, or delete the folder "
            f"{folder.parent} and resume: the run begins again with its own settings."
        )
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in load_file(folder / OPTIMIZER_FILE).items():
        parameter, _, name = key.partition(".")
        state.setdefault(int(parameter), {})[name] = tensor
    # JSON turns tuples (betas) into lists; the optimizer takes either.
    optimizer.load_state_dict({"state": state, "param_groups": numbers["groups"]})
    schedule.load_state_dict(numbers["schedule"])


def _grouped(groups: list[dict[str, Any]]) -> list[tuple[list[int], list[str] | None]]:
    """The numbers of the parameters in each group, and their names, which states of earlier versions lack."""
    return [(group["params"], group.get("param_names")) for group in groups]


def save_random_state(folder: Path) -> None:
    _, keys, *rest = np.random.get_state(legacy=True)
    state = {
        "python": random.getstate(),
        "numpy": [np.asarray(keys).tolist(), *rest],
        "torch": torch.get_rng_state().tolist(),
        "cuda": [s.tolist() for s in torch.cuda.get_rng_state_all()] if torch.cuda.is_available() else [],
    }
    (folder / RANDOM_FILE).write_text(json.dumps(state))


def load_random_state(folder: Path) -> None:
    state = json.loads((folder / RANDOM_FILE).read_text())
    version, keys, gauss = state["python"]
    random.setstate((version, tuple(keys), gauss))
    numpy_keys, *rest = state["numpy"]
    np.random.set_state(("MT19937", np.array(numpy_keys, dtype=np.uint32), *rest))
    torch.set_rng_state(torch.tensor(state["torch"], dtype=torch.uint8))
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all([torch.tensor(s, dtype=torch.uint8) for s in state["cuda"]])


def last_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint below a resume folder."""
    found = [path for path in folder.glob("checkpoint-*") if path.name.rpartition("-")[2].isdecimal()]
    return max(found, key=step_of, default=None)


def step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def check_readable(checkpoint: Path, with_balance: bool) -> None:
    """Raises `CheckpointError` naming the file of a checkpoint that is missing, cut or damaged."""
    balance = [BALANCE_FILE] if with_balance else []
    for name in (WEIGHTS_FILE, OPTIMIZER_FILE, SCHEDULE_FILE, RANDOM_FILE, STATE_FILE, *balance):
        path = checkpoint / name
        try:
            if path.suffix == ".json":
                json.loads(path.read_text())
            else:
                load_file(path)
        except (OSError, ValueError, SafetensorError) as error:
            where = "/".join(path.parts[-4:])
            raise CheckpointError(
                f"The state to go on from is damaged: {where}: {error}. Delete the folder {checkpoint.parent} and "
                "resume: the run begins again with its own settings."
            ) from error


def ended_early(checkpoint: Path) -> bool:
    """Whether the run had lost its patience when it was saved: then it had only to be measured. The Trainer itself
    would learn one epoch more."""
    callbacks = json.loads((checkpoint / STATE_FILE).read_text())["stateful_callbacks"]
    patience = callbacks.get("EarlyStoppingCallback")
    if patience is None:
        return False
    left: int = patience["args"]["early_stopping_patience"] - patience["attributes"]["early_stopping_patience_counter"]
    return left <= 0
