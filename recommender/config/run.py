"""What one training run is: every number is a setting."""

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, model_validator

from recommender.config.base import Part, ReadWhen, is_draft, unread
from recommender.config.data import DataConfig, Protocol
from recommender.config.losses import BceSettings, Loss
from recommender.config.models import Model, OneShotSettings
from recommender.config.training import TrainingConfig

VERSION = 2  # of the file: see `migration`
LEARNS = ReadWhen(lambda run: run.model.learns, "a model that learns by gradient")


class RunConfig(Part):
    """A setting that nothing reads is an error. The validation's context `DRAFT` leaves rules between settings out."""

    version: Literal[2] = 2
    description: str = ""
    protocol: Protocol = Field(title="Protocol")
    seed: int = Field(42, ge=0, lt=2**32)
    start_from: str = Field("", description="a run whose weights this one starts with")
    data: DataConfig = Field(DataConfig(), title="Data")
    model: Model = Field(OneShotSettings(), title="Model")
    loss: Annotated[Loss, LEARNS] = Field(BceSettings(), title="Loss")
    training: Annotated[TrainingConfig, LEARNS] = Field(TrainingConfig(), title="Training")

    @model_validator(mode="after")
    def _whole_tags(self, info: ValidationInfo) -> Self:
        if not is_draft(info) and "tag" in self.model.tasks and self.training.tag_batch_size % self.training.batch_size:
            raise ValueError(
                "training.tag_batch_size must be a multiple of training.batch_size: every example brings as many tags"
            )
        return self

    @model_validator(mode="after")
    def _everything_is_read(self, info: ValidationInfo) -> Self:
        if not is_draft(info) and (found := unread(self)):
            setting, rule = found[0]
            raise ValueError(f"{setting.path} has no effect here: it is read only with {rule.condition}")
        return self
