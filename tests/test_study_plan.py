"""What a study would make: `--dry-run`, and the sizes that are named where none is given."""

import json
from pathlib import Path
from typing import Any

import pytest
import studies
from synthetic_study import write_json

from train.changes import changed
from train.cli import study as command
from train.cli.arguments import parse
from train.errors import UserError
from train.folder.workdir import settings_sha256
from train.report import archive
from train.study import RangeTests, Study, plan, record
from train.study.tune import Range, Tune

PEAK = Range(low=0.01, high=0.1, scale="log")


def planned(study: Study, folder: Path, **how: Any) -> plan.Plan:
    return plan.plan(study, folder, "smoke", study.runs(), **how)


def ended(folder: Path, study: Study, names: tuple[str, ...], *, size: str = "smoke") -> None:
    """A study of which some runs have ended: 4 steps each, the last 2 of them in 2 seconds."""
    folder.mkdir()
    record.write_study(study, folder, name="small", size="smoke")
    write_json(
        folder / "study.json", {**json.loads((folder / "study.json").read_text()), "size": size}
    )
    for name in names:
        (folder / name).mkdir()
        (folder / name / "summary.json").write_text('{"test_accuracy": 0.5, "steps": 4}')
        seconds = (98.0, 98.0, 99.0, 100.0)
        lines = [{"kind": "train", "step": n, "seconds": each} for n, each in enumerate(seconds, 1)]
        (folder / name / "metrics.jsonl").write_text(
            "".join(f"{json.dumps(line)}\n" for line in lines)
        )


def test_runs_that_differ_in_schedule_and_seed_share_a_program(tmp_path: Path) -> None:
    of = planned(studies.study(), tmp_path / "none")
    assert (len(of.runs), of.done, of.num_programs, of.seconds) == (4, 0, 1, None)
    assert (of.num_searches, of.num_trials, of.num_range_tests) == (0, 0, 0)
    widths = {"width": {"narrow": {"model.width": 4}, "wide": {"model.width": 8}}}
    assert planned(studies.study(axes=widths, baseline=None), tmp_path / "none").num_programs == 2
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("path", "programs"),
    [("schedule.peak_value", 1), ("optimizer.momentum", 1 + 2 * 3)],
)
def test_a_search_compiles_for_each_trial_what_is_not_of_the_schedule(
    tmp_path: Path, path: str, programs: int
) -> None:
    tune = Tune(search={name: {path: PEAK} for name in ("log", "cosine")}, trials=3)
    of = planned(studies.study(tune=tune), tmp_path)
    assert (of.num_searches, of.num_trials, of.num_programs) == (2, 6, programs)


def test_the_changes_of_a_trial_may_make_another_program(tmp_path: Path) -> None:
    peak = {"schedule.peak_value": PEAK}
    tune = Tune(search={"log": peak}, trials=3, changes={"batch_size": 32})
    assert planned(studies.study(tune=tune), tmp_path).num_programs == 2


def test_a_range_test_has_no_threshold_and_so_its_own_program(tmp_path: Path) -> None:
    tests = RangeTests(axis="schedule", fallback=(0.01, 0.1))
    of = planned(studies.study(range_tests=tests), tmp_path)
    assert (of.num_range_tests, of.num_programs) == (2, 2)


def test_the_time_is_that_of_the_runs_that_have_ended(tmp_path: Path) -> None:
    study = studies.study()
    ended(tmp_path / "study", study, ("log-seed0",))
    of = planned(study, tmp_path / "study")
    assert (of.done, of.seconds) == (1, pytest.approx(3 * 4.0))  # of 4 steps, less compilation
    two = planned(study, tmp_path / "study", num_workers=2)
    assert two.seconds == pytest.approx(6.0)
    assert "0:00:06 at the pace" in plan.described(study, tmp_path, "smoke", two, 2)


def test_a_folder_of_another_size_or_of_other_settings_tells_nothing(tmp_path: Path) -> None:
    study = studies.study()
    ended(tmp_path / "full", study, ("log-seed0",), size="full")
    assert planned(study, tmp_path / "full").done == 0
    ended(tmp_path / "other", study, ("log-seed0",))
    longer = studies.study(base=changed(study.base, {"epochs": 3}))
    assert settings_sha256(longer.base) != settings_sha256(study.base)
    assert planned(longer, tmp_path / "other").done == 0


