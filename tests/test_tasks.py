"""What holds for every task, and that classification is what it was before there were others."""

import contextlib
import functools
import json
import re
import signal
import time
from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import small
import studies
from every_task import EVERY_TASK, file_of
from jax import lax

from train import __main__, preprocess, report
from train.augment import augment
from train.config import Config
from train.engine import compiled, guard, step
from train.engine.step import BATCH, _keys
from train.errors import UserError
from train.folder.log import read_metrics
from train.metric import ACCURACY, Metric
from train.models.build import build
from train.optimizer import OptimizerConfig, learning_rate
from train.report import archive
from train.report.numbers.measures import measures_of as measures_of_task
from train.report.numbers.measures import part_of
from train.report.numbers.task_record import TaskRecord
from train.run import loop, range_test
from train.run.job import prepare
from train.study import Claim, tune
from train.study import loop as study_loop
from train.study.journal import WORST, Trial
from train.study.record import write_study
from train.study.tune import Range
from train.tasks.chosen import task_of
from train.tasks.loss import cross_entropy, log_probabilities

pytestmark = pytest.mark.usefixtures("unoptimized", "undrawn")

every_task = pytest.mark.parametrize("name", EVERY_TASK)


def on_devices(config: Config, num_devices: int, steps: int = 8):
    """The metrics of a run's first steps, its measures, and the state after them."""
    devices = jax.devices()[:num_devices]
    with pytest.MonkeyPatch.context() as patch:
        for name in ("device_count", "local_device_count"):
            patch.setattr(jax, name, lambda: num_devices)
        for name in ("devices", "local_devices"):
            patch.setattr(jax, name, lambda: devices)
        patch.setattr(jax, "pmap", functools.partial(jax.pmap, devices=devices))
        job = prepare(config)
        splits = job.place_splits()
        state = job.engine.place(jax.device_get(job.create_state()))
        state, metrics = job.engine.train(state, splits["train"], job.indices(range(steps)))
        return metrics, job.evaluate(state, splits["test"], "test"), jax.device_get(state)


@every_task
def test_one_and_four_devices_give_the_same_run_within_rounding(name):
    one, measured, _ = on_devices(EVERY_TASK[name](), 1)
    four, measured_too, _ = on_devices(EVERY_TASK[name](), 4)
    np.testing.assert_allclose(four["loss"], one["loss"], rtol=1e-5)
    assert measured.keys() == {
        "loss",
        *(each.name for each in task_of(EVERY_TASK[name]()).measures),
    }
    for measure, value in measured.items():
        assert measured_too[measure] == pytest.approx(value, rel=1e-4)


@every_task
def test_a_scan_and_shard_map_give_the_run_of_pmap_and_a_python_loop(name):
    looped, measured, _ = on_devices(EVERY_TASK[name](), 4)
    for how in ({"loop": "scan"}, {"engine": "shard_map"}):
        other, measured_too, _ = on_devices(EVERY_TASK[name](**how), 4)
        np.testing.assert_allclose(other["loss"], looped["loss"], rtol=1e-5)
        assert measured_too["loss"] == pytest.approx(measured["loss"], rel=1e-4)


@every_task
def test_microbatches_give_the_same_run_where_no_batch_norm_sees_them(name):
    config = EVERY_TASK[name](optimizer=OptimizerConfig(microbatches=4))
    if config.task is None:
        pytest.skip("skipped: its batch norm sees a microbatch at a time")
    whole, _, _ = on_devices(EVERY_TASK[name](), 1)
    parts, _, _ = on_devices(config, 1)
    np.testing.assert_allclose(parts["loss"], whole["loss"], rtol=1e-5)


