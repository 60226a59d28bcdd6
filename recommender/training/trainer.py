"""RecommenderTrainer: `transformers.Trainer` with our loss, our batches, our metrics and our way to save."""

import shutil
from dataclasses import replace
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

from recommender.config import LossConfig, TrainingConfig
from recommender.data.collate import Item, collate
from recommender.evaluation.metrics import CUTOFFS, evaluate_rankings
from recommender.evaluation.ranking import rank
from recommender.files import write_atomically
from recommender.losses.base import ALL_ALIKE, Weights
from recommender.losses.sampled import ColumnSampler, Drawn
from recommender.models.base import Recommender
from recommender.runs import SELECTION_METRIC
from recommender.training import resume
from recommender.training.failure import NotFiniteError

LOGS_PER_EPOCH = 20


class WishSet(Dataset[Item]):
    """The training items, each with its share of the tag rows.

    Step by step the tag task walks through a fresh permutation an epoch; which rows belong to an item depends on
    the seed, the epoch and the item alone, so that a resumed run sees the same ones.
    """

    def __init__(self, items: list[Item], tags: list[Item], tags_per_item: int, seed: int) -> None:
        self.items, self.tags, self.tags_per_item, self.seed = items, tags, tags_per_item, seed
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        self.order = np.random.default_rng((self.seed, epoch)).permutation(len(self.tags))

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Item:
        item = self.items[index]
        if not self.tags:
            return item
        first = index * self.tags_per_item
        rows = [self.order[i % len(self.tags)] for i in range(first, first + self.tags_per_item)]
        return replace(item, tags=[self.tags[row] for row in rows])


