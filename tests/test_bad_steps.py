"""Steps that go wrong in a run: found, skipped and named; nothing that is not finite is kept."""

import json

import jax
import numpy as np
import pytest
import small
from PIL import Image

from train import data
from train.changes import changed
from train.data import picture
from train.engine import guard
from train.errors import Halted
from train.folder.log import read_metrics
from train.halt import Halt
from train.run import bad_steps, loop
from train.run.job import prepare
from train.tasks import classification

pytestmark = pytest.mark.usefixtures("unoptimized", "undrawn")

IMAGE = 700
"""The number of an image that has a pixel that is not finite."""
RULE = Halt(action="skip", threshold=None, skip_limit=3)
CONFIG = small.config(preprocess_once=True, halt=RULE)
PARTS = ("params", "batch_stats", "opt_state")


def spoil(monkeypatch, images):
    """Gives images of the training split a pixel that is not finite."""
    whole = classification._pictures

    def with_nan(config, dataset, name, statistics):
        pictures = whole(config, dataset, name, statistics)
        if name != "train":
            return pictures
        pixels = pictures.images.copy()
        pixels[images, 3, 4, 0] = np.nan
        return pictures._replace(images=pixels)

    monkeypatch.setattr(classification, "_pictures", with_nan)


def lines_of(folder):
    return [line for line in read_metrics(folder / "metrics.jsonl") if line["kind"] == "train"]


def test_a_run_passes_over_an_image_that_has_no_number(monkeypatch, tmp_path, capsys):
    job = prepare(CONFIG)
    spoil(monkeypatch, [IMAGE])
    loop.run(CONFIG, tmp_path)

    told = read_metrics(tmp_path / bad_steps.FILE)
    with_it = [
        step + 1 for step in range(job.total_steps) if IMAGE in job.indices(range(step, step + 1))
    ]
    assert [line["step"] for line in told] == with_it and len(with_it) in (1, 2)
    for line in told:
        # A maximum hides it from the loss, and not from the gradient.
        assert line["action"] == "skipped" and line["loss"] > 1
        assert line["why"].startswith("its grad_norm was nan, and after it params/")
        assert line["images"] == job.indices(range(line["step"] - 1, line["step"]))[0].tolist()
    said = capsys.readouterr().out
    assert f"step {with_it[0]} was skipped: its grad_norm was nan" in said

    lines = lines_of(tmp_path)
    assert [line["step"] for line in lines if "skipped" in line] == with_it
    assert all(line["grad_norm"] is not None for line in lines if "skipped" not in line)
    # The schedule goes on where a step is skipped.
    rates = [line["learning_rate"] for line in lines]
    np.testing.assert_array_equal(np.float32(rates), job.rates)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["skipped_steps"] == len(with_it)


def test_the_files_of_a_bad_step_are_named_where_the_images_are_files(
    monkeypatch, tmp_path, capsys
):
    draw = np.random.default_rng(0)
    for split, count in (("train", 20), ("test", 4)):
        for name in ("cat", "dog"):
            (tmp_path / split / name).mkdir(parents=True)
            for i in range(count):
                image = Image.fromarray(draw.integers(0, 256, (32, 32, 3), np.uint8))
                image.save(tmp_path / split / name / f"{i}.png")
    part = {"num_train_images": 30, "validation_fraction": 0.2, "batch_size": 8, "epochs": 1}
    config = changed(CONFIG, {"dataset": str(tmp_path), **part})
    spoil(monkeypatch, [3])
    job = prepare(config)
    data._tell.cache_clear()
    loop.run(config, tmp_path / "run")
    assert "holds 40 training and 8 test images of 2 classes" in capsys.readouterr().err

    (line,) = read_metrics(tmp_path / "run" / bad_steps.FILE)
    assert 3 in line["images"] and len(line["files"]) == 8
    for place, file in zip(line["images"], line["files"], strict=True):
        pixels, _ = picture.read(tmp_path / file)
        np.testing.assert_array_equal(pixels, job.data.dataset.train.images[place])

    # The next start has nothing new to tell of them.
    data._tell.cache_clear()
    loop.run(config, tmp_path / "run")
    said = capsys.readouterr()
    assert "holds 40" not in said.err and "This run is done" in said.out


