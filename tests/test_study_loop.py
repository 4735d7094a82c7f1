"""The runs of a study: one program a network, and the same report after any interruption."""

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import studies

import log_anneal as la
from train import changes
from train.engine import compiled, step
from train.errors import UserError
from train.folder import files, origin
from train.folder.log import read_metrics
from train.halt import Halt
from train.run import loop, range_test
from train.study import Claim, RangeTests, tune
from train.study import loop as study_loop
from train.study.tune import Range, Tune

pytestmark = pytest.mark.usefixtures("unoptimized", "undrawn")


def make(study, folder, **arguments):
    study_loop.run(study, folder, name="small", size="smoke", **arguments)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    make(studies.study(), folder)
    return folder


def test_one_compilation_serves_five_schedules_and_two_seeds_of_a_network(tmp_path, monkeypatch):
    traces = Counter()

    def counted(make_step):
        def make(config, *arguments):
            function = make_step(config, *arguments)

            def traced(*operands):
                traces[make_step.__name__, config.model.width] += 1
                return function(*operands)

            return traced

        return make

    for name in ("make_train_step", "make_eval_step"):
        monkeypatch.setattr(step, name, counted(getattr(step, name)))
    compiled._program.cache_clear()
    networks = {"narrow": {"model.width": 4}, "wide": {"model.width": 6}}
    schedules = {name: {"schedule": each} for name, each in studies.SCHEDULES.items()}
    axes = {"schedule": schedules, "network": networks}
    make(
        studies.study(axes=axes, base=changes.changed(studies.study().base, {"epochs": 1})),
        tmp_path,
    )
    assert len(list(tmp_path.glob("*/summary.json"))) == 5 * 2 * 2
    # A training step is traced on paper too, before the first run.
    times = {"make_train_step": 2, "make_eval_step": 1}
    assert traces == {(name, width): times[name] for name in times for width in (4, 6)}


def test_a_study_makes_every_run_as_the_trainer_would_and_reports(whole):
    record = json.loads((whole / "study.json").read_text())
    assert [run["folder"] for run in record["runs"]] == [
        f"{label}-seed{seed}" for label in ("log", "cosine") for seed in (0, 1)
    ]
    for run in record["runs"]:
        config = json.loads((whole / run["folder"] / "config.json").read_text())
        assert config["seed"] == run["seed"]
        assert config["schedule"] == la.to_dict(studies.SCHEDULES[run["labels"]["schedule"]])
    numbers = json.loads((whole / "report.json").read_text())
    assert [cell["runs"] for cell in numbers["cells"]] == [2, 2]
    accuracies = [
        json.loads((whole / f"log-seed{seed}" / "summary.json").read_text())["test_accuracy"]
        for seed in (0, 1)
    ]
    log = next(cell for cell in numbers["cells"] if cell["labels"] == {"schedule": "log"})
    assert log["final_accuracy"]["mean"] == pytest.approx(100 * np.mean(accuracies))


def test_runs_that_are_done_are_not_made_again(whole, monkeypatch, capsys):
    before = studies.results(whole)
    monkeypatch.setattr(loop, "run", None)
    make(studies.study(), whole)
    assert "4 of 4 runs are done" in capsys.readouterr().out
    assert studies.results(whole) == before


@pytest.mark.parametrize("writes", [4, 19])
def test_a_study_that_stopped_between_two_files_ends_with_the_same_report(
    writes, whole, tmp_path, monkeypatch
):
    class Died(BaseException):
        pass

    left = iter(range(writes))

    def dying(path, content):
        if next(left, None) is None:
            raise Died
        real(path, content)

    real = files.write_atomically
    with monkeypatch.context() as patch:
        for module in (
            "study.record",
            "folder.files",
            "run.summary",
            "run.pictures",
            "folder.log",
            "report",
        ):
            patch.setattr(f"train.{module}.write_atomically", dying, raising=False)
        with pytest.raises(Died):
            make(studies.study(), tmp_path)
    make(studies.study(), tmp_path)
    assert studies.results(tmp_path) == studies.results(whole)


def test_shares_of_a_study_come_to_the_whole(whole, tmp_path):
    for of in (1, 2, 3, 9):
        shares = [study_loop.share(studies.study(), (number, of)) for number in range(1, of + 1)]
        assert [run for share in shares for run in share] == list(studies.study().runs())
    for number in (1, 2):
        make(studies.study(), tmp_path, jobs=(number, 2))
        lacking = "Not whole" in (tmp_path / "report.md").read_text()
        assert lacking == (number == 1)
    assert studies.results(tmp_path) == studies.results(whole)


