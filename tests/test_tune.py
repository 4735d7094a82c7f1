"""Tuning: searches that are interrupted, shared and extended, over runs that cost nothing."""

import dataclasses
import math
import re
import sys
import threading

import pytest
import small

import log_anneal as la
from train.errors import HELD, Interrupted, UserError
from train.study import tune
from train.study.journal import Journal
from train.study.tune import Range, Tune

CONFIG = small.config(
    schedule=la.cyclical_log_schedule(peak_value=0.05, end_value=1e-3, base=20.0, decay_steps=10)
)
COSINE = la.cyclical_cosine_schedule(peak_value=0.05, end_value=1e-3, decay_steps=10)
RANGES = {
    "schedule.peak_value": Range(low=0.01, high=1.0, scale="log"),
    "schedule.base": Range(low=2.0, high=100.0),
}
TUNE = Tune(search={"log": RANGES}, trials=14, seed=3, changes={"epochs": 1})


class DiedError(BaseException):  # as a kill, no `except Exception` sees it
    """Stands for a worker that is killed."""


def accuracy(config, folder):
    """Best at a peak of 0.2; one number for each setting."""
    assert (config.epochs, config.seed, config.validation_fraction) == (1, 3, 0.1)
    folder.mkdir(exist_ok=True)
    far = abs(math.log(config.schedule.peak_value / 0.2))
    return 1 - far / 5 - config.schedule.base / 1e4


def settings(config):
    return config.schedule.peak_value, config.schedule.base


def search(folder, train=accuracy, *, worker="1/1", config=CONFIG, ranges=RANGES, **changes):
    described = dataclasses.replace(TUNE, **changes)
    return tune.search(described, config, ranges, folder, train, worker=worker)


def made(folder, ranges=RANGES):
    """Number, settings and value of each trial in a folder."""
    record = tune._search_record(TUNE, tune.base_of(TUNE, CONFIG), ranges)
    trials = Journal(folder, record).trials()
    return [(trial.number, dict(trial.settings), trial.value) for trial in trials]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A search that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    return search(folder), made(folder)


def test_finds_the_settings_that_are_best_on_the_validation_images(whole):
    found, trials = whole
    assert (found.trials, found.value) == (14, max(value for *_, value in trials))
    assert found.best == max(trials, key=lambda trial: trial[2])[1]
    assert 0.1 < found.best["schedule.peak_value"] < 0.4
    assert [number for number, *_ in trials] == list(range(14))


def test_later_trials_learn_from_the_first_ten(whole, tmp_path):
    search(tmp_path, lambda config, folder: 1 - accuracy(config, folder))
    here, there = made(tmp_path), whole[1]
    assert [trial[1] for trial in here[:10]] == [trial[1] for trial in there[:10]]
    assert all(mine[1] != other[1] for mine, other in zip(here[11:], there[11:], strict=True))


@pytest.mark.parametrize("at", [0, 5, 13])
def test_a_worker_that_dies_in_a_trial_makes_the_same_trials_as_one_that_does_not(
    whole, tmp_path, at
):
    seen = []

    def dies(config, folder):
        seen.append((settings(config), folder))
        if len(seen) == at + 1:
            raise DiedError
        return accuracy(config, folder)

    with pytest.raises(DiedError):
        search(tmp_path, dies)
    assert search(tmp_path, dies) == whole[0]
    assert made(tmp_path) == whole[1]
    assert seen[at] == seen[at + 1], "the trial that was cut short goes on in its folder"
    assert len(seen) == 15


