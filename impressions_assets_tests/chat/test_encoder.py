"""Vectors of questions, by an encoder that is made on the spot."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("transformers")

from impressions_assets.chat.encoder import SEARCH, Encoder
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


def last_layer(folder: Path, text: str, longest: int = 32) -> np.ndarray:
    """What sentence-transformers makes of a text."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    ids = AutoTokenizer.from_pretrained(folder)(
        text, truncation=True, max_length=longest, return_tensors="pt"
    )
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


@pytest.mark.parametrize(
    ("card", "pooling"),
    [
        ({"pooling_mode": "mean", "embedding_dimension": 32}, "mean_tokens"),
        ({"pooling_mode": ["mean"], "include_prompt": True}, "mean_tokens"),
        ({"pooling_mode": "cls"}, "cls_token"),
        ({"pooling_mode": ["cls"]}, "cls_token"),
        ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": False}, "mean_tokens"),
    ],
)
def test_a_card_of_any_version_is_read_where_the_modules_say_that_it_lies(
    tmp_path: Path, card: dict[str, Any], pooling: str
) -> None:
    flags = Encoder(str(write_encoder(tmp_path / "flags", ASKED, pooling))).kept(ASKED)
    folder = write_encoder(tmp_path / "model", ASKED, "max_tokens")
    named = [{"type": "sentence_transformers.models.Pooling", "path": "2_Pooling"}]
    (folder / "modules.json").write_text(json.dumps(named), "utf-8")
    (folder / "2_Pooling").mkdir()
    (folder / "2_Pooling" / "config.json").write_text(json.dumps(card), "utf-8")
    np.testing.assert_array_equal(Encoder(str(folder)).kept(ASKED), flags)


def changed(folder: Path, file: str, **values: Any) -> Path:
    """A model with other values in one of its files."""
    path = folder / file
    there = json.loads(path.read_text("utf-8")) if path.exists() else {}
    path.write_text(json.dumps(there | values), "utf-8")
    return folder


def test_the_first_token_is_that_of_the_text_wherever_the_tokenizer_fills_up(
    tmp_path: Path,
) -> None:
    folder = write_encoder(tmp_path / "model", ASKED, "cls_token")
    encoder = Encoder(str(changed(folder, "tokenizer_config.json", padding_side="left")))
    for text, vector in zip(ASKED, encoder.kept(ASKED), strict=True):
        np.testing.assert_allclose(encoder(text), vector, atol=1e-5)


def test_capitals_are_made_small_where_the_model_wants_it_and_its_tokenizer_does_not(
    tmp_path: Path,
) -> None:
    folder = changed(write_encoder(tmp_path / "model", ASKED), "tokenizer.json", normalizer=None)
    for lowers in (False, True):
        changed(folder, "sentence_bert_config.json", do_lower_case=lowers)
        encoder = Encoder(str(folder), use=SEARCH)
        assert np.allclose(encoder("WHO WON"), encoder("who won")) == lowers


def test_of_a_question_without_end_its_beginning_is_read(tmp_path: Path) -> None:
    encoder = Encoder(str(write_encoder(tmp_path / "model", ASKED)))
    np.testing.assert_array_equal(encoder(f"dough{' ' * 4000}wet"), encoder("dough"))


def test_a_model_whose_positions_begin_after_padding_reads_fewer_tokens(tmp_path: Path) -> None:
    from transformers import RobertaConfig, RobertaModel

    folder = write_encoder(tmp_path / "model", ASKED)
    changed(folder, "tokenizer_config.json", model_max_length=10**30)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2}
    config = RobertaConfig(
        vocab_size=20, num_hidden_layers=4, max_position_embeddings=34, pad_token_id=1, **sizes
    )
    RobertaModel(config).save_pretrained(folder)
    assert Encoder(str(folder), use=SEARCH)("wet " * 100).shape == (32,)


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
    Encoder(str(write_encoder(tmp_path / "other", ["wet"])), kept).kept(ASKED[:1])
    assert asked == [ASKED[2], ASKED[0]]
    assert len(list(kept.glob("*/*.npz"))) == 2


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


