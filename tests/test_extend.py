"""A run that gets longer: its rates, its records, and that nothing made before is touched."""

import dataclasses
import json
import shutil
from fractions import Fraction

import numpy as np
import optax
import pytest
import small
from test_log import events

import log_anneal as la
from train.changes import changed
from train.errors import UserError
from train.folder import ending
from train.folder.log import read_metrics
from train.rates import check_proportion
from train.run import loop, trained

pytestmark = pytest.mark.usefixtures("unoptimized", "undrawn")

SPE = 8
"""The steps of an epoch: 512 images in batches of 64."""
COSINE = la.cyclical_cosine_schedule(
    peak_value=0.05, end_value=0.001, decay_steps=2, restart_steps=None
)
"""It ends with the second epoch."""
CONFIG = small.config(num_train_images=512, num_test_images=120, schedule=COSINE)
CLOCK = {"seconds", "images_per_second"}


def run(folder, epochs, extend=None, config=CONFIG, **changes):
    loop.run(changed(config, {"epochs": epochs, **changes}), folder, extend=extend, is_quiet=True)


def record(folder):
    return json.loads((folder / "config.json").read_text())


def rates(folder):
    lines = [line for line in read_metrics(folder / "metrics.jsonl") if line["kind"] == "train"]
    assert [line["step"] for line in lines] == list(range(1, len(lines) + 1))
    return np.array([line["learning_rate"] for line in lines])


def lines(folder):
    """The metrics less the clock."""
    return [
        {name: value for name, value in line.items() if name not in CLOCK}
        for line in read_metrics(folder / "metrics.jsonl")
    ]


def leaves(folder, step):
    """The digests of a checkpoint's leaves."""
    manifest = json.loads((folder / f"checkpoints/{step}/manifest/metadata").read_text())
    return {path: leaf["sha256"] for path, leaf in manifest["leaves"].items()}


def event_steps(folder):
    """The steps of the rates that TensorBoard shows: each start purges what comes after it."""
    found = []
    for event in events(folder):
        if event.HasField("session_log"):
            found = [step for step in found if step < event.step]
        if any(each.tag == "train/learning_rate" for each in event.summary.value):
            found.append(event.step)
    return found