def test_a_worker_that_dies_at_any_line_of_the_journal_makes_the_same_trials(whole, tmp_path):
    found, trials = search(tmp_path, trials=4), made(tmp_path)
    journal = tmp_path / "journal.log"
    lines = journal.read_bytes().splitlines(keepends=True)
    for count in range(len(lines)):
        # The line after these was being written.
        journal.write_bytes(b"".join(lines[:count]) + lines[count][: len(lines[count]) // 2])
        assert search(tmp_path, trials=4) == found
        assert made(tmp_path) == trials


def test_more_trials_may_be_asked_for_later(whole, tmp_path):
    search(tmp_path, trials=5)
    assert search(tmp_path) == whole[0]
    assert made(tmp_path) == whole[1]


def test_a_search_that_is_done_makes_no_trial(whole, tmp_path):
    found = search(tmp_path, trials=3)

    def never(config, folder):
        raise AssertionError

    assert search(tmp_path, never, trials=3) == found


def test_each_label_gets_as_many_trials_whatever_becomes_of_them(tmp_path):
    count = {}

    def counted(label, value):
        def train(config, folder):
            count[label] = count.get(label, 0) + 1
            return value

        return train

    only = {"schedule.peak_value": Range(low=0.1, high=1.0)}
    cosine = dataclasses.replace(CONFIG, schedule=COSINE)
    log = search(tmp_path / "log", counted("log", 0.5))
    halted = search(tmp_path / "cosine", counted("cosine", math.nan), config=cosine, ranges=only)
    assert count == {"log": 14, "cosine": 14}
    assert (log.trials, log.value, halted.trials, halted.value) == (14, 0.5, 14, 0.0)


def test_the_earliest_of_equals_is_the_best(tmp_path):
    found = search(tmp_path, lambda config, folder: 0.5, trials=4)
    assert found.best == made(tmp_path)[0][1]


def test_settings_that_no_schedule_takes_count_as_0_and_are_told(tmp_path, capsys):
    ranges = {"schedule.base": Range(low=0.5, high=1.5)}
    trained = []

    def train(config, folder):
        trained.append(config.schedule.base)
        return 0.5

    found = search(tmp_path, train, ranges=ranges, trials=6)
    lines = capsys.readouterr().out.splitlines()
    refused = [line for line in lines if "counts as 0: " in line and "`schedule.base`" in line]
    assert 0 < len(refused) == 6 - len(trained)
    assert (found.trials, found.value) == (6, 0.5)


def test_a_trial_that_cannot_be_made_counts_as_the_worst_and_the_search_goes_on(tmp_path, capsys):
    def train(config, folder):
        if config.schedule.peak_value > 0.3:
            raise ZeroDivisionError("by nothing")
        return math.nan if config.schedule.peak_value < 0.05 else accuracy(config, folder)

    found = search(tmp_path, train)
    record = tune._search_record(TUNE, tune.base_of(TUNE, CONFIG), RANGES)
    trials = Journal(tmp_path, record).trials()
    failed = [each for each in trials if each.settings["schedule.peak_value"] > 0.3]
    assert failed and [(each.value, each.why, each.is_failed) for each in failed] == [
        (0.0, "ZeroDivisionError: by nothing", True)
    ] * len(failed)
    halted = [each for each in trials if each.settings["schedule.peak_value"] < 0.05]
    assert halted and {(each.why, each.is_failed) for each in halted} == {
        ("The guard halted it.", False)
    }
    assert not any(each.why for each in trials if each not in [*failed, *halted])
    assert (found.trials, found.value) == (14, max(each.value for each in trials))
    said = "counts as 0: ZeroDivisionError: by nothing"
    assert capsys.readouterr().out.count(said) == len(failed)


def test_a_halted_trial_is_better_than_one_that_could_not_be_made(tmp_path):
    seen = []

    def train(config, folder):
        seen.append(config)
        if len(seen) < 3:
            raise UserError("`x` must be 1, got 2. Take 1.")
        return math.nan

    assert search(tmp_path, train, trials=4).best == made(tmp_path)[2][1]


def test_a_search_of_which_no_trial_can_be_made_says_so_and_why(tmp_path):
    def train(config, folder):
        raise UserError("`x` must be 1, got 2. Take 1.")

    with pytest.raises(tune.NothingFoundError, match="all 3 trials failed. The first: `x` must"):
        search(tmp_path, train, trials=3)


@pytest.mark.parametrize("error", [Interrupted("SIGTERM came."), UserError(f"x {HELD} y")])
def test_a_trial_that_a_signal_or_another_process_stops_is_made_later(whole, tmp_path, error):
    def stops(config, folder):
        raise error

    with pytest.raises(type(error)):
        search(tmp_path, stops)
    assert search(tmp_path) == whole[0]


def test_two_workers_in_turn_make_no_trial_too_many(tmp_path, monkeypatch):
    made_by = {"1/2": [], "2/2": []}

    def first(config, folder):
        made_by["1/2"].append(folder)
        if len(made_by["1/2"]) < 7:
            with pytest.raises(DiedError):
                search(tmp_path, second, worker="2/2")
        return accuracy(config, folder)

    def second(config, folder):
        # It makes one trial, or ends the one that it died in, and dies in the next.
        if folder not in made_by["2/2"] and len(made_by["2/2"]) == len(made_by["1/2"]):
            raise DiedError
        made_by["2/2"].append(folder)
        return accuracy(config, folder)

    # While the first waits for the last trial of the second.
    monkeypatch.setattr("time.sleep", lambda _: search(tmp_path, accuracy, worker="2/2"))
    found = search(tmp_path, first, worker="1/2")
    folders = [*made_by["1/2"], *made_by["2/2"]]
    assert len(set(folders)) == len(folders) == 13
    assert found.trials == 14 == len(made(tmp_path))


def test_workers_at_the_same_time_make_no_trial_too_many(tmp_path, monkeypatch):
    monkeypatch.setattr(tune, "_WAIT", 0.01)
    folders, found = [], []

    def train(config, folder):
        folders.append(folder)
        return accuracy(config, folder)

    def work(place):
        found.append(search(tmp_path, train, worker=f"{place}/3"))

    threads = [threading.Thread(target=work, args=(place,)) for place in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(folders) == len(set(folders)) == 14
    assert found[0] == found[1] == found[2] and found[0].trials == 14


def test_a_trial_that_is_one_too_many_is_dropped(tmp_path, monkeypatch):
    monkeypatch.setattr("time.sleep", pytest.fail)
    draw = Journal.draw
    monkeypatch.setattr(Journal, "draw", lambda *a, **how: [draw(*a, **how) for _ in range(2)])
    found = search(tmp_path, trials=3)
    assert found.trials == 3 == len(made(tmp_path))


def test_another_number_of_workers_takes_over_what_was_left(tmp_path, monkeypatch):
    monkeypatch.setattr("time.sleep", pytest.fail)

    def dies(config, folder):
        raise DiedError

    for worker in ("1/2", "2/2"):
        with pytest.raises(DiedError):
            search(tmp_path, dies, worker=worker)
    assert search(tmp_path).trials == 14


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ranges": {"schedule.base": Range(low=2.0, high=50.0)}}, "with another ranges"),
        ({"seed": 4}, "with another seed, config"),
        ({"changes": {"epochs": 2}}, "with another config"),
        ({"trials": 1}, "`trials` must be at least 2, the number that"),
        ({"ranges": {"schedule.bse": Range(low=2.0, high=50.0)}}, "got schedule.bse"),
        ({"ranges": {"epoch": Range(low=2, high=5, is_integer=True)}}, "got epoch. "),
    ],
)
def test_another_search_in_the_folder_is_refused(tmp_path, changes, message):
    search(tmp_path, trials=2)
    with pytest.raises(UserError, match=re.escape(message)):
        search(tmp_path, **{"trials": 2} | changes)


def test_integers_are_drawn_as_integers(tmp_path):
    ranges = {
        "schedule.decay_steps": Range(low=2, high=200, scale="log", is_integer=True),
        "schedule.peak_value": Range(low=0.1, high=1.0),
    }
    found = search(tmp_path, lambda config, _: 0.5, ranges=ranges, trials=12)
    assert all(type(trial["schedule.decay_steps"]) is int for _, trial, _ in made(tmp_path, ranges))
    assert type(found.best["schedule.peak_value"]) is float


def test_a_missing_optuna_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UserError, match=re.escape("pip install '.[tune]'")):
        search(tmp_path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Range(low=1.0, high=0.1), "`low` must be below `high`, got 1.0 and 0.1"),
        (lambda: Range(low=0.0, high=math.nan), "`high` must be a finite number, got nan"),
        (lambda: Range(low=0.0, high=1.0, scale="log"), "`low` must be above 0 on a log scale"),
        (lambda: Range(low=0.5, high=4, is_integer=True), "`low` and `high` must be whole"),
        (lambda: Tune(search={}, trials=0), "`trials` must be a whole number of at least 1, got 0"),
        (
            lambda: Tune(search={}, validation_fraction=0.0),
            "`validation_fraction` must be a number above 0",
        ),
        (lambda: Tune(search={}, seed=-1), "`seed` must be a whole number from 0"),
        (lambda: Tune(search={"log": {}}), "`search` must have a range for each label, got none"),
    ],
)
def test_a_wrong_knob_is_named(make, message):
    with pytest.raises(UserError, match=re.escape(message)):
        make()