@every_task
def test_five_schedules_and_two_seeds_are_one_program(name, monkeypatch):
    traces = Counter()

    def counted(make_step):
        def make(*arguments):
            function = make_step(*arguments)

            def traced(*operands):
                traces[make_step.__name__] += 1
                return function(*operands)

            return traced

        return make

    for made in ("make_train_step", "make_eval_step"):
        monkeypatch.setattr(step, made, counted(getattr(step, made)))
    compiled._program.cache_clear()
    losses = set()
    for schedule in studies.SCHEDULES.values():
        for seed in (0, 1):
            job = prepare(EVERY_TASK[name](schedule=schedule, seed=seed))
            splits = job.place_splits()
            state = job.engine.place(jax.device_get(job.create_state()))
            state, metrics = job.engine.train(state, splits["train"], job.indices(range(10)))
            losses.add(
                (float(metrics["loss"][-1]), job.evaluate(state, splits["test"], "test")["loss"])
            )
    assert traces == {"make_train_step": 1, "make_eval_step": 1}
    assert len(losses) == 10


def ending(folder, last):
    """The digests of the last state's arrays, and the lines of the log less the clock."""
    manifest = json.loads((folder / f"checkpoints/{last}/manifest/metadata").read_text())
    lines = [
        {name: value for name, value in line.items() if name != "seconds" and "per_s" not in name}
        for line in read_metrics(folder / "metrics.jsonl")
    ]
    return {path: leaf["sha256"] for path, leaf in manifest["leaves"].items()}, lines


@pytest.mark.slow
@every_task
def test_a_killed_run_goes_on_to_the_same_bits(name, tmp_path):
    config = EVERY_TASK[name]()
    job = prepare(config)
    last = 40 * job.steps_per_epoch
    file = tmp_path / "config.py"
    file.write_text(file_of(name))
    words = (str(file), "--epochs", "40", "--chunk-steps", "2", "--checkpoint-epochs", "2")

    def start(folder):
        return small.start(*words, "--workdir", str(folder))

    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = start(killed)
    while process.poll() is None:
        with contextlib.suppress(FileNotFoundError, IndexError):
            if read_metrics(killed / "metrics.jsonl")[-1]["step"] > 4 * job.steps_per_epoch:
                break
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (killed / "summary.json").exists()
    small.outputs([start(killed), start(whole)])
    assert ending(killed, last) == ending(whole, last)
    for each in task_of(config).files:
        assert (killed / each).read_bytes() == (whole / each).read_bytes()


@every_task
def test_a_run_leaves_a_summary_with_its_measures_and_its_files(name, tmp_path, capsys):
    config = EVERY_TASK[name](validation_fraction=0.25)
    task = task_of(config)
    loop.run(config, tmp_path)
    summary = json.loads((tmp_path / "summary.json").read_text())
    lines = read_metrics(tmp_path / "metrics.jsonl")
    tests = [line for line in lines if line.get("split") == "test"]
    for each in task.measures:
        assert summary[f"test_{each.name}"] == tests[-1][each.name]
        assert summary[f"best_test_{each.name}"] in [line[each.name] for line in tests]
    assert all((tmp_path / each).stat().st_size > 0 for each in task.files)
    assert f"{task.noun}_per_second" in lines[0]
    out = capsys.readouterr().out
    assert f"test {task.measures[0].name}" in out
    assert re.search(rf"^{task.noun} .* train, .* test", out, re.MULTILINE)

    first = task.measures[0]
    held_out = [line for line in lines if line.get("split") == "validation"]
    best = max(held_out, key=lambda line: (first.better * line[first.name], line["step"]))
    assert summary["best_step"] == best["step"]
    loop.run(config, tmp_path)
    assert first.text(summary[f"test_{first.name}"]) in capsys.readouterr().out


@every_task
def test_a_range_test_has_the_loss_and_a_share_that_rises_if_there_is_one(name, tmp_path, capsys):
    sweep = {"min_value": 1e-4, "max_value": 10.0, "num_steps": 12}
    range_test.run(EVERY_TASK[name](), tmp_path, **sweep)
    record = json.loads((tmp_path / "range_test.json").read_text())
    assert len(record["losses"]) == len(record["rates"]) > 1
    has_share = bool(task_of(EVERY_TASK[name]()).share())
    assert (record["accuracies"] is not None) == has_share
    assert ("this task has none" in capsys.readouterr().out) == (not has_share)


