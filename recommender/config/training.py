"""Settings of the training loop."""

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, model_validator

from recommender.config.base import Part, ReadWhen, is_draft
from recommender.config.data import TAGS

Tracker = Literal["tensorboard", "wandb", "mlflow", "trackio"]
TRAINS_ENCODER = ReadWhen(lambda run: run.model.trains_encoder, "model.text.train = lora, last or all")


class ModuleConfig(Part):
    """What one named part of the model is trained with in place of the settings for all."""

    lr: float | None = Field(None, gt=0, description="learning rate; none: encoder_lr or head_lr")
    clip: float | None = Field(None, gt=0, description="largest norm of its own gradient; training.clip comes after it")


class TrainingConfig(Part):
    epochs: int = Field(20, ge=0, description="0 trains nothing: weights are taken over, counts made, the run measured")
    batch_size: int = Field(32, ge=1, description="examples of one optimizer step, over all pieces and processes")
    accumulation: int = Field(
        1,
        ge=1,
        title="Gradient accumulation steps",
        description="pieces that a batch is read in, one after the other: less memory",
    )
    tag_batch_size: Annotated[int, TAGS] = Field(64, ge=1, description="a multiple of batch_size")
    encoder_lr: Annotated[float, TRAINS_ENCODER] = Field(2e-5, gt=0, title="Learning rate of the text encoder")
    head_lr: float = Field(2e-5, gt=0, title="Learning rate")
    weight_decay: float = Field(0.0, ge=0)
    schedule: Literal["linear", "cosine", "constant"] = Field(
        "linear",
        title="Learning rate schedule",
        description="how the learning rates go on after the warm-up: down to 0 in a line or a half cosine",
    )
    warmup: float = Field(
        0.1,
        ge=0,
        lt=1,
        title="Warm-up (share of steps)",
        description="share of the steps with a linearly rising learning rate",
    )
    clip: float = Field(1.0, gt=0, title="Largest gradient norm")
    modules: dict[str, ModuleConfig] = Field(
        {},
        title="Learning rates and limits by module",
        description="lr and clip for parts of the model by name: text, history, head, readers.0, ...",
    )
    chosen_on: Literal["validation", "test"] = Field(
        "validation",
        title="Split that selects the epoch",
        description="which split picks the best epoch; test is the mistake of 2025",
    )
    patience: int | None = Field(None, ge=1, description="epochs without a better validation nDCG@10 before stopping")
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", title="Precision", description="float16: cuda only"
    )
    gradient_checkpointing: Annotated[bool, TRAINS_ENCODER] = Field(
        False,
        title="Gradient checkpointing",
        description="compute the text encoder's activations again in place of keeping them: slower, less memory",
    )
    compile: bool = Field(
        False,
        title="torch.compile",
        description="torch.compile: slow to begin with, needs a C++ compiler",
    )
    report_to: tuple[Tracker, ...] = Field(
        (), title="Trackers", description="also log to these; each needs its own package"
    )

    @model_validator(mode="after")
    def _whole_pieces(self, info: ValidationInfo) -> Self:
        if not is_draft(info) and self.batch_size % self.accumulation:
            raise ValueError("batch_size must be a multiple of accumulation: a batch is read in pieces of one size")
        return self
