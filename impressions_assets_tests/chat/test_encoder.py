"""Vectors of questions, by an encoder that is made on the spot."""

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("transformers")

from impressions_assets.chat.encoder import Encoder
from impressions_assets.errors import ConfigError
from impressions_assets_tests.chat.tiny import write_encoder

ASKED = ["How wet is the dough?", "Who won?", "Who won the cup in the end, and why?"]


def test_a_vector_is_that_of_four_layers_and_depends_on_no_neighbour(tmp_path: Path) -> None:
    folder = write_encoder(tmp_path / "model", ASKED)
    encoder = Encoder(str(folder))
    together = encoder.kept(ASKED)
    assert together.shape == (3, 4 * 32)
    np.testing.assert_allclose(np.linalg.norm(together.reshape(3, 4, 32), axis=2), 1, rtol=1e-5)
    for text, vector in zip(ASKED, together, strict=True):
        np.testing.assert_allclose(encoder(text), vector, atol=1e-5)
    layers = encoder(ASKED[0]).reshape(4, 32)
    np.testing.assert_allclose(layers[-1], last_layer(folder, ASKED[0]), atol=1e-5)
    assert len(np.unique(layers.round(4), axis=0)) == 4, "one layer is taken twice"


def last_layer(folder: Path, text: str) -> np.ndarray:
    """What sentence-transformers makes of a text."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    ids = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    with torch.inference_mode():
        mean = AutoModel.from_pretrained(folder)(**ids).last_hidden_state[0].mean(0)
    return (mean / mean.norm()).numpy()


def test_pooling_is_what_the_models_card_says_and_the_mean_without_one(tmp_path: Path) -> None:
    mean, first, none = (
        Encoder(str(write_encoder(tmp_path / str(at), ASKED, pooling))).kept(ASKED)
        for at, pooling in enumerate(("mean_tokens", "cls_token", None))
    )
    np.testing.assert_array_equal(mean, none)
    assert np.abs(mean - first).max() > 0.01


def test_more_than_the_model_reads_is_left_out(tmp_path: Path) -> None:
    encoder = Encoder(str(write_encoder(tmp_path / "model", ASKED)))
    assert encoder("wet " * 5000).shape == (4 * 32,)


def test_vectors_are_kept_by_text_and_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, kept = write_encoder(tmp_path / "model", ASKED), tmp_path / "kept"
    made = Encoder(str(folder), kept).kept(ASKED[:2])
    asked: list[str] = []
    told = Encoder._encoded
    monkeypatch.setattr(
        Encoder, "_encoded", lambda self, texts: asked.extend(texts) or told(self, texts)
    )
    again = Encoder(str(folder), kept).kept([ASKED[1], ASKED[2], ASKED[0]])
    assert asked == [ASKED[2]]
    np.testing.assert_array_equal(again[[2, 0]], made)
    [file] = kept.glob("*.npz")
    for damaged in (b"damaged", b""):
        file.write_bytes(damaged)
        Encoder(str(folder), kept).kept(ASKED[:1])
    Encoder(str(write_encoder(tmp_path / "other", ["wet"])), kept).kept(ASKED[:1])
    assert asked == [ASKED[2], ASKED[0], ASKED[0], ASKED[0]]
    assert len(list(kept.glob("*.npz"))) == 2


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("folder", "no such folder"),
        ("weights", r"no \*\.safetensors, and other weights can run any program"),
        ("config.json", "cannot load the encoder"),
        ("1_Pooling/config.json", "cannot be read"),
    ],
)
def test_what_is_no_encoder_is_refused_with_what_to_do(
    tmp_path: Path, damage: str, told: str
) -> None:
    folder = write_encoder(tmp_path / "model", ASKED)
    if damage == "folder":
        folder = tmp_path / "nowhere"
    elif damage == "weights":
        (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    else:
        (folder / damage).write_text("{", "utf-8")
    with pytest.raises(ConfigError, match=told):
        Encoder(str(folder))


def test_a_pooling_that_is_not_known_is_refused(tmp_path: Path) -> None:
    folder = write_encoder(tmp_path / "model", ASKED, "max_tokens")
    with pytest.raises(ConfigError, match="pools by pooling_mode_max_tokens"):
        Encoder(str(folder))


def test_a_model_that_wants_two_texts_is_refused(tmp_path: Path) -> None:
    from transformers import T5Config, T5Model

    folder = write_encoder(tmp_path / "model", ASKED)
    config = T5Config(vocab_size=20, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    T5Model(config).save_pretrained(folder)
    with pytest.raises(ConfigError, match="cannot encode sentences"):
        Encoder(str(folder))


def test_two_that_encode_at_once_lose_nothing_of_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, kept, told = str(write_encoder(tmp_path / "model", ASKED)), tmp_path / "kept", []
    encoded = Encoder._encoded

    def meanwhile(self: Encoder, texts: list[str]) -> np.ndarray:
        told.append(texts)
        if len(told) == 1:
            Encoder(folder, kept).kept(ASKED[1:2])
        return encoded(self, texts)

    monkeypatch.setattr(Encoder, "_encoded", meanwhile)
    Encoder(folder, kept).kept(ASKED[:1])
    Encoder(folder, kept).kept(ASKED[:2])
    assert told == [[ASKED[0]], [ASKED[1]]]


def test_what_was_encoded_before_an_interrupt_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(write_encoder(tmp_path / "model", ASKED))
    told, done = Encoder._encoded, [0]

    def interrupted(self: Encoder, texts: list[str]) -> np.ndarray:
        if done[0]:
            raise KeyboardInterrupt
        done[0] = len(texts)
        return told(self, texts)

    monkeypatch.setattr(Encoder, "_encoded", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Encoder(folder, tmp_path / "kept").kept([f"Who is {at}?" for at in range(100)])
    [file] = (tmp_path / "kept").glob("*.npz")
    assert 0 < len(np.load(file)["keys"]) == done[0]


@pytest.mark.parametrize("library", ["torch", "transformers"])
def test_a_library_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ConfigError, match=r"pip install 'impressions-assets\[chat\]'"):
        Encoder(str(tmp_path))
