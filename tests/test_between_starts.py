"""Between two starts of a run: what may change, and that the numbers stay those of one start."""

import json

import numpy as np
import pytest
import small
from PIL import Image

from train.changes import changed
from train.errors import Halted, UserError
from train.folder.log import read_metrics
from train.halt import Halt
from train.run import loop

pytestmark = pytest.mark.usefixtures("unoptimized", "undrawn")

CONFIG = small.config(halt=Halt(threshold=None))
OTHERS = {"eval_batch_size": 60, "chunk_steps": 7, "checkpoint_epochs": 2, "cpu_devices": 2}


@pytest.fixture(scope="module")
def in_one_start(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one")
    loop.run(CONFIG, folder)
    return numbers(folder)


def halted(folder):
    """Starts the run, which the guard halts after an epoch, in the midst of the schedule."""
    with pytest.raises(Halted):
        loop.run(changed(CONFIG, {"halt": Halt(threshold=0.5, grace_epochs=1)}), folder)


def numbers(folder):
    """The losses of the steps and of the evaluations."""
    lines = read_metrics(folder / "metrics.jsonl")
    return [
        np.array([line["loss"] for line in lines if line["kind"] == kind])
        for kind in ("train", "eval")
    ]


def test_a_run_goes_on_with_other_sizes_and_to_the_same_bits(tmp_path, in_one_start, capsys):
    halted(tmp_path)
    capsys.readouterr()
    loop.run(changed(CONFIG, OTHERS), tmp_path)
    said = capsys.readouterr().out.splitlines()
    for line in (
        "halt.threshold was 0.5 and is null from step 22 on",
        "halt.grace_epochs was 1 and is 2 from step 22 on",
        "eval_batch_size was 120 and is 60 from step 22 on",
        "chunk_steps was null and is 7 from step 22 on",
        "checkpoint_epochs was 1 and is 2 from step 22 on",
        "cpu_devices was 1 and is 2 from step 22 on",
    ):
        assert said.count(line) == 1
    trained, evaluated = numbers(tmp_path)
    np.testing.assert_array_equal(trained, in_one_start[0])
    np.testing.assert_allclose(evaluated, in_one_start[1], rtol=1e-5)
    record = json.loads((tmp_path / "config.json").read_text())
    assert {name: record[name] for name in OTHERS} == OTHERS
    (change,) = record["changes"]
    assert (change["step"], len(change["was"])) == (22, 6)


def test_a_run_goes_on_with_another_engine_within_rounding(tmp_path, in_one_start, capsys):
    halted(tmp_path)
    loop.run(changed(CONFIG, {"engine": "shard_map"}), tmp_path)
    assert 'engine was "pmap" and is "shard_map" from step 22 on' in capsys.readouterr().out
    for found, expected in zip(numbers(tmp_path), in_one_start, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_what_changes_the_steps_is_refused_and_nothing_is_written(tmp_path):
    halted(tmp_path)
    before = (tmp_path / "config.json").read_bytes()
    with pytest.raises(UserError, match="label_smoothing is 0.0 there and 0.1 here. Choose"):
        loop.run(changed(CONFIG, {"label_smoothing": 0.1, "eval_batch_size": 60}), tmp_path)
    assert (tmp_path / "config.json").read_bytes() == before


def a_folder_of_pictures(root):
    """Eight pictures of two classes, and four to test with."""
    draw = np.random.default_rng(0)
    for split, count in (("train", 12), ("test", 4)):
        for name in ("cat", "dog"):
            (root / split / name).mkdir(parents=True)
            for index in range(count):
                pixels = draw.integers(0, 256, (32, 32, 3), np.uint8)
                Image.fromarray(pixels).save(root / split / name / f"{index}.png")


@pytest.mark.slow  # 15 s
def test_a_folder_of_pictures_may_move_between_two_starts(tmp_path, capsys):
    a_folder_of_pictures(tmp_path / "pets")
    small_pets = changed(CONFIG, {"batch_size": 8, "eval_batch_size": 8, "epochs": 3})
    before = changed(small_pets, {"dataset": str(tmp_path / "pets")})
    with pytest.raises(Halted):
        loop.run(changed(before, {"halt": Halt(threshold=0.01, grace_epochs=1)}), tmp_path / "run")
    (tmp_path / "pets").rename(tmp_path / "animals")
    capsys.readouterr()
    loop.run(changed(before, {"dataset": str(tmp_path / "animals")}), tmp_path / "run")
    assert f'dataset was "{tmp_path}/pets" and is "{tmp_path}/ani' in capsys.readouterr().out
    assert len(numbers(tmp_path / "run")[0]) == 9
    # Another picture is another data set, wherever it lies.
    (tmp_path / "animals" / "train" / "cat" / "0.png").unlink()
    with pytest.raises(UserError, match="data_sha256 is"):
        loop.run(changed(before, {"dataset": str(tmp_path / "animals")}), tmp_path / "run")