def test_a_model_that_lacks_weights_is_refused_but_for_the_pooler_that_is_not_used(
    tmp_path: Path,
) -> None:
    from safetensors.numpy import load_file, save_file

    folder = write_encoder(tmp_path / "model", ASKED)
    file, made = folder / "model.safetensors", Encoder(str(folder))(ASKED[0])
    weights = load_file(file)
    save_file(
        {name: one for name, one in weights.items() if not name.startswith("pooler.")}, file,
        metadata={"format": "pt"},
    )  # fmt: skip
    np.testing.assert_array_equal(Encoder(str(folder))(ASKED[0]), made)
    del weights["encoder.layer.3.output.dense.weight"]
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(
        ConfigError, match=r"lacks 1 of its weights, such as encoder\.layer\.3\.out"
    ):
        Encoder(str(folder))


@pytest.mark.parametrize("damage", ["truncated", "of another shape"])
def test_weights_that_cannot_be_read_are_told(tmp_path: Path, damage: str) -> None:
    folder = write_encoder(tmp_path / "model", ASKED)
    if damage == "truncated":
        file = folder / "model.safetensors"
        file.write_bytes(file.read_bytes()[:-100])
    else:
        changed(folder, "config.json", intermediate_size=48)
    with pytest.raises(ConfigError, match="cannot load the encoder"):
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


def test_a_search_compares_the_last_layer_of_as_much_as_the_model_reads(tmp_path: Path) -> None:
    folder = write_encoder(tmp_path / "model", ASKED)
    long = "Who won the cup in the end, and why? " * 9
    for lengths, longest in (
        ({}, 32),
        ({"max_seq_length": 12}, 12),
        ({"max_seq_length": None}, 32),
    ):
        (folder / "sentence_bert_config.json").write_text(json.dumps(lengths), "utf-8")
        encoder = Encoder(str(folder), use=SEARCH)
        np.testing.assert_allclose(encoder(long), last_layer(folder, long, longest), atol=1e-5)
    found = encoder.kept([*ASKED, long])
    for text, vector in zip([*ASKED, long], found, strict=True):
        np.testing.assert_allclose(vector, last_layer(folder, text), atol=1e-5)


@pytest.mark.parametrize(
    ("said", "before_questions", "before_passages"),
    [
        ({}, "", ""),
        ({"prompts": {}, "default_prompt_name": None}, "", ""),
        ({"prompts": {"query": "who: ", "passage": "why: "}}, "who: ", "why: "),
        ({"prompts": {"query": "who: ", "document": "", "passage": "why: "}}, "who: ", ""),
        ({"prompts": {"corpus": "why: "}}, "", "why: "),
        (
            {"prompts": {"query": "who: ", "x": "why: "}, "default_prompt_name": "x"},
            "who: ",
            "why: ",
        ),
        ({"prompts": {"x": "why: "}, "default_prompt_name": "x"}, "why: ", "why: "),
        ({"prompts": {"query": "who: "}}, "who: ", ""),
    ],
)
def test_a_search_writes_before_a_text_what_the_model_wants(
    tmp_path: Path, said: dict[str, Any], before_questions: str, before_passages: str
) -> None:
    folder = write_encoder(tmp_path / "model", [*ASKED, "who: why:"])
    plain = Encoder(str(folder))(ASKED[0])
    (folder / "config_sentence_transformers.json").write_text(json.dumps(said), "utf-8")
    encoder = Encoder(str(folder), use=SEARCH)
    asked, [passage] = encoder(ASKED[0]), encoder.kept(ASKED[:1])
    np.testing.assert_allclose(asked, last_layer(folder, before_questions + ASKED[0]), atol=1e-5)
    np.testing.assert_allclose(passage, last_layer(folder, before_passages + ASKED[0]), atol=1e-5)
    np.testing.assert_array_equal(Encoder(str(folder))(ASKED[0]), plain)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (
            {"modules.json": [{"type": "sentence_transformers.models.Dense", "path": "2_Dense"}]},
            r"more than a transformer and its pooling: sentence_transformers.models.Dense \(modul",
        ),
        (
            {"modules.json": [{"type": "sentence_transformers.models.Router", "path": ""}]},
            "its pooling: sentence_transformers.models.Router ",
        ),
        (
            {"modules.json": [{"type": "custom_st.Transformer", "path": ""}]},
            "its pooling: custom_st.Transformer ",
        ),
        (
            {"config_sentence_transformers.json": {"similarity_fn_name": "dot"}},
            "compares by dot",
        ),
        (
            {"config_sentence_transformers.json": {"prompts": ["who: "]}},
            r"config_sentence_transformers.json that cannot be read: Expected `object \| null`",
        ),
        (
            {"sentence_bert_config.json": {"max_seq_length": "12"}},
            "sentence_bert_config.json that cannot be read",
        ),
        (
            {
                "config_sentence_transformers.json": {"prompts": {"query": "who: "}},
                "1_Pooling/config.json": {"pooling_mode_cls_token": True, "include_prompt": False},
            },
            "leaves its prompts out of its pooling",
        ),
        ({"modules.json": None}, "modules.json that cannot be read"),
    ],
)
def test_what_a_search_would_compare_otherwise_than_the_model_is_refused(
    tmp_path: Path, files: dict[str, Any], told: str
) -> None:
    folder = write_encoder(tmp_path / "model", ASKED)
    modules = {"models.Transformer": "", "modules.Pooling": "1_Pooling", "models.Normalize": "2"}
    listed = [
        {"type": f"sentence_transformers.{one}", "path": path} for one, path in modules.items()
    ]
    (folder / "modules.json").write_text(json.dumps(listed), "utf-8")
    Encoder(str(folder), use=SEARCH)
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content) if content else "{", "utf-8")
    with pytest.raises(ConfigError, match=told):
        Encoder(str(folder), use=SEARCH)


