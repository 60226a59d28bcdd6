"""`RecommenderTrainer`: `transformers.Trainer` with the project's losses, batches, metrics and checkpoints."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.utils.data import Dataset, RandomSampler, Sampler
from transformers import EarlyStoppingCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import ExportableState, PrinterCallback
from transformers.trainer_pt_utils import LengthGroupedSampler

from recommender.config import TrainingConfig
from recommender.data.collate import Item
from recommender.evaluation.metrics import MetricError
from recommender.files import part_of, remove_leftovers, remove_whole, rename_whole, write_atomically
from recommender.runs.folder import SELECTED_BY
from recommender.training import processes, resume
from recommender.training.failure import NotFiniteError
from recommender.training.gradient_norms import gradient_norms
from recommender.training.learner import Learner
from recommender.training.optimizer import Group, clip_modules, in_encoder, parameter_groups
from recommender.training.sampling import SharedOrder, WishSet

log = logging.getLogger(__name__)


class RecommenderTrainer(Trainer):
    """`validate` measures the model with the weights it has now: metric -> mean."""

    loss_is_scaled_for_ga = True  # by `compute_loss`: a plain mean over the pieces of a batch would be another loss

    def __init__(
        self,
        learner: Learner,
        args: TrainingArguments,
        config: TrainingConfig,
        train: WishSet,
        validate: Callable[[], dict[str, float]],
        callbacks: list[TrainerCallback],
    ) -> None:
        if config.compile:
            # The tasks' gradient norms are measured on the same graph that the step goes back over afterwards.
            torch._functorch.config.donated_buffer = False
        if config.patience is not None:
            callbacks = [*callbacks, EarlyStoppingCallback(early_stopping_patience=config.patience)]
        super().__init__(
            model=learner,
            args=args,
            data_collator=learner.recommender.collate,  # type: ignore[arg-type]  # it takes items, not features
            train_dataset=train,
            eval_dataset=train,  # the Trainer asks for one; `evaluate` does not read it
            callbacks=callbacks,
        )
        self.remove_callback(PrinterCallback)  # it prints to standard output, which is for results
        self.learner, self.recommender = learner, learner.recommender
        self.train_items, self.validate, self.settings = train, validate, config
        self.parts: dict[str, list[float]] = {}
        self.rates: dict[str, float] = {}  # learning rates and weights of tasks, of the step just taken
        self.measures_gradients = True  # now and then; a trial of a few batches need not
        self._shared: dict[str, list[tuple[float, float]]] = {}  # task -> gradient norms, the movies' and its own
        self._kept: dict[str, int] = {}  # the step to which the last value of a part belongs

    def _get_train_sampler(self, train_dataset: Dataset[Item] | None = None) -> Sampler[int]:
        """Batches of like length, so that little is padding; where nothing is padded, any order. It is that of the
        whole batch, in however many pieces it is read."""
        lengths = [item.length for item in self.train_items.items]
        if not any(lengths):
            return RandomSampler(self.train_items)
        if self.args.world_size > 1:
            return SharedOrder(self.train_items, self.settings.batch_size)
        return LengthGroupedSampler(self.settings.batch_size, lengths=lengths)

    def get_decay_parameter_names(self, model: nn.Module) -> list[str]:
        """The Trainer's choice, which goes by the names of biases and norms, without vectors and numbers that stand
        alone: these are biases by another name, such as the popularity of unknown movies."""
        dimensions = {name: parameter.ndim for name, parameter in model.named_parameters()}
        return [name for name in super().get_decay_parameter_names(model) if dimensions.get(name, 0) > 1]

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """AdamW with learning rates of their own for the text encoder, parts that the settings name, and the rest.
        Biases and norms are not decayed."""
        if self.optimizer is None:
            decayed = set(self.get_decay_parameter_names(self.recommender))
            self.groups = parameter_groups(self.recommender, self.settings, decayed)
            if balance := dict(self.learner.balance.named_parameters()):
                self.groups.append(Group("balance", self.settings.head_lr, 0.0, balance))
            kind, options = self.get_optimizer_cls_and_kwargs(self.args)
            groups = [
                {"params": list(group.parameters.items()), "lr": group.lr, "weight_decay": group.weight_decay}
                for group in self.groups
            ]
            self.optimizer = kind(groups, **options)
        return self.optimizer

    def _get_learning_rate(self) -> float:
        """Asked after every step, before the schedule goes on."""
        assert self.optimizer is not None
        names = [f"learning_rate_{group.name}" for group in self.groups]
        self.rates |= zip(names, (group["lr"] for group in self.optimizer.param_groups), strict=True)
        rate: float = super()._get_learning_rate()
        return rate

    def _clip_grad_norm(self, model: nn.Module) -> Any:
        """The parts that have a limit of their own first, then all together. Asked once a step, when all its pieces are
        read: the gradient norms that they found count from the next step on."""
        self._settle_balance()
        if not any(module.clip for module in self.settings.modules.values()):
            return super()._clip_grad_norm(model)  # type: ignore[no-untyped-call]
        self.accelerator.unscale_gradients()
        clip_modules(self.recommender, self.settings)
        return nn.utils.clip_grad_norm_(model.parameters(), self.args.max_grad_norm)

    def _get_num_items_in_batch(  # type: ignore[override]  # the Trainer only hands it on to `compute_loss`
        self, batch_samples: list[Any], device: torch.device
    ) -> dict[str, Tensor] | None:
        """How many rows each task's loss is a mean over in this step, in all pieces and processes together; None for a
        batch in one piece, whose own mean is right."""
        if self.args.gradient_accumulation_steps == self.args.world_size == 1:
            return None
        found = [self.learner.rows(inputs) for inputs in batch_samples]
        totals = {task: torch.stack([rows[task] for rows in found]).sum().to(device) for task in found[0]}
        return {task: self.accelerator.reduce(total, "sum") for task, total in totals.items()}

    def compute_loss(
        self, model: nn.Module, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Tensor:
        """The weighted sum of the tasks' losses, each as its share in the mean over the whole batch. All are kept for
        the log, and of several now and then the gradient norm of each."""
        losses: dict[str, Tensor] = model(inputs)
        if num_items_in_batch:
            rows = self.learner.rows(inputs)
            losses = {
                task: loss * (rows[task] / num_items_in_batch[task].clamp(min=1)) for task, loss in losses.items()
            }
        weights = self.learner.balance.weights()
        for task, loss in losses.items():
            self._check_finite(f"{task}_loss", loss)
            self._keep(f"{task}_loss", loss.item())
            if self.learner.balance.changes:
                self.rates[f"{task}_weight"] = weights[task].item()
        due = self.measures_gradients and self.state.global_step % self.args.logging_steps == 0
        if len(losses) > 1 and self.learner.training and due:
            self._keep_gradient_norms(losses, weights)
        # The processes' gradients are averaged; those of their shares belong summed.
        whole = torch.stack([weights[task] * loss for task, loss in losses.items()]).sum()
        pieces = getattr(self, "current_gradient_accumulation_steps", 1)  # the last batch of an epoch may have fewer
        return whole * int(self.args.world_size) + self.learner.balance.price() / int(pieces)

    def _keep_gradient_norms(self, losses: dict[str, Tensor], weights: dict[str, Tensor]) -> None:
        """The norm of each weighted loss's gradient at the encoder's weights, of a batch in pieces the sum over those;
        and what the balance asks for."""
        balance = self.learner.balance
        if not balance.needs_gradient_norms and not any(
            in_encoder(n) and p.requires_grad for n, p in self.recommender.named_parameters()
        ):
            return
        norms = gradient_norms(losses, self.recommender)
        for task, norm in norms.at_encoder.items():
            self._keep(f"{task}_gradient", norm * weights[task].item())
        for task, pair in norms.shared.items():
            self._shared.setdefault(task, []).append(pair)

    def _settle_balance(self) -> None:
        if self.learner.balance.needs_gradient_norms and self._shared:
            sums = {task: np.sum(pairs, axis=0).tolist() for task, pairs in self._shared.items()}
            self.learner.balance.update({task: processes.summed_pair(*pair) for task, pair in sums.items()})
        self._shared = {}

    def _check_finite(self, part: str, loss: Tensor) -> None:
        if not loss.isfinite():
            self._check_weights()
            raise self._not_finite(f"The {part.replace('_', ' ')} is not finite")

    def _keep(self, part: str, value: float) -> None:
        """One value a step, the sum of what its pieces bring."""
        values = self.parts.setdefault(part, [])
        if self._kept.get(part) == self.state.global_step and values:
            values[-1] += value
        else:
            values.append(value)
        self._kept[part] = self.state.global_step

    def _get_grad_norm(self, model: nn.Module, grad_norm: Any = None) -> Any:
        """The gradient's norm, before a step is taken with it. In fp16 the scaler leaves out a step that is too large
        by itself, and tries a smaller scale."""
        norm = super()._get_grad_norm(model, grad_norm)  # type: ignore[no-untyped-call]
        if self.accelerator.scaler is None and not np.isfinite(float(norm)):
            raise self._not_finite("The gradient is not finite")
        return norm

    def _check_weights(self) -> None:
        """Raises `NotFiniteError` for weights that a step has made infinite: they are not measured and not kept."""
        for name, weights in self.recommender.named_parameters():
            if not torch.isfinite(weights).all():
                raise self._not_finite(f"The weights {name} are not finite")

    def _not_finite(self, what: str) -> NotFiniteError:
        """Says in which step and batch; after an epoch's last step there is none."""
        step, of = self.state.global_step, max(1, self.state.max_steps // max(1, self.state.num_train_epochs))
        where = f"at step {step + 1} (batch {step % of + 1} of epoch {step // of + 1})"
        if not self.recommender.training:
            where = f"after step {step}"
        return NotFiniteError(f"{what} {where}. Try a lower learning rate, for example training.head_lr=1e-5.")

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Every training line shows each part of the loss apart, and the learning rate of each of several groups."""
        if "loss" in logs:
            logs |= processes.summed({part: float(np.mean(values)) for part, values in self.parts.items()})
            logs |= self.rates if len(self.rates) > 1 else {}
            self.parts = {}
        super().log(logs, start_time)

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """The validation's means under `eval_...`. Of several processes the first one does it; the others learn the
        value that picks the best epoch."""
        metrics = self._measure() if self.args.process_index == 0 else {}
        metrics[SELECTED_BY] = processes.from_first(metrics.get(SELECTED_BY, 0.0))
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _measure(self) -> dict[str, float]:
        self.recommender.eval()
        self._check_weights()
        try:
            return {f"eval_{name}": value for name, value in self.validate().items()}
        except MetricError as error:
            raise self._not_finite(f"{str(error).rstrip('.')}, which is not finite") from error

    def _save_checkpoint(self, model: nn.Module, trial: Any = None) -> None:
        """One folder to go on from, written aside and renamed; the one before it goes only then.

        The epoch's evaluation comes first, and with it the best weights. A run that is killed in between goes on from
        the checkpoint before, learns the epoch once more and, on a CPU, finds the same weights and figures again."""
        if self.args.process_index > 0:
            return
        root = Path(str(self.args.output_dir))
        assert self.optimizer is not None
        folder = root / f"checkpoint-{self.state.global_step}"
        aside = part_of(folder)
        root.mkdir(parents=True, exist_ok=True)
        remove_leftovers(root)
        aside.mkdir()
        weights = {name: tensor.cpu().contiguous() for name, tensor in self.recommender.saved_weights().items()}
        write_atomically(aside / resume.WEIGHTS_FILE, save(weights))
        resume.save_optimizer(aside, self.optimizer, self.lr_scheduler)
        resume.save_random_state(aside)
        if self.accelerator.scaler is not None:
            write_atomically(aside / resume.SCALER_FILE, json.dumps(self.accelerator.scaler.state_dict()))
        if self.learner.balance.changes:
            write_atomically(aside / resume.BALANCE_FILE, save(self.learner.balance.state_dict()))
        exported = [c for c in [*self.callback_handler.callbacks, self.control] if isinstance(c, ExportableState)]
        self.state.stateful_callbacks |= {type(c).__name__: c.state() for c in exported}  # type: ignore[operator]
        self.state.save_to_json(str(aside / resume.STATE_FILE))
        rename_whole(aside, folder)
        for older in root.glob("checkpoint-*"):
            if older != folder:
                remove_whole(older)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        folder = Path(resume_from_checkpoint)
        self.recommender.load_weights(load_file(folder / resume.WEIGHTS_FILE))
        if self.learner.balance.changes:
            self.learner.balance.load_state_dict(load_file(folder / resume.BALANCE_FILE))

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            assert self.optimizer is not None
            resume.load_optimizer(Path(checkpoint), self.optimizer, self.lr_scheduler)

    def _load_scaler(self, checkpoint: str | None) -> None:
        """Of fp16; the Trainer's own would unpickle it."""
        if checkpoint is not None and self.accelerator.scaler is not None:
            path = Path(checkpoint) / resume.SCALER_FILE
            self.accelerator.scaler.load_state_dict(json.loads(path.read_text()))

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            resume.load_random_state(Path(checkpoint))
