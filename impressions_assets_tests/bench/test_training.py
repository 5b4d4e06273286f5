"""The comparison with others is measured whole, on small models; no test asserts a time."""

from pathlib import Path

import pytest
import torch

from impressions_assets_tests.bench import gpu
from impressions_assets_tests.bench.__main__ import main
from impressions_assets_tests.bench.ratios import Ratio, ratio_table
from impressions_assets_tests.bench.texts import Text, text_of
from impressions_assets_tests.bench.training import Sizes, _packing_row, training_rows

SMALL = Sizes(
    shape=(1, 2, 16, 16),
    batch_size=2,
    vocab_size=600,
    used_vocab_size=400,
    own_vocab_size=300,
    warmup_steps=1,
    rounds=1,
    compiled=False,
    preset="debug",
    nanogpt_steps=3,
    seeds=(1,),
)


@pytest.mark.slow
def test_every_row_of_training_is_measured() -> None:
    pytest.importorskip("transformers")
    rows = list(training_rows(text_of(None), SMALL))
    assert [row.at_least for row in rows] == [1.8, 1.8, 6.0, 0.3, 3.0, 0.99]
    assert all(row.found > 0 for row in rows[:3])
    assert rows[-1].holds


def test_packing_wastes_next_to_nothing() -> None:
    row = _packing_row(num_documents=500)
    assert 0.99 < row.found <= 1
    assert "none of" in row.note


def test_a_row_that_is_short_of_its_least_is_marked() -> None:
    rows = [Ratio("a", "b", 2.0, 1.9), Ratio("a", "b", 2.0, 2.0)]
    assert list(ratio_table(rows, "a text").columns[3].cells) == ["1.90 !", "2.00"]


def test_a_section_may_be_measured_alone_and_names_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a text.txt"
    path.write_text("Some words.")
    module = "impressions_assets_tests.bench.__main__._AGAINST_OTHERS"

    def rows_of(text: Text) -> list[Ratio]:
        return [Ratio(text.text, "b", 1.0, 3.0)]

    monkeypatch.setattr(module, {"training": rows_of})
    main(["--only", "training", "--text", str(path)])
    said = capsys.readouterr().out
    assert "text: a text.txt" in said
    assert "Some words." in said
    assert "CPU-seconds" not in said


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_the_benchmark_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["gpu"])
    gpu.main()
    assert "sees no CUDA GPU here" in capsys.readouterr().out


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU")
def test_every_row_of_the_gpu_is_measured() -> None:
    rows = list(gpu.gpu_rows(text_of(None)))
    assert len(rows) == 4
    assert all(row.found > 0 for row in rows)
