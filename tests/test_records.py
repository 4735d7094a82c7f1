"""A run whose log was damaged between two starts: what is mended, made anew or marked."""

import json
import shutil

import pytest
from test_extend import CONFIG, SPE, killed, leaves, lines

from train.changes import changed
from train.folder import ending
from train.folder.log import read_metrics
from train.folder.thin import thin
from train.run import loop

pytestmark = pytest.mark.usefixtures("unoptimized", "undrawn")

END = 3 * SPE


def run(folder):
    loop.run(changed(CONFIG, {"epochs": 3, "chunk_steps": 2}), folder, is_quiet=True)


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ended") / "run"
    run(folder)
    return folder


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A run that was killed at step 20, with checkpoints at 8 and 16."""
    folder = tmp_path_factory.mktemp("stopped") / "run"
    with pytest.MonkeyPatch.context() as patch:
        killed(patch, 20, folder, 3, chunk_steps=2)
    return folder


@pytest.fixture
def copy(stopped, tmp_path):
    return shutil.copytree(stopped, tmp_path / "run")


def edit(folder, change):
    path = folder / "metrics.jsonl"
    found = path.read_text().splitlines(keepends=True)
    change(found)
    path.write_text("".join(found))


def test_a_line_that_is_doubled_is_taken_out(copy, ended, capsys):
    edit(copy, lambda found: found.insert(4, found[2]))
    run(copy)
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "metrics.jsonl: line 5 is doubled; it is mended" in said
    assert lines(copy) == lines(ended) and leaves(copy, END) == leaves(ended, END)
    assert (copy / "set_aside/metrics.damaged.jsonl").exists()
    assert ending.has_ended(copy) and "lost_lines" not in ending.read(copy / "summary.json")


def test_a_line_since_the_checkpoint_before_is_made_anew(copy, ended, capsys):
    edit(copy, lambda found: found.pop(10))  # that of step 10: 8 agrees
    run(copy)
    said = capsys.readouterr().err
    assert "the line of step 10 is missing; the steps after 8 are made anew; the ch" in said
    assert (copy / "checkpoints/set_aside/16").is_dir()
    assert lines(copy) == lines(ended) and leaves(copy, END) == leaves(ended, END)


def test_a_run_that_has_ended_makes_its_last_steps_anew_and_saves_them(ended, tmp_path, capsys):
    folder = shutil.copytree(ended, tmp_path / "run")
    edit(folder, lambda found: found.pop(20))
    run(folder)
    assert "the steps after 16 are made anew" in capsys.readouterr().err
    assert lines(folder) == lines(ended) and leaves(folder, END) == leaves(ended, END)
    assert ending.has_ended(folder)


@pytest.mark.parametrize("place", [3, 8])
def test_a_line_that_no_checkpoint_can_give_back_is_marked(copy, ended, capsys, place):
    """The one is that of a step, the other the test after the first epoch."""
    edit(copy, lambda found: found.insert(place, found.pop(place).replace('"loss": ', '"loss": 1')))
    run(copy)
    said = capsys.readouterr().err
    assert f"line {place + 1} has changed since it was written" in said
    assert "1 line cannot be restored and is marked as lost" in said
    found, whole = lines(copy), lines(ended)
    lost = found.pop(place)
    gone = whole.pop(place)
    assert lost["lost"] and lost["loss"] is None and lost["step"] == gone["step"]
    assert found == whole and leaves(copy, END) == leaves(ended, END)
    run(copy)  # it has ended, and has nothing more to say
    assert capsys.readouterr().err == ""


def test_a_mark_is_made_once_and_other_damage_is_still_found(copy, capsys):
    edit(copy, lambda found: found.pop(0))
    with pytest.MonkeyPatch.context() as patch:
        killed(patch, 16, copy, 3, chunk_steps=2)
        assert capsys.readouterr().err.count("is marked as lost") == 1
        killed(patch, 16, copy, 3, chunk_steps=2)
    assert capsys.readouterr().err == ""
    edit(copy, lambda found: found.insert(4, found[2]))
    run(copy)
    assert "line 5 is doubled" in capsys.readouterr().err
    assert ending.read(copy / "summary.json")["lost_lines"] == 1
    assert [each["step"] for each in lines(copy) if each["kind"] == "train"] == [*range(1, END + 1)]


def test_the_last_test_is_made_anew_where_no_older_checkpoint_is_left(ended, tmp_path, capsys):
    folder = shutil.copytree(ended, tmp_path / "run")
    thin(folder / "checkpoints")
    edit(folder, list.pop)
    run(folder)
    assert "a line is missing, or is of another run; the last test is" in capsys.readouterr().err
    assert lines(folder) == lines(ended)
    assert ending.read(folder / "summary.json")["test_accuracy"] is not None


def test_a_run_without_its_checkpoints_says_that_it_begins_anew(copy, ended, capsys):
    before = (copy / "metrics.jsonl").read_bytes()
    for step in (8, 16):
        shutil.rmtree(copy / f"checkpoints/{step}")
    run(copy)
    said = capsys.readouterr().err
    assert "has no checkpoint, and the run starts from nothing; the 22 lines of its log" in said
    assert (copy / "set_aside/metrics.jsonl").read_bytes() == before
    assert lines(copy) == lines(ended)


def test_a_log_that_is_damaged_while_the_run_goes_on_ends_it_all_the_same(
    copy, ended, monkeypatch, capsys
):
    found = loop.lacks_last_test

    def after_damage(folder, total_steps):
        edit(folder, lambda lines: lines.pop(5))
        return found(folder, total_steps)

    monkeypatch.setattr(loop, "lacks_last_test", after_damage)
    run(copy)
    assert "the line of step 6 is missing; lines cannot be restored" in capsys.readouterr().err
    assert ending.has_ended(copy)
    assert sum("lost" in line for line in read_metrics(copy / "metrics.jsonl")) == 1


def test_the_manifest_says_who_made_which_steps_and_other_versions_are_told(copy, capsys):
    for step in (8, 16):
        manifest = json.loads((copy / f"checkpoints/{step}/manifest/metadata").read_text())
        (own,) = manifest["made_by"]
        assert own["from_step"] == 0 and own["processes"] == 1 and "jax" in own["versions"]
    with pytest.MonkeyPatch.context() as patch:
        now = {**own["versions"], "jax": "0.99"}
        patch.setattr("train.folder.origin.versions", lambda: now)
        run(copy)
    said = capsys.readouterr().err
    was = own["versions"]["jax"]
    assert said == (
        f"warning: from step 16 on, jax was {was} and is 0.99: the last digits may differ\n"
    )
    manifest = json.loads((copy / f"checkpoints/{END}/manifest/metadata").read_text())
    assert [each["from_step"] for each in manifest["made_by"]] == [0, 16]
    assert manifest["made_by"][1]["versions"] == now


def test_a_run_keeps_the_type_with_which_it_began(copy, monkeypatch, capsys):
    """`auto` is another type on an accelerator; here the device stays a CPU that says so."""
    monkeypatch.setattr("train.dtype.jax.default_backend", lambda: "gpu")
    loop.run(changed(CONFIG, {"epochs": 3, "chunk_steps": 2}), copy)
    said = capsys.readouterr().out
    assert "model.dtype stays float32, with which the run began; bfloat16 is usual here" in said
    assert json.loads((copy / "config.json").read_text())["model"]["dtype"] == "float32"