@pytest.mark.parametrize("is_integer", [False, True])
def test_a_grid_is_the_same_for_each_label_and_has_both_ends(is_integer):
    range_ = Range(low=2, high=128, scale="log", is_integer=is_integer)
    points = [range_.point(place, 7) for place in range(7)]
    assert points == [2, 4, 8, 16, 32, 64, 128]
    assert all(isinstance(point, int) == is_integer for point in points)
    assert [Range(low=0.0, high=1.0).point(place, 3) for place in range(3)] == [0.0, 0.5, 1.0]


def test_a_search_on_a_grid_tries_each_point_once(tmp_path):
    ranges = {"schedule.peak_value": Range(low=0.01, high=0.16, scale="log")}
    grid = Tune(search={"log": ranges}, trials=5, method="grid")
    tried = []

    def train(config, folder):
        tried.append(config.schedule.peak_value)
        return 1 - abs(config.schedule.peak_value - 0.04)

    found = tune.search(grid, CONFIG, ranges, tmp_path, train)
    assert tried == pytest.approx([0.01, 0.02, 0.04, 0.08, 0.16])
    assert found.best == pytest.approx({"schedule.peak_value": 0.04})
    again = tune.search(grid, CONFIG, ranges, tmp_path, train)
    assert (again, len(tried)) == (found, 5)
    finer = dataclasses.replace(grid, trials=9)
    with pytest.raises(UserError, match="got one with another grid"):
        tune.search(finer, CONFIG, ranges, tmp_path, train)


def test_workers_that_meet_try_each_point_of_a_grid_once(tmp_path, monkeypatch):
    ranges = {"schedule.peak_value": Range(low=0.01, high=0.16, scale="log")}
    grid = Tune(search={"log": ranges}, trials=5, method="grid")
    journal = Journal(tmp_path, {"one": "search"})
    for worker in ("1/2", "2/2", "2/2", "1/2", "1/2", "2/2"):
        tune._add_trial(grid, journal, ranges, tmp_path, worker)
    points = [trial.settings["schedule.peak_value"] for trial in journal.trials()]
    assert points == pytest.approx([0.01, 0.02, 0.04, 0.08, 0.16])


def test_a_grid_has_one_range_for_each_label():
    two = {name: Range(low=0.1, high=1.0) for name in ("schedule.peak_value", "schedule.base")}
    with pytest.raises(UserError, match="one range for each label where `method` is grid"):
        Tune(search={"log": two}, method="grid")
    with pytest.raises(UserError, match="two trials or more, got 1 for log and 1"):
        Tune(search={"log": dict([two.popitem()])}, method="grid", trials=1)