def test_too_many_in_a_row_halt_the_run(monkeypatch, tmp_path):
    spoil(monkeypatch, slice(None))
    with pytest.raises(Halted, match="and the 3 before it were skipped, as many as `halt.skip_li"):
        loop.run(CONFIG, tmp_path)
    actions = [line["action"] for line in read_metrics(tmp_path / bad_steps.FILE)]
    assert actions == ["skipped"] * 3 + ["halted"]
    assert [line["step"] for line in lines_of(tmp_path)] == [1, 2, 3]
    # The same command tries the step again, after three more of its batches.
    with pytest.raises(Halted, match="Step 6 is saved"):
        loop.run(CONFIG, tmp_path)
    assert [line["step"] for line in read_metrics(tmp_path / bad_steps.FILE)] == [*range(1, 8)]


@pytest.fixture(scope="module")
def begun():
    """A job, its training split and a state after three steps, on the host."""
    job = prepare(CONFIG)
    data = job.place_splits()["train"]
    state = job.engine.place(jax.device_get(jax.jit(job.create_state)()))
    state, _ = job.engine.train(state, data, job.indices(range(3)))
    return job, data, jax.device_get(state)


@pytest.mark.parametrize("part", PARTS)
def test_a_number_that_is_not_finite_is_found_on_its_step(part, begun):
    job, data, before = begun
    leaves, tree = jax.tree.flatten(getattr(before, part))
    place = next(at for at, leaf in enumerate(leaves) if leaf.dtype == np.float32 and leaf.ndim)
    leaves[place] = leaves[place].copy()
    leaves[place].flat[0] = np.inf
    state = before._replace(**{part: jax.tree.unflatten(tree, leaves)})

    after, metrics = job.engine.train(job.engine.place(state), data, job.indices(range(3, 4)))
    assert metrics["skipped"].tolist() == metrics["not_finite"].tolist() == [True]
    name = guard.leaf_names(before)[int(metrics["bad_leaf"][0])]
    assert name.startswith("batch_stats/" if part == "batch_stats" else "params/")
    # Nothing has changed but the number of the step, and the place in the schedule.
    after = jax.device_get(after)
    assert (after.step, after.skipped) == (4, 1)
    for name in ("params", "batch_stats", "recent"):
        jax.tree.map(np.testing.assert_array_equal, getattr(after, name), getattr(state, name))
    changed = [
        jax.tree_util.keystr(path)
        for (path, old), new in zip(
            jax.tree_util.tree_leaves_with_path(state.opt_state),
            jax.tree.leaves(after.opt_state),
            strict=True,
        )
        if not np.array_equal(old, new)
    ]
    assert len(changed) == 1 and "learning_rate" in changed[0] and changed[0].endswith(".step")


def test_a_step_that_is_lost_and_made_anew_is_told_once(tmp_path):
    lines = "".join(json.dumps({"step": step, "action": "skipped"}) + "\n" for step in (5, 12))
    (tmp_path / bad_steps.FILE).write_text(lines)
    bad_steps.cut(tmp_path, 8, {})
    assert [line["step"] for line in read_metrics(tmp_path / bad_steps.FILE)] == [5]
    bad_steps.cut(tmp_path, 4, {})
    assert not (tmp_path / bad_steps.FILE).exists()
    (tmp_path / bad_steps.FILE).write_text(lines)
    bad_steps.cut(tmp_path, 0, {})
    assert (tmp_path / "set_aside" / bad_steps.FILE).read_text() == lines


def test_a_halt_on_a_step_that_was_saved_is_no_end(monkeypatch, tmp_path):
    """Of a halt by the limit, the state of that step may be saved already, and tell nothing."""
    spoil(monkeypatch, slice(None))
    every = changed(CONFIG, {"num_train_images": 192, "epochs": 9})
    for saved in (3, 6, 9):
        with pytest.raises(Halted, match=f"Step {saved} is saved"):
            loop.run(every, tmp_path)