def test_a_folder_of_another_study_is_refused_and_left_as_it_is(whole):
    before = (whole / "study.json").read_bytes()
    with pytest.raises(UserError, match="must hold this study, got .*, where the name differ"):
        study_loop.run(studies.study(), whole, name="other", size="smoke")
    with pytest.raises(UserError, match="must be a study's folder, got .* which holds a run"):
        make(studies.study(), whole / "log-seed0")
    longer = changes.changed(studies.study().base, {"epochs": 3})
    with pytest.raises(UserError, match=r"where the settings of log-seed0 \(epochs\), .* differ"):
        make(studies.study(base=longer), whole)
    assert (whole / "study.json").read_bytes() == before


def test_labels_seeds_and_claims_come_and_go_and_old_settings_stay_bound(
    whole, tmp_path, monkeypatch
):
    folder = tmp_path / "study"
    shutil.copytree(whole, folder)
    log = {"log": {"schedule": studies.SCHEDULES["log"]}}
    with monkeypatch.context() as patch:
        patch.setattr(loop, "run", None)
        make(studies.study(axes={"schedule": log}, baseline=None, seeds=(0,), claims=()), folder)
        report = json.loads((folder / "report.json").read_text())
        assert (report["runs_planned"], report["answers"]) == (1, [])
        make(studies.study(), folder)
    assert studies.results(folder) == studies.results(whole)

    make(studies.study(axes={"schedule": log}, baseline=None), folder)
    other = {"log": log["log"], "cosine": {"schedule": la.constant_schedule(0.05)}}
    with pytest.raises(UserError, match=r"where the settings of cosine-seed0 \(schedule.* differ"):
        make(studies.study(axes={"schedule": other}), folder)