def whole(folder):
    """All files of a run but the lock, which names its last holder."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {path: path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def two_epochs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two") / "run"
    run(folder, 2, chunk_steps=2)
    return folder


@pytest.fixture
def ended(two_epochs, tmp_path):
    """A copy of a run of two epochs that has ended."""
    return shutil.copytree(two_epochs, tmp_path / "run")


def killed(monkeypatch, at, *how, **more):
    """Starts a run that dies when it logs a step."""
    found = loop.records

    def records(job, steps, metrics):
        if at in steps:
            raise RuntimeError("killed")
        return found(job, steps, metrics)

    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="killed"):
        patch.setattr(loop, "records", records)
        run(*how, **more)


def test_a_run_that_was_extended_equals_the_longer_run_bit_for_bit(tmp_path):
    """Of a function, too, whose digest is that of as many values as the run has steps."""
    constant = changed(
        CONFIG, {"schedule": optax.constant_schedule(0.02), "schedule_unit": "steps"}
    )
    run(tmp_path / "long", 3, config=constant)
    run(tmp_path / "short", 2, config=constant)
    before = (tmp_path / "short/metrics.jsonl").read_bytes()
    run(tmp_path / "short", 3, "keep", config=constant)
    assert (tmp_path / "short/metrics.jsonl").read_bytes().startswith(before)
    assert lines(tmp_path / "short") == lines(tmp_path / "long")
    found = leaves(tmp_path / "short", 3 * SPE)
    assert any(path.startswith("params/") for path in found)
    assert found == leaves(tmp_path / "long", 3 * SPE)
    long, short = (
        {name: value for name, value in ending.read(tmp_path / each / "summary.json").items()}
        for each in ("long", "short")
    )
    assert {**short, "seconds": 0} == {**long, "seconds": 0}
    assert record(tmp_path / "short")["extensions"] == [
        {"step": 16, "was": 2, "is": 3, "schedule": "keep"}
    ]


def test_a_schedule_that_cannot_be_stretched_in_proportion_is_refused(tmp_path):
    table = la.tabulated_schedule(np.linspace(0.05, 0.01, 2 * SPE))
    changes = {"schedule": table, "schedule_unit": "steps"}
    run(tmp_path, 2, **changes)
    before = (tmp_path / "config.json").read_bytes()
    with pytest.raises(UserError, match="grow in proportion, by 1.5, got .*, which at step "):
        run(tmp_path, 3, "stretch", **changes)
    assert (tmp_path / "config.json").read_bytes() == before
    run(tmp_path, 4, "stretch", **changes)  # by 2, each value lasts for two steps
    assert rates(tmp_path)[-2:] == pytest.approx([0.01, 0.01], rel=1e-6)


@pytest.mark.parametrize("by", [Fraction(6, 5), Fraction(3, 2), Fraction(7, 3), Fraction(2)])
def test_what_grows_in_proportion_is_not_refused(by):
    for schedule in (
        COSINE,
        small.SCHEDULE,
        la.cyclical_log_schedule(peak_value=1.0, end_value=0.01, decay_steps=3, restart_steps=3),
        la.triangular_schedule(init_value=0.01, peak_value=0.1, up_steps=2),
        la.step_decay_schedule(init_value=0.1, decay_steps=5, decay_rate=0.5),
        la.one_cycle_schedule(peak_value=0.1, warmup_steps=3, decay_steps=7),
    ):
        written, stretched = (schedule.stretch(float(22 * each)) for each in (1, by))
        check_proportion(written, stretched, by, int(30 * 22 * by))


def test_a_run_whose_log_lacks_a_line_is_lengthened_and_the_line_is_marked(ended, capsys):
    lines_before = (ended / "metrics.jsonl").read_text().splitlines(keepends=True)
    (ended / "metrics.jsonl").write_text("".join(lines_before[1:]))
    run(ended, 3, "stretch", chunk_steps=2)
    assert (
        "the line of step 1 is missing; 1 line cannot be restored and is ma"
        in capsys.readouterr().err
    )
    first, *rest = lines(ended)
    assert first == {
        **{"kind": "train", "step": 1, "epoch": 1 / SPE, "lost": True},
        **{"loss": None, "accuracy": None, "learning_rate": pytest.approx(0.05)},
    }
    assert [line["step"] for line in rest if line["kind"] == "train"] == [*range(2, 3 * SPE + 1)]
    assert ending.read(ended / "summary.json")["lost_lines"] == 1


def test_a_run_that_has_lost_its_record_has_it_again(ended, capsys):
    before = (ended / "config.json").read_bytes()
    (ended / "config.json").unlink()
    with pytest.raises(UserError, match="seed is 0 there and 1 here"):
        run(ended, 2, chunk_steps=2, seed=1)
    run(ended, 2, chunk_steps=2)
    assert "(it is missing); it is that of step 16 again" in capsys.readouterr().err
    assert (ended / "config.json").read_bytes() == before


def test_an_ended_run_is_stretched_killed_taken_up_again_and_then_kept(ended, monkeypatch):
    before = (ended / "metrics.jsonl").read_bytes()
    killed(monkeypatch, 20, ended, 3, "stretch", chunk_steps=2)
    assert record(ended)["epochs"] == 3
    assert not (ended / "summary.json").exists() and not (ended / "curves.png").exists()
    for name in ("summary.json", "curves.png", "schedule.png", "config.before.json"):
        assert (ended / "set_aside" / name).exists()
    run(ended, 3, "stretch", chunk_steps=2)  # the same command
    assert (ended / "metrics.jsonl").read_bytes().startswith(before)
    stretched = COSINE.stretch(1.5).stretch(SPE)
    expected = np.concatenate([COSINE.stretch(SPE).at(range(16)), stretched.at(range(16, 24))])
    np.testing.assert_allclose(rates(ended), expected, rtol=1e-6)
    assert ending.has_ended(ended) and (ended / "curves.png").exists()
    assert record(ended)["schedule_from_step"] == 16
    assert event_steps(ended) == [2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24]

    run(ended, 4, "keep", chunk_steps=2)
    held = np.full(SPE, 0.001)
    np.testing.assert_allclose(rates(ended), [*expected, *held], rtol=1e-6)
    made = record(ended)
    assert made["extensions"] == [
        {"step": 16, "was": 2, "is": 3, "schedule": "stretch"},
        {"step": 24, "was": 3, "is": 4, "schedule": "keep"},
    ]
    assert made["schedule_epochs"] == {"written_for": 2, "stretched_to": 3}
    assert la.from_dict(made["schedule"]) == COSINE
    assert ending.read(ended / "summary.json")["steps"] == 32
    again = (ended / "metrics.jsonl").read_bytes()
    for extend in (None, "keep"):  # it has ended
        run(ended, 4, extend, chunk_steps=2)
    assert (ended / "metrics.jsonl").read_bytes() == again


def test_a_run_is_stretched_from_the_step_where_it_was_interrupted(tmp_path, monkeypatch):
    folder = tmp_path / "run"
    killed(monkeypatch, 11, folder, 2)
    run(folder, 4, "stretch")
    parts = COSINE.stretch(SPE).at(range(8)), COSINE.stretch(2 * SPE).at(range(8, 32))
    np.testing.assert_allclose(rates(folder), np.concatenate(parts), rtol=1e-6)
    (extension,) = record(folder)["extensions"]
    assert extension == {"step": 8, "was": 2, "is": 4, "schedule": "stretch"}
    assert trained.load(folder).step == 32


def test_behind_a_damaged_checkpoint_lies_one_of_the_shorter_run(ended, capsys):
    run(ended, 3, "stretch")
    made = lines(ended)
    (ended / "checkpoints/24/manifest/metadata").write_text("{ torn")
    run(ended, 3)
    assert "the checkpoint of step 24 is damaged" in capsys.readouterr().err
    assert lines(ended) == made


def test_a_new_schedule_is_written_for_the_new_length(ended):
    other = changed(COSINE, {"peak_value": 0.01, "decay_steps": 3})
    config = dataclasses.replace(CONFIG, schedule=other, epochs=3)
    with pytest.raises(UserError, match="`--extend` must be keep where `--adjust-schedule` gives"):
        loop.run(config, ended, adjust_schedule=True, extend="stretch", is_quiet=True)
    loop.run(config, ended, adjust_schedule=True, extend="keep", is_quiet=True)
    np.testing.assert_allclose(rates(ended)[16:], other.stretch(SPE).at(range(16, 24)), rtol=1e-6)
    made = record(ended)
    assert made["schedule_epochs"] == {"written_for": 3, "stretched_to": 3}
    assert made["schedule_from_step"] == 16


@pytest.mark.parametrize(
    ("epochs", "extend", "said"),
    [
        (3, None, "epochs is 2 there and 3 here. .* add `--extend keep`: the rate goes on as the"),
        (3, None, "or `--extend stretch`: from here on it follows the schedule stretched to 3 ep"),
        (1, None, "epochs is 2 there and 1 here. Choose another `--workdir`, or take those setti"),
        (1, "keep", "`--epochs` must be above the 2 epochs of the run .*, got 1. Take more, or"),
        (2, "stretch", "`--epochs` must be above the 2 epochs of the run .*, got 2. Take more"),
    ],
)
def test_what_does_not_lengthen_a_run_is_refused_and_nothing_is_written(
    ended, epochs, extend, said
):
    before = whole(ended)
    with pytest.raises(UserError, match=said) as raised:
        run(ended, epochs, extend)
    assert ("To lengthen the run" in str(raised.value)) == (epochs > 2)
    assert whole(ended) == before