@every_task
def test_a_dry_run_says_what_the_task_is_about(name, tmp_path, capsys, monkeypatch):
    file = tmp_path / "config.py"
    file.write_text(file_of(name))
    words = ["train", str(file), "--dry-run"]
    monkeypatch.setattr("sys.argv", words)
    with contextlib.suppress(SystemExit):
        __main__.main()
    out = capsys.readouterr().out
    task = task_of(EVERY_TASK[name]())
    assert re.search(rf"^{task.noun} +[\d,]+ train, [\d,]+ test; ", out, re.MULTILINE)
    assert "memory a device" in out


def test_classification_is_to_the_bit_the_step_that_names_its_images():
    """The step as it stood before there were tasks, written out."""
    more = {"label_smoothing": 0.1, "head": "sigmoid", "optimizer": OptimizerConfig(microbatches=2)}
    config = EVERY_TASK["classification"](**more)
    job = prepare(config)
    model = build(config.model, num_classes=10, axis_name=BATCH)
    optimizer = job.program.optimizer

    def loss(params, batch_stats, images, labels, keys):
        logits, batch_stats = model.apply(params, batch_stats, images, True, keys)
        log_p = log_probabilities(logits, config.head)
        losses = cross_entropy(log_p, labels, config.label_smoothing)
        return losses.mean(), (batch_stats, (log_p.argmax(-1) == labels).mean())

    def written_out(state, data, indices):
        key = jax.random.fold_in(jax.random.key(state.seed), state.step)
        images = preprocess.apply(config.preprocess, data.shared, data.examples.images[indices])
        images = augment(config.augment, _keys(key, len(indices)), images)
        labels = data.examples.labels[indices]
        keys = _keys(jax.random.fold_in(key, 2**32 - 1), len(indices))
        batch_stats, parts = state.batch_stats, []
        for part in range(2):
            take = slice(part, None, 2)
            (value, (batch_stats, accuracy)), grads = jax.value_and_grad(loss, has_aux=True)(
                state.params, batch_stats, images[take], labels[take], keys[take]
            )
            parts.append((value, accuracy, grads))
        averaged = jax.tree.map(lambda *leaves: sum(leaves) / len(leaves), *parts)
        value, accuracy, grads = lax.pmean(averaged, BATCH)
        updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
        norms = {"grad_norm": optax.tree.norm(grads), "update_norm": optax.tree.norm(updates)}
        new = state._replace(
            step=state.step + 1,
            params=optax.apply_updates(state.params, updates),
            batch_stats=batch_stats,
            opt_state=opt_state,
        )
        rate = learning_rate(opt_state)
        judged = guard.judge(config.halt, job.threshold, state, new, value, *norms.values(), rate)
        measures = {"loss": value, "accuracy": accuracy, **norms, "learning_rate": rate}
        return judged.state, {**measures, **judged.metrics}

    by_hand = jax.pmap(written_out, axis_name=BATCH, in_axes=(None, None, 0), out_axes=None)
    data = job.place_splits()["train"]
    rows = job.indices(range(5))
    state = one = jax.device_get(job.create_state())
    found = []
    for row in rows:
        one, metrics = by_hand(one, data, row.reshape(jax.device_count(), -1))
        found.append(jax.device_get(metrics))
    state, metrics = job.engine.train(job.engine.place(state), data, rows)
    for name, values in metrics.items():
        np.testing.assert_array_equal(values, [each[name] for each in found])
    jax.tree.map(np.testing.assert_array_equal, jax.device_get(state), jax.device_get(one))


def norm(params, grads, updates):
    return 0.0


def test_a_number_of_ones_own_has_no_name_of_the_tasks():
    with pytest.raises(UserError, match=r"`measures` must have names .* got 'nrmse'\. .*, nrmse\."):
        EVERY_TASK["forecast"](measures={"nrmse": norm})
    assert EVERY_TASK["classification"](measures={"nrmse": norm}).measures