def test_a_kept_study_tells_what_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = studies.study()

    def unpack(packed: Path, to: Path) -> Path:
        ended(to, study, ("log-seed0", "log-seed1", "cosine-seed0", "cosine-seed1"))
        return to

    monkeypatch.setattr(archive, "unpack", unpack)
    of = planned(study, tmp_path / "new", kept=tmp_path / "kept")
    assert of.done == 4
    text = plan.described(study, tmp_path / "new", "smoke", of, 1)
    assert text.splitlines()[-1] == "time          nothing is left to make"


SIZES = studies.FILE.replace("studies.study()", "studies.study(seeds={sizes}[size])")


def written(folder: Path, text: str = SIZES) -> Path:
    file = folder / "study_sizes.py"
    sizes = {"smoke": (0,), "full": tuple(range(9))}
    file.write_text(text.replace("{sizes}", repr(sizes)))
    return file


def test_without_a_size_the_sizes_are_listed_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = written(tmp_path)
    with pytest.raises(UserError) as refused:
        command.run(parse(["study", str(file)]))
    assert str(refused.value) == (
        "`--size` must be one of smoke (2 runs), full (18 runs), got none. Begin with the first "
        "one, and see by `--dry-run` what each of them makes."
    )
    ended(tmp_path / "runs", studies.study(seeds=(0,)), ())
    ended(tmp_path / "runs" / "study_sizes_smoke", studies.study(seeds=(0,)), ("log-seed0",))
    with pytest.raises(UserError, match=r"smoke \(2 runs, about 0:00:04 left\), full \(18 runs\)"):
        command.run(parse(["study", str(file)]))


def test_a_file_that_gives_no_size_is_refused_by_its_own_mistake(tmp_path: Path) -> None:
    file = written(tmp_path, "def get_study(size): return sise")
    with pytest.raises(UserError, match="NameError: name 'sise'"):
        command.run(parse(["study", str(file)]))


@pytest.mark.parametrize(
    ("words", "sizes"), [((), ["smoke", "full"]), (("--size", "full"), ["full"])]
)
def test_a_dry_run_shows_the_plan_and_makes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    sizes: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    file = written(tmp_path)
    command.run(parse(["study", str(file), "--dry-run", "--workers", "1", *words]))
    out = capsys.readouterr().out
    assert [line.split()[1] for line in out.splitlines() if line.startswith("size ")] == sizes
    assert "runs          18, of which 0 are done; 2 epochs each" in out
    assert "programs      1 to compile; " in out and "searches" not in out
    assert out.endswith("\n\nNothing was made.\n")
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_a_dry_run_names_all_runs_that_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    labels = {"fine": {}, "large": {"batch_size": 999}, "sharp": {"model.image_size": 224}}
    axes = f"axes={{'what': {labels}}}, baseline=None"
    text = studies.FILE.replace("studies.study()", f"studies.study({axes})")
    command.run(parse(["study", str(written(tmp_path, text)), "--dry-run", "--size", "smoke"]))
    out = capsys.readouterr().out
    large, sharp = out.partition("not possible  4 runs\n")[2].splitlines()[:2]
    assert large.startswith("  large, seeds 0, 1: `batch_size` must be between 1 and the 128 ")
    assert sharp.startswith("  sharp, seeds 0, 1: `model.image_size` must be 32, got 224. ")


def test_a_dry_run_downloads_nothing_to_check_the_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan.paper.sources.download, "prepare", pytest.fail)
    far = changed(studies.study().base, {"dataset": "cifar10", "data_dir": str(tmp_path)})
    study = studies.study(base=far)
    of = planned(study, tmp_path / "none", on_paper=True)
    assert (of.is_checked, of.faults) == (False, {})
    assert "\nnot checked   whether" in plan.described(study, tmp_path, "smoke", of, 1)


def test_a_dry_run_of_a_size_that_is_not_there_names_the_others(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"one of smoke \(2 runs\), full \(18 runs\), got laptop"):
        command.run(parse(["study", str(written(tmp_path)), "--dry-run", "--size", "laptop"]))
