"""A run that falls back, or is sent back: each step is made at the rate that it had."""

import json
import shutil

import numpy as np
import pytest
from test_extend import CONFIG, SPE, killed, leaves, lines, rates, record

import log_anneal as la
from train.changes import changed
from train.config import digest
from train.errors import Interrupted, UserError
from train.folder import record as records
from train.folder import sealed, workdir
from train.run import loop

pytestmark = pytest.mark.usefixtures("unoptimized", "undrawn")

LOWER, LOWEST = (
    {
        "schedule": la.cyclical_cosine_schedule(
            peak_value=peak, end_value=0.001, decay_steps=2, restart_steps=None
        )
    }
    for peak in (0.02, 0.01)
)
END = 2 * SPE


def go_on(folder, changes, **how):
    loop.run(changed(CONFIG, {"epochs": 2, "chunk_steps": 2, **changes}), folder, **how)


def at(schedule, steps):
    return schedule.stretch(SPE).at(steps)


@pytest.fixture(scope="module")
def adjusted(tmp_path_factory):
    """A run that has another schedule since step 12, and was killed at 14; it has 8 and 12."""
    folder = tmp_path_factory.mktemp("adjusted") / "run"
    seen = iter(range(END))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop.Interrupts, "received", lambda _: "SIGTERM" if next(seen) == 6 else None)
        with pytest.raises(Interrupted, match="step 12 is saved"):
            go_on(folder, {})
        patch.undo()
        how = {"epochs": 2, "chunk_steps": 2, **LOWER}
        with pytest.raises(RuntimeError, match="killed"):
            found = loop.records

            def records(job, steps, metrics):
                if 14 in steps:
                    raise RuntimeError("killed")
                return found(job, steps, metrics)

            patch.setattr(loop, "records", records)
            loop.run(changed(CONFIG, how), folder, adjust_schedule=True)
    return folder


@pytest.fixture(scope="module")
def ended(adjusted, tmp_path_factory):
    """The same run, gone on with to its end."""
    folder = shutil.copytree(adjusted, tmp_path_factory.mktemp("ended") / "run")
    go_on(folder, LOWER)
    assert not list(folder.glob("*.npy"))
    expected = [*at(CONFIG.schedule, range(12)), *at(LOWER["schedule"], range(12, END))]
    np.testing.assert_allclose(rates(folder), expected, rtol=1e-6)
    return folder


@pytest.fixture
def begun(adjusted, tmp_path):
    return shutil.copytree(adjusted, tmp_path / "run")


def test_a_fall_back_behind_another_schedule_makes_the_same_steps(begun, ended, capsys):
    for file in (begun / "checkpoints/12/state").rglob("*"):
        if file.is_file():
            file.write_bytes(b"")
    for _ in range(2):  # killed once more, before there is a new checkpoint
        with pytest.MonkeyPatch.context() as patch:
            killed(patch, 10, begun, 2, chunk_steps=2, **LOWER)
    go_on(begun, LOWER)
    assert "the checkpoint of step 12 is damaged" in capsys.readouterr().err
    assert lines(begun) == lines(ended)
    assert leaves(begun, END) == leaves(ended, END)


def test_a_run_is_sent_back_and_comes_to_the_same_end(begun, ended, capsys):
    go_on(begun, LOWER, from_step=8)
    assert "the steps after 8 are made anew; the checkpoint is in ch" in capsys.readouterr().out
    assert (begun / "checkpoints/set_aside/12").is_dir()
    kept = (begun / "set_aside/metrics.before.jsonl").read_text().splitlines()
    assert json.loads(kept[-1])["step"] == 14
    assert lines(begun) == lines(ended)
    assert leaves(begun, END) == leaves(ended, END)


def test_a_run_is_sent_back_and_takes_another_schedule(begun):
    go_on(begun, LOWEST, from_step=8, adjust_schedule=True)
    expected = [*at(CONFIG.schedule, range(8)), *at(LOWEST["schedule"], range(8, END))]
    np.testing.assert_allclose(rates(begun), expected, rtol=1e-6)
    assert record(begun)["schedule_from_step"] == 8


def test_a_fall_back_behind_two_schedules_makes_each_step_under_its_own(adjusted, tmp_path):
    """The second one was never saved by a checkpoint that is left: the record alone has it."""
    folder = shutil.copytree(adjusted, tmp_path / "run")
    with pytest.MonkeyPatch.context() as patch:
        # At 14, LOWEST takes the place of LOWER, which no checkpoint but that of 14 has had.
        seen = iter(range(END))
        patch.setattr(loop.Interrupts, "received", lambda _: "SIGTERM" if next(seen) == 1 else None)
        with pytest.raises(Interrupted, match="step 14 is saved"):
            go_on(folder, LOWER)
    go_on(folder, LOWEST, adjust_schedule=True)
    shutil.rmtree(folder / "checkpoints/16")
    shutil.rmtree(folder / "checkpoints/14", ignore_errors=True)
    go_on(folder, LOWEST)
    expected = [
        *at(CONFIG.schedule, range(12)),
        *at(LOWER["schedule"], range(12, 14)),
        *at(LOWEST["schedule"], range(14, END)),
    ]
    np.testing.assert_allclose(rates(folder), expected, rtol=1e-6)


def test_rates_that_nobody_knows_any_more_are_said(begun, capsys):
    """Of a record of before, which says of the first schedule only that there was another."""
    content = sealed.read(begun / "config.json")
    del content["schedules"]
    (begun / "config.json").write_text(json.dumps(content))
    for path in (begun / "checkpoints").glob("[0-9]*/manifest/metadata"):
        of_before = {**sealed.read(path), "config_digest": fixed_digest(content)}
        del of_before["record"], of_before["logs"], of_before["made_by"]
        path.write_text(json.dumps({**of_before, "sha256": digest(of_before)}))
    shutil.rmtree(begun / "checkpoints/12")
    shutil.copytree(begun, begun.parent / "with_rates")
    go_on(begun, LOWER)
    assert "steps 9 to 12 had another schedule, which is not known" in capsys.readouterr().err

    known = begun.parent / "with_rates"
    np.save(known / "rates_until_12.npy", np.float32(at(CONFIG.schedule, range(12))))
    go_on(known, LOWER)
    assert "another schedule" not in capsys.readouterr().err
    expected = [*at(CONFIG.schedule, range(12)), *at(LOWER["schedule"], range(12, END))]
    np.testing.assert_allclose(rates(known), expected, rtol=1e-6)


def fixed_digest(content):
    """The digest of the settings that the manifests of before have."""
    kept = records.settings(content).items()
    may_change = workdir.ADJUSTABLE | workdir.FREE | workdir.CHANGEABLE | {"dataset"}
    return digest({name: value for name, value in kept if name not in may_change})


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (9, "`--from-step` must be the step of a checkpoint, got 9 in .*, which has those of 8 an"),
        (-1, "got -1 in .* Name one of them"),
    ],
)
def test_a_step_without_a_checkpoint_is_refused(begun, step, message):
    before = {path: path.stat().st_mtime_ns for path in begun.rglob("*.json*")}
    with pytest.raises(UserError, match=message):
        go_on(begun, LOWER, from_step=step)
    assert before == {path: path.stat().st_mtime_ns for path in begun.rglob("*.json*")}


def test_a_run_that_has_not_begun_is_sent_nowhere(tmp_path):
    with pytest.raises(UserError, match="which has none. Leave it out to begin the run"):
        go_on(tmp_path / "run", {}, from_step=8)