def test_a_model_is_loaded_once_for_guard_and_search_and_anew_when_it_changes(
    tmp_path: Path,
) -> None:
    name = str(write_encoder(tmp_path / "model", ASKED))
    guard, search = Encoder(name), Encoder(name, use=SEARCH)
    assert guard._loaded is search._loaded
    assert guard.fingerprint != search.fingerprint
    other = write_encoder(tmp_path / "other", ["wet"])
    for file in ("config.json", "model.safetensors", "tokenizer.json"):
        (tmp_path / "model" / file).write_bytes((other / file).read_bytes())
    assert Encoder(name)._loaded is not guard._loaded
    assert Encoder(name).fingerprint != guard.fingerprint


def test_a_model_in_the_hubs_cache_is_the_same_wherever_it_is_fetched_to(tmp_path: Path) -> None:
    model, prints = write_encoder(tmp_path / "model", ASKED), []
    cache = tmp_path / "cache"
    for at in range(3):
        blobs, snapshot = cache / "blobs", cache / "snapshots" / "main"
        (snapshot / "1_Pooling").mkdir(parents=True)
        blobs.mkdir()
        for number, file in enumerate(sorted(file for file in model.rglob("*") if file.is_file())):
            blob = blobs / f"{number}{'other' * (at == 2)}"
            blob.write_bytes(file.read_bytes())
            os.utime(blob, (at, at))
            (snapshot / file.relative_to(model)).symlink_to(blob)
        prints.append(Encoder(str(snapshot)).fingerprint)
        shutil.rmtree(cache)
    assert prints[0] == prints[1] != prints[2]


@pytest.mark.parametrize("name", ["vocab.txt", "spiece.model", "added.json"])
def test_each_file_that_a_tokenizer_may_read_tells_one_model_from_another(
    tmp_path: Path, name: str
) -> None:
    folder = write_encoder(tmp_path / "model", ASKED)
    before = Encoder(str(folder)).fingerprint
    (folder / name).write_text("{}", "utf-8")
    assert Encoder(str(folder)).fingerprint != before


def test_a_card_without_room_leaves_texts_to_the_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    encoder = Encoder(str(write_encoder(tmp_path / "model", ASKED)), use=SEARCH)
    left: list[bool] = []

    def use_card(_: object) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(type(encoder._loaded), "use_card", use_card)
    monkeypatch.setattr(type(encoder._loaded), "leave_card", lambda _: left.append(True))
    found = encoder.kept(ASKED)
    np.testing.assert_allclose(found, [encoder(text) for text in ASKED], atol=1e-5)
    assert left, "what was moved is still there"


@pytest.mark.gpu
def test_many_texts_are_encoded_on_the_card_which_is_left_then(tmp_path: Path) -> None:
    import torch

    encoder = Encoder(str(write_encoder(tmp_path / "model", ASKED)), use=SEARCH)
    at: list[str] = []
    told = encoder._encoded
    encoder._encoded = lambda texts: at.append(encoder._loaded.model.device.type) or told(texts)
    found = encoder.kept(ASKED)
    np.testing.assert_allclose(found, [encoder(text) for text in ASKED], atol=1e-3)
    assert at == ["cuda", "cpu", "cpu", "cpu"]
    assert torch.cuda.memory_allocated() == 0


@pytest.mark.parametrize("library", ["torch", "transformers"])
def test_a_library_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ConfigError, match=r"pip install 'impressions-assets\[chat\]'"):
        Encoder(str(tmp_path))