def test_a_task_leaves_out_the_settings_of_images():
    record = EVERY_TASK["forecast"]().to_dict()
    assert record["task"]["name"] == "forecast" and record["task"]["horizon"] == 4
    assert not {"model", "head", "preprocess", "augment", "num_train_images"} & record.keys()
    assert record["dataset"] == "mackey_glass"
    with pytest.raises(UserError, match=r"`head` must be left out for the task forecast, got 's"):
        EVERY_TASK["forecast"](head="sigmoid")


@pytest.mark.parametrize("wrong", ["forecast", 3, Config])
def test_what_is_no_task_is_refused(wrong):
    with pytest.raises(UserError, match="`task` must be a dataclass and a train.tasks.task.Task"):
        small.config(task=wrong)


def test_a_row_below_0_is_no_example():
    """The last batch of an evaluation is filled up, and what fills it counts for nothing."""
    for config in (make(eval_batch_size=64) for make in EVERY_TASK.values()):
        job = prepare(config)
        size = job.data.sizes["test"]
        assert size % 64
        splits = job.place_splits()
        state = job.engine.place(jax.device_get(job.create_state()))
        sums = job.engine.evaluate(state, splits["test"], size)
        assert sums["count"] == size
        rows = jnp.arange(size)
        batch = job.program.learner.batch(splits["test"], rows, None)
        arguments = (state.params, state.batch_stats, batch, rows >= 0, jax.random.key(0))
        for name, value in job.program.learner.sums(*arguments).items():
            np.testing.assert_allclose(sums[name], value, rtol=1e-5)


@pytest.fixture(scope="module", params=[name for name in EVERY_TASK if name != "classification"])
def reported(request, tmp_path_factory):
    """A task, and the folder of a study of two schedules and two seeds of it."""
    folder = tmp_path_factory.mktemp("study")
    task = task_of(EVERY_TASK[request.param]())
    final = f"final_{task.measures[0].name}"
    arguments = {"measure": final, "of": {"schedule": "log"}, "than": {"schedule": "cosine"}}
    claim = Claim("t.log", "nobody", "Log ends lower.", "compare", {**arguments, "expect": "lower"})
    two = studies.study(base=EVERY_TASK[request.param](), claims=[claim])
    study_loop.run(two, folder, name="small", size="smoke")
    return task, folder


def test_a_study_of_another_task_is_told_in_its_own_measures(reported):
    task, folder = reported
    first = task.measures[0]
    text = (folder / "report.md").read_text()
    numbers = json.loads((folder / "report.json").read_text())
    finals = {
        cell["name"]: [
            json.loads((folder / f"{cell['name']}-seed{seed}/summary.json").read_text())[
                f"test_{first.name}"
            ]
            for seed in (0, 1)
        ]
        for cell in numbers["cells"]
    }
    means = {name: np.mean(values) for name, values in finals.items()}
    best = min(means, key=lambda name: -first.better * means[name])
    for cell in numbers["cells"]:
        assert cell[first.final]["mean"] == pytest.approx(means[cell["name"]])
    assert re.search(r"with 2 seeds, (\w+)", numbers["headline"])[1] == best
    assert first.noun in numbers["headline"]
    direction = "lower" if first.better < 0 else "higher"
    assert f"Final {first.noun} less that of cosine" in text
    assert f"({'below' if direction == 'lower' else 'above'} 0 is better)" in text
    assert f"{task.noun}/s" in text
    assert not re.search(r"accuracy|image", text), re.search(r".*(accuracy|image).*", text)
    summary = json.loads((folder / "log-seed0/summary.json").read_text())
    for name, value in summary.get("baselines", {}).items():
        assert f"| {name} | {first.shown(value):.{first.digits}f} |" in text
    for name in ("study.json", "report.html", "figures/curves.png"):
        assert (folder / name).stat().st_size


def test_a_study_of_another_task_is_made_again_to_the_same_report(reported, tmp_path):
    _, folder = reported
    archive.pack(folder, tmp_path / "kept")
    archive.unpack(tmp_path / "kept", tmp_path / "again")
    report.write(tmp_path / "again")
    assert studies.results(tmp_path / "again") == studies.results(folder)