def test_a_search_or_range_test_binds_once_it_has_begun(whole, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(whole, folder)

    def begin(**more):
        study_loop.begin(studies.study(**more), folder, name="small", size="smoke")

    def tests(low):
        return RangeTests(fallback=(low, 1), axis="schedule")

    begin(range_tests=tests(0.1))
    begin(range_tests=tests(0.2))
    (folder / "range_test-log").mkdir()
    with pytest.raises(UserError, match="where the settings of range_test-log differ"):
        begin(range_tests=tests(0.3))
    begin(range_tests=tests(0.2))

    def tuned(labels, high=1.0):
        peak = {"schedule.peak_value": Range(low=0.01, high=high)}
        return Tune(search={label: peak for label in labels}, trials=2)

    (folder / "tuning" / "log").mkdir(parents=True)
    begin(tune=tuned(["log"]))
    begin(tune=tuned(["log", "cosine"]))
    begin()
    with pytest.raises(UserError, match="where the settings of tuning/log differ"):
        begin(tune=tuned(["log", "cosine"], high=2.0))


def test_a_seed_may_be_added_later(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "more")
    make(studies.study(seeds=(0, 1, 2)), tmp_path / "more")
    assert json.loads((tmp_path / "more" / "report.json").read_text())["seeds"] == [0, 1, 2]


def test_a_study_whose_run_has_lost_a_line_says_so_and_has_its_report(whole, tmp_path, capfd):
    folder = tmp_path / "study"
    shutil.copytree(whole, folder)
    records = folder / "log-seed0" / "metrics.jsonl"
    lines = records.read_text().splitlines(keepends=True)
    records.write_text("".join(lines[1:]))
    make(studies.study(), folder)
    assert "the line of step 1 is missing; 1 line cannot be restored" in capfd.readouterr().err
    assert "4 of 4 ended" in (folder / "report.md").read_text()
    assert json.loads(records.read_text().splitlines()[0])["lost"]
    shutil.rmtree(folder / "log-seed0")
    make(studies.study(), folder)
    assert studies.results(folder) == studies.results(whole)


def test_a_claim_without_a_check_is_refused_before_the_first_run(tmp_path):
    unknown = Claim("t.one", "nobody", "It is so.", "compere", {})
    with pytest.raises(
        UserError, match="`check` of the claim t.one must be one of compare, .* got compere"
    ):
        make(studies.study(claims=[unknown]), tmp_path)
    assert not list(tmp_path.glob("*/config.json"))


def test_a_data_set_that_is_not_there_is_refused_before_the_first_run(tmp_path):
    elsewhere = {"dataset": "./nowhere"}
    with pytest.raises(UserError, match="nowhere"):
        make(
            studies.study(axes={"data": {"here": {}, "there": elsewhere}}, baseline=None), tmp_path
        )
    assert not list(tmp_path.glob("*/config.json"))


@pytest.mark.parametrize("jobs", [(0, 2), (3, 2)])
def test_a_share_that_is_none_is_refused(jobs):
    with pytest.raises(UserError, match=f"`--jobs` must be i/n .* got {jobs[0]}/{jobs[1]}"):
        study_loop.share(studies.study(), jobs)


def halting(**arguments):
    """The first seed's runs halt at once: no loss is below a thousandth."""
    strict = {"halt": Halt(threshold=1e-3, grace_epochs=1)}
    return studies.study(axes={"schedule": {"log": strict}}, baseline=None, **arguments)


@pytest.mark.slow
def test_a_run_that_halts_is_reported_and_not_tried_again(tmp_path, monkeypatch):
    make(halting(), tmp_path)
    halted = json.loads((tmp_path / "log-seed0" / "halted.json").read_text())
    assert halted["step"] == 2 and "above the threshold of 0.001" in halted["reason"]
    assert "2 of 2; 0 ended" in (tmp_path / "report.md").read_text()
    monkeypatch.setattr(loop, "run", None)
    make(halting(), tmp_path)


def test_a_run_that_halts_goes_on_with_the_adjusted_schedule(tmp_path):
    lenient = {"log": {"schedule": la.constant_schedule(1e-4)}}
    make(halting(retry=lenient), tmp_path)
    here = tmp_path / "log-seed0"
    assert json.loads((here / "config.json").read_text())["schedule_from_step"] == 2
    assert (here / "summary.json").exists()
    rates = [line["learning_rate"] for line in read_metrics(here / "metrics.jsonl")
             if line["kind"] == "train"]  # fmt: skip
    assert len(rates) == 4 and rates[2:] == pytest.approx([1e-4] * 2)


@pytest.mark.slow
def test_a_study_makes_the_range_test_that_its_bounds_come_from(tmp_path, monkeypatch):
    def constant(context):
        return {"schedule": la.constant_schedule(context.bounds[1])}

    tests = RangeTests(fallback=(0.01, 0.02), num_steps=60, max_value=0.5)
    axes = {"network": {"narrow": {"model.width": 4}}, "schedule": {"high": constant}}
    study = studies.study(axes=axes, baseline=None, range_tests=tests, seeds=(0,))
    make(study, tmp_path)
    (entry,) = json.loads((tmp_path / "study.json").read_text())["range_test"]
    found = json.loads((tmp_path / entry["folder"] / "range_test.json").read_text())
    suggested = found["suggestions"]["bounds"]
    assert entry["bounds"] == (suggested or [0.01, 0.02])
    assert entry["suggested"] == bool(suggested)
    config = json.loads((tmp_path / "narrow-high-seed0" / "config.json").read_text())
    assert config["schedule"]["value"] == entry["bounds"][1]
    monkeypatch.setattr(range_test, "run", None)
    make(study, tmp_path)


@pytest.mark.slow
def test_a_search_comes_before_the_runs_that_take_what_it_found(tmp_path, monkeypatch):
    pytest.importorskip("optuna", reason="skipped: optuna is not installed")
    peak = {"schedule.peak_value": Range(low=0.001, high=0.2, scale="log")}
    search = Tune(search={"log": peak, "cosine": peak}, trials=2)
    study = studies.study(tune=search, seeds=(0,))
    make(study, tmp_path)
    record = json.loads((tmp_path / "study.json").read_text())
    assert [entry["trials"] for entry in record["tuned"]] == [2, 2]
    for entry in record["tuned"]:
        label = entry["labels"]["schedule"]
        config = json.loads((tmp_path / f"{label}-tuned-seed0" / "config.json").read_text())
        assert config["schedule"]["peak_value"] == entry["best"]["schedule.peak_value"]
        assert config["validation_fraction"] == 0
        trials = sorted((tmp_path / "tuning" / label).glob("trial*/config.json"))
        assert [json.loads(trial.read_text())["validation_fraction"] for trial in trials] == [
            0.1,
            0.1,
        ]
    assert "as printed" in (tmp_path / "report.md").read_text()
    monkeypatch.setattr(tune, "search", None)
    make(study, tmp_path)


def test_the_commit_is_that_of_the_code():
    assert origin.commit().rstrip("+").isalnum()


def test_says_which_data_are_prepared_before_it_looks_for_them(tmp_path, monkeypatch, capsys):
    said = []
    found = study_loop.sources.find

    def find(dataset, data_dir):
        said.append(capsys.readouterr().out)
        return found(dataset, data_dir)

    monkeypatch.setattr(study_loop.sources, "find", find)
    study_loop.begin(studies.study(), tmp_path / "study", name="small", size="smoke")
    assert said == ["Data: digits.\n"]


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["cifar10"], "Data: cifar10. The first time, cifar10 is downloaded and prepared."),
        (
            ["cifar10", "digits", "mnist"],
            "Data: cifar10, digits, mnist. The first time, cifar10 and mnist are downloaded and "
            "prepared.",
        ),
        (["./images"], "Data: ./images."),
        (["there"], "Data: there."),
    ],
)
def test_only_what_may_be_downloaded_is_said_to_be(names, text, tmp_path, monkeypatch, capsys):
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(study_loop.sources, "find", lambda name, data_dir: None)
    axes = {"data": {name: {"dataset": name} for name in names}}
    study = studies.study(axes=axes, baseline=None)
    study_loop.begin(study, tmp_path / "study", name="small", size="smoke")
    assert capsys.readouterr().out == f"{text}\n"