def training_arguments(
    config: TrainingConfig, seed: int, folder: Path, items: int, **hardware: Any
) -> TrainingArguments:
    """Our settings in the Trainer's words. `items` is the number of training examples."""
    steps = -(-items // config.batch_size)
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=config.epochs,
        per_device_train_batch_size=config.batch_size,
        learning_rate=config.head_lr,
        weight_decay=config.weight_decay,
        warmup_steps=config.warmup,  # below one it is a share of the steps
        max_grad_norm=config.clip,
        lr_scheduler_type="linear",
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_steps=max(1, steps // LOGS_PER_EPOCH),
        logging_nan_inf_filter=False,
        metric_for_best_model=SELECTION_METRIC,
        greater_is_better=True,
        restore_callback_states_from_checkpoint=True,  # the patience of early stopping survives an interruption
        remove_unused_columns=False,
        disable_tqdm=True,
        report_to="none",
        seed=seed,
        **hardware,
    )


class RecommenderTrainer(Trainer):
    """`targets` says whether validation ranks `all` movies or only those not mentioned before (`new`)."""

    def __init__(
        self,
        model: Recommender,
        args: TrainingArguments,
        loss: nn.Module,
        weights: nn.Module | None,
        sampler: ColumnSampler | None,
        tag_loss: nn.Module,
        config: TrainingConfig,
        loss_config: LossConfig,
        train: WishSet,
        validation: list[Item],
        targets: str,
        callbacks: list[TrainerCallback],
    ) -> None:
        if config.patience is not None:
            callbacks = [*callbacks, EarlyStoppingCallback(early_stopping_patience=config.patience)]
        super().__init__(
            model=model,
            args=args,
            data_collator=collate,  # type: ignore[arg-type]  # our collator takes items, not the features of a dataset
            train_dataset=train,
            eval_dataset=validation,
            callbacks=callbacks,
        )
        self.remove_callback(PrinterCallback)  # it prints to standard output, which is for results
        self.recommender, self.train_items, self.validation_items = model, train, validation
        self.movie_loss, self.tag_loss = loss.to(args.device), tag_loss.to(args.device)
        self.weights = weights.to(args.device) if weights is not None else None
        self.sampler = sampler.to(args.device) if sampler is not None else None
        self.settings, self.loss_config, self.targets = config, loss_config, targets
        self.parts: dict[str, list[float]] = {}

    def _get_train_sampler(self, train_dataset: Dataset[Item] | None = None) -> Sampler[int]:
        """Batches of like length, so that little is padding; for ready vectors there is no length."""
        items = self.train_items.items
        if items[0].vector is not None:
            return RandomSampler(self.train_items)
        return LengthGroupedSampler(self.args.train_batch_size, lengths=[item.length for item in items])

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """AdamW with separate learning rates for the text encoder and for everything else."""
        if self.optimizer is None:
            named = [(n, p) for n, p in self.recommender.named_parameters() if p.requires_grad]
            groups = [
                {"params": [p for n, p in named if n.startswith("text.")], "lr": self.settings.encoder_lr},
                {"params": [p for n, p in named if not n.startswith("text.")], "lr": self.settings.head_lr},
            ]
            kind, options = self.get_optimizer_cls_and_kwargs(self.args)
            self.optimizer = kind([g for g in groups if g["params"]], **options, weight_decay=self.args.weight_decay)
        return self.optimizer

    def compute_loss(
        self, model: nn.Module, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Tensor:
        """Movie loss + tag_weight * tag loss. Both parts are kept for the log, and now and then how much each of them
        pulls at the encoder, which they share."""
        loss: Tensor = self.movie_loss(*self._scored(model, inputs))
        self._keep("movie_loss", loss)
        if "tag_targets" in inputs:
            tag_loss = self.tag_loss(self.accelerator.unwrap_model(model).tag_scores(inputs), inputs["tag_targets"])
            self._keep("tag_loss", tag_loss)
            weighted = self.loss_config.tag_weight * tag_loss
            if self.state.global_step % self.args.logging_steps == 0:
                self._keep_gradients(movie=loss, tag=weighted)
            loss = loss + weighted
        return loss

    def _scored(self, model: nn.Module, inputs: Any) -> tuple[Tensor, Tensor, Weights, Drawn | None]:
        """The scores, their targets, how much these count, and the movies that were drawn, if not all are scored."""
        drawn = self.sampler(inputs["targets"]) if self.sampler is not None else None
        scores, own = model(inputs if drawn is None else inputs | {"columns": drawn.columns}), self.recommender
        targets = own.training_rows(inputs["targets"], inputs)
        weights = ALL_ALIKE
        if self.weights is not None:
            known = own.training_rows(inputs["engagement"], inputs) if "engagement" in inputs else None
            weights = self.weights(targets, known)
        return scores, targets if drawn is None else drawn.places(targets), weights, drawn

    def _keep_gradients(self, **losses: Tensor) -> None:
        """The norm of each loss's gradient at the encoder's weights; nothing for a frozen encoder."""
        weights = [p for n, p in self.recommender.named_parameters() if n.startswith("text.") and p.requires_grad]
        if not weights or not self.recommender.training:
            return
        for part, loss in losses.items():
            found = torch.autograd.grad(loss, weights, retain_graph=True, allow_unused=True)
            norm = nn.utils.get_total_norm([gradient for gradient in found if gradient is not None])
            self.parts.setdefault(f"{part}_gradient", []).append(norm.item())

    def _keep(self, part: str, loss: Tensor) -> None:
        value = loss.item()
        if not np.isfinite(value):
            raise NotFiniteError(
                f"The {part.replace('_', ' ')} is not finite at step {self.state.global_step + 1}. "
                "Try a lower learning rate, for example training.head_lr=1e-5."
            )
        self.parts.setdefault(part, []).append(value)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Every training line shows each part of the loss apart."""
        if "loss" in logs:
            logs |= {part: float(np.mean(values)) for part, values in self.parts.items()}
            self.parts = {}
        super().log(logs, start_time)

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Rank the catalogue for every validation item -> mean metrics under `eval_...`."""
        items = self.validation_items
        rankings = rank(self.recommender, items, max(CUTOFFS), self.args.device, bfloat16=self.args.bf16)
        if self.targets == "new":
            answers = [[t for t in item.targets if t not in set(item.exclude)] for item in items]
            kept = [i for i, answer in enumerate(answers) if answer]
            values = evaluate_rankings(rankings.new[kept], [answers[i] for i in kept], CUTOFFS)
        else:
            values = evaluate_rankings(rankings.all, [item.targets for item in items], CUTOFFS)
        metrics = {f"eval_{name}": float(per_example.mean()) for name, per_example in values.items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _save_checkpoint(self, model: nn.Module, trial: Any = None) -> None:
        """One folder to go on from, written aside and renamed; the one before it goes only then."""
        root = Path(str(self.args.output_dir))
        assert self.optimizer is not None
        folder = root / f"checkpoint-{self.state.global_step}"
        aside = root / f".{folder.name}.part"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        weights = {name: tensor.cpu().contiguous() for name, tensor in self.recommender.saved_weights().items()}
        write_atomically(aside / "model.safetensors", save(weights))
        resume.save_optimizer(aside, self.optimizer, self.lr_scheduler)
        resume.save_random_state(aside)
        exported = [c for c in [*self.callback_handler.callbacks, self.control] if isinstance(c, ExportableState)]
        self.state.stateful_callbacks |= {type(c).__name__: c.state() for c in exported}  # type: ignore[operator]
        self.state.save_to_json(str(aside / "trainer_state.json"))
        aside.rename(folder)
        for older in root.glob("checkpoint-*"):
            if older != folder:
                shutil.rmtree(older)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        self.recommender.load_weights(load_file(Path(resume_from_checkpoint) / "model.safetensors"))

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            assert self.optimizer is not None
            resume.load_optimizer(Path(checkpoint), self.optimizer, self.lr_scheduler)

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            resume.load_random_state(Path(checkpoint))
