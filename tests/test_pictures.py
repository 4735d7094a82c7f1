import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import optax
import pytest
from matplotlib.figure import Figure
from PIL import Image
from small import ROOT

import log_anneal as la
from log_anneal.plot import draw
from train.run import pictures
from train.run.pictures import curves_picture, schedule_picture, terminal_picture

SCHEDULE = la.cyclical_log_schedule(
    init_value=1e-4,
    warmup_steps=20,
    peak_value=0.1,
    end_value=1e-3,
    decay_steps=100,
    restart_steps=40,
)


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    drawn: list[Figure] = []
    png = pictures._png

    def remember(figure: Figure) -> bytes:
        drawn.append(figure)
        return png(figure)

    monkeypatch.setattr(pictures, "_png", remember)
    return drawn


def records(num_steps: int) -> list[dict[str, Any]]:
    train = [
        {"kind": "train", "step": step, "loss": 1.0, "accuracy": 0.5, "learning_rate": 0.1}
        for step in range(1, num_steps + 1)
    ]
    test = {"kind": "eval", "split": "test", "step": num_steps, "loss": 2.0, "accuracy": 0.25}
    return [*train, test]


def size_of(path: Path) -> tuple[int, int]:
    return Image.open(io.BytesIO(path.read_bytes())).size


@pytest.mark.parametrize(
    ("schedule", "scale"),
    [
        (SCHEDULE, "linear"),
        (optax.exponential_decay(0.1, 100, 0.01), "log"),
        (optax.constant_schedule(0.1), "linear"),
    ],
    ids=["cyclical", "exponential", "constant"],
)
def test_any_schedule_is_drawn_on_the_axis_that_shows_it(
    tmp_path: Path, figures: list[Figure], schedule: Any, scale: str
) -> None:
    schedule_picture(tmp_path / "schedule.png", schedule, 200, 10)
    assert size_of(tmp_path / "schedule.png") == (1200, 600)
    assert figures[0].axes[0].get_yscale() == scale
    assert list(tmp_path.iterdir()) == [tmp_path / "schedule.png"]


def test_curves_are_in_epochs_and_percent_with_their_restarts(
    tmp_path: Path, figures: list[Figure]
) -> None:
    curves_picture(tmp_path / "curves.png", records(40), restarts=[10, 20], steps_per_epoch=10)
    assert size_of(tmp_path / "curves.png") == (1200, 1200)
    loss, accuracy, rate = figures[0].axes
    raw, mean, test, *marks = accuracy.lines
    np.testing.assert_allclose(raw.get_xdata(), np.arange(1, 41) / 10)
    np.testing.assert_allclose(mean.get_xdata(), [0.55, 1.55, 2.55, 3.55])
    np.testing.assert_allclose(mean.get_ydata(), 50)
    np.testing.assert_allclose((test.get_xdata(), test.get_ydata()), [[4], [25]])
    assert [mark.get_xdata()[0] for mark in marks] == [1.0, 2.0]
    names = [text.get_text() for text in loss.get_legend().get_texts()]
    assert names == ["training", "test", "restart"]
    assert rate.get_xlabel() == "epoch"


def test_one_spike_does_not_flatten_the_curve(tmp_path: Path, figures: list[Figure]) -> None:
    spiked = records(400)
    spiked[7]["loss"] = 1e9
    spiked[8]["loss"] = None
    curves_picture(tmp_path / "curves.png", spiked, steps_per_epoch=10)
    assert figures[0].axes[0].get_ylim()[1] < 3


def test_a_run_without_records_has_a_picture(tmp_path: Path) -> None:
    curves_picture(tmp_path / "curves.png", [], steps_per_epoch=10)
    assert (tmp_path / "curves.png").exists()


def test_the_terminal_picture_is_that_of_the_library_on_the_axis_of_the_run() -> None:
    picture = terminal_picture(SCHEDULE, 200, 60, 12)
    assert picture == draw(SCHEDULE, 200, width=60, height=12)
    assert max(map(len, picture.splitlines())) <= 60
    wide = la.exponential_schedule(init_value=1.0, decay_steps=10, decay_rate=0.5)
    expected = draw(wide, 200, width=60, height=12, log_scale=True)
    assert terminal_picture(wide, 200, 60, 12) == expected
    straight = optax.linear_schedule(0.0, 1.0, 99)
    assert terminal_picture(straight, 100, 31, 12) == draw(straight, 100, width=31, height=12)
    assert terminal_picture(optax.constant_schedule(0.1), 100, 40, 8).count("0.1") == 1


def test_characters_are_drawn_in_one_place() -> None:
    braille = re.compile(r"2800|[\u2800-\u28ff]")
    folders = [ROOT / "log_anneal", ROOT / "train"]
    files = [path for folder in folders for path in folder.rglob("*.py")]
    found = {path.name for path in files if braille.search(path.read_text())}
    assert found == {"terminal.py", "__main__.py"}  # __main__ asks whether the terminal knows them