def test_a_study_has_one_task(tmp_path):
    axes = {"task": {"one": {"task": EVERY_TASK["forecast"]().task}, "other": {}}}
    plain = Config(schedule=small.SCHEDULE)
    mixed = studies.study(base=plain, axes=axes, baseline=None)
    with pytest.raises(UserError, match="one kind in all runs of a study, got forecast and class"):
        write_study(mixed, tmp_path, name="mixed", size="smoke")


def test_a_report_knows_which_of_two_errors_is_better():
    error = Metric(name="error", title="error", better=-1, margin=0.1, why="A tenth is little.")
    task = TaskRecord("own", "things", "", (error,))
    measures = measures_of_task(task)
    assert measures["final_error"].better == -1
    assert measures["things_per_second"].unit == "things/s"
    assert part_of(error, 0.2, 0.8) == pytest.approx(0.25)
    assert (error.top, error.worse, error.beyond) == ("lowest", "higher", "below")
    assert error.amount("0.10") == "0.10" and error.value("0.10") == "0.10"
    assert (ACCURACY.top, ACCURACY.worse, ACCURACY.beyond) == ("highest", "lower", "above")
    assert ACCURACY.amount("0.10") == "0.10 points" and ACCURACY.text(0.5) == "50.00 %"


def test_a_search_takes_the_lowest_where_lower_is_better(tmp_path):
    pytest.importorskip("optuna")
    config = EVERY_TASK["forecast"]()
    # With the lowest rate nothing is learnt.
    rates = {"schedule.peak_value": Range(low=1e-3, high=0.05)}
    axes = {"schedule": {"log": {"schedule": small.SCHEDULE}}}
    tuned = tune.Tune(search={"log": rates}, trials=2, method="grid", is_only=True)
    searched = studies.study(
        base=config, axes=axes, seeds=(0,), baseline=None, tune=tuned, claims=[]
    )
    study_loop.run(searched, tmp_path, name="searched", size="smoke")
    found = json.loads((tmp_path / "tuning/log/found.json").read_text())
    assert found["best"] == {"schedule.peak_value": 0.05}
    lines = [read_metrics(path) for path in tmp_path.glob("tuning/log/trial*/metrics.jsonl")]
    errors = [
        [line["nrmse"] for line in each if line.get("split") == "validation"][-1] for each in lines
    ]
    assert len(errors) == 2 and found["value"] == -min(errors)
    text = (tmp_path / "report.md").read_text()
    assert "| Of | Trials | Validation NRMSE | Chosen |" in text
    assert f"| {min(errors):.4f} |" in text


def test_a_trial_that_was_not_made_is_worse_than_any_other():
    lower = Metric(name="error", title="error", better=-1, digits=3, margin=0.1, why="")
    trial = Trial(0, {"schedule.value": 0.1}, None, "1/1")
    assert trial.described(-0.25, "", lower) == "schedule.value 0.1: 0.25"
    assert trial.described(WORST[-1], "It fell.", lower).endswith(": counts as the worst: It fell.")
    assert trial.described(0.84, "", ACCURACY) == "schedule.value 0.1: 84.0 %"
    assert WORST[-1] < -1e6 and WORST[1] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--task", "forecast"),
            "`task` must be a dataclass and a train.tasks.task.Task, got 'fore",
        ),
        (
            ("--task.tau", "17"),
            "`task.tau` must be a setting of the configuration's task, got a con",
        ),
    ],
    ids=["name", "setting"],
)
def test_a_command_cannot_give_a_task_to_a_configuration_of_images(words, said):
    code, _, err = small.here(str(small.ROOT / "configs/quickstart.py"), *words)
    assert code == 2 and said in err and len(err.splitlines()) == 1


def test_the_engine_names_no_image_label_or_accuracy():
    for path in (small.ROOT / "train/engine").glob("*.py"):
        assert not re.search(r"image|label|accurac|num_classes", path.read_text()), path
