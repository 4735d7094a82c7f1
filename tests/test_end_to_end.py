"""Whole runs through the command: what a person gets, and what they are told."""

import json
import shutil

import numpy as np
import pytest
import small
from PIL import Image

import log_anneal as la
from train.folder.log import read_metrics

pytestmark = pytest.mark.usefixtures("unoptimized")


def finish(process):
    out, err = process.communicate(timeout=200)
    return process.returncode, out, err


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("done")
    code, out, err = finish(small.train(folder, "--validation-fraction", "0.1"))
    assert code == 0, err
    return folder, out


def test_a_run_leaves_its_records_pictures_and_summary(done):
    folder, out = done
    run = folder / "run"
    record = json.loads((run / "config.json").read_text())
    assert la.from_dict(record["schedule"]) == small.SCHEDULE
    for name in ("schedule.png", "curves.png"):
        assert np.asarray(Image.open(run / name).convert("L")).std() > 5
        assert name in out
    assert any((run / "tensorboard").iterdir())
    summary = json.loads((run / "summary.json").read_text())
    assert summary["steps"] == 2 * (1293 // 64)  # of 1437 training images, 144 are held out
    assert 0 <= summary["test_accuracy"] <= 1
    assert f"{summary['test_accuracy']:.1%}".replace("%", " %") in out


def test_every_step_and_every_evaluation_has_its_line(done):
    folder, _ = done
    lines = read_metrics(folder / "run/metrics.jsonl")
    assert [line["step"] for line in lines if line["kind"] == "train"] == list(range(1, 41))
    evaluated = [(line["step"], line["split"]) for line in lines if line["kind"] == "eval"]
    assert evaluated == [(20, "validation"), (20, "test"), (40, "validation"), (40, "test")]
    in_steps = small.SCHEDULE.stretch(20)
    rates = [line["learning_rate"] for line in lines if line["kind"] == "train"]
    np.testing.assert_allclose(rates, in_steps.at(np.arange(40)), rtol=1e-6)


def test_checkpoints_are_scored_by_the_validation_accuracy(done):
    folder, _ = done
    summary = json.loads((folder / "run/summary.json").read_text())
    lines = read_metrics(folder / "run/metrics.jsonl")
    scores = {line["step"]: line["accuracy"] for line in lines if line.get("split") == "validation"}
    for step, score in scores.items():
        manifest = folder / f"run/checkpoints/{step}/manifest/metadata"
        assert json.loads(manifest.read_text())["score"] == score
    best = max(scores, key=lambda step: (scores[step], step))
    assert summary["best_step"] == best
    tests = {line["step"]: line["accuracy"] for line in lines if line.get("split") == "test"}
    assert summary["best_test_accuracy"] == tests[best]


def test_a_run_that_is_done_says_so_and_changes_nothing(done):
    folder, _ = done

    def times():
        files = (path for path in (folder / "run").rglob("*") if path.is_file())
        return {path: path.stat().st_mtime_ns for path in files if path.name != ".lock"}

    before = times()
    code, out, _ = small.here(*small.words(folder), "--validation-fraction", "0.1")
    assert code == 0
    assert out.startswith("This run is done: 40 steps")
    assert times() == before


def test_more_epochs_are_refused_with_the_two_choices_and_made_by_one(done, tmp_path):
    shutil.copytree(done[0] / "run", tmp_path / "run")
    longer = ("--validation-fraction", "0.1", "--epochs", "3")
    code, out, err = finish(small.train(tmp_path, *longer))
    assert (code, out) == (2, "")
    assert "To lengthen the run, add `--extend keep`: the rate goes on as the schedule is" in err
    assert "or `--extend stretch`: from here on it follows the schedule stretched to 3 epo" in err

    code, out, err = finish(small.train(tmp_path, *longer, "--extend", "stretch"))
    assert code == 0, err
    assert "epochs was 2 and is 3 from step 40 on, where the rate follows its schedule" in out
    assert json.loads((tmp_path / "run/summary.json").read_text())["steps"] == 60
    lines = read_metrics(tmp_path / "run/metrics.jsonl")
    rates = [line["learning_rate"] for line in lines if line["kind"] == "train"]
    in_steps = small.SCHEDULE.stretch(30).at(np.arange(40, 60))
    np.testing.assert_allclose(rates[40:], in_steps, rtol=1e-6)


def test_another_configuration_is_refused(done):
    folder, _ = done
    code, out, err = finish(small.train(folder, "--seed", "1"))
    assert (code, out) == (2, "")
    assert "seed is 0 there and 1 here" in err
    assert "validation_fraction is 0.1 there and 0.0 here" in err


def test_a_checkpoint_of_another_model_is_refused(done, tmp_path):
    """Its record counts, and not a config.json that somebody has edited."""
    folder, _ = done
    run = tmp_path / "run"
    run.mkdir()
    (run / "checkpoints").symlink_to(folder / "run/checkpoints")
    record = json.loads((folder / "run/config.json").read_text())
    record["model"]["width"] = 8
    record["validation_fraction"] = 0.0
    (run / "config.json").write_text(json.dumps(record))
    code, _, err = small.here(*small.words(tmp_path), "--model.width", "8")
    assert code == 2
    assert "model.width is 4 there and 8 here" in err


def test_a_halted_run_goes_on_with_an_adjusted_schedule_alone(tmp_path):
    halting = ("--halt.threshold", "0.5", "--halt.grace-epochs", "1")
    code, _, err = small.here(*small.words(tmp_path), *halting)
    assert code == 3
    assert "halted: Step 22 is saved; the next was not made: its loss was" in err
    assert "above the threshold of 0.5" in err
    assert "--adjust-schedule --schedule.<field> <value>" in err
    assert "or with another threshold, run\n" in err and "--halt.threshold <nats>\n" in err

    proposed = [line for line in err.splitlines() if "-m train" in line]
    assert [line.count("--halt.threshold") for line in proposed] == [1, 1]

    code, _, again = small.here(*small.words(tmp_path), *halting)
    assert code == 3 and again.startswith("halted: ") and err.endswith(again)

    adjust = ("--adjust-schedule", "--schedule.peak-value", "0.02")
    code, _, err = small.here(*small.words(tmp_path), *halting, *adjust, "--epochs", "3")
    assert code == 2
    assert "epochs is 2 there and 3 here" in err

    code, _, err = small.here(*small.words(tmp_path), *halting, *adjust)
    assert code == 0, err  # the grace of one epoch begins anew, and the run has one left
    lines = read_metrics(tmp_path / "run/metrics.jsonl")
    rates = [line["learning_rate"] for line in lines if line["kind"] == "train"]
    adjusted = la.from_dict(json.loads((tmp_path / "run/config.json").read_text())["schedule"])
    before, after = small.SCHEDULE.stretch(22), adjusted.stretch(22)
    np.testing.assert_allclose(rates[:22], before.at(np.arange(22)), rtol=1e-6)
    np.testing.assert_allclose(rates[22:], after.at(np.arange(22, 44)), rtol=1e-6)


@pytest.mark.slow  # 15 s
def test_a_halted_run_goes_on_with_another_threshold(tmp_path):
    halting = ("--halt.threshold", "0.5", "--halt.grace-epochs", "1")
    code, _, err = small.here(*small.words(tmp_path), *halting)
    assert code == 3 and "below the 2.3 of a guess among 10 classes" in err
    code, out, err = small.here(*small.words(tmp_path), *halting, "--halt.threshold", "9")
    assert code == 0, err
    assert "halt.threshold was 0.5 and is 9.0 from step 22 on\n" in out
    assert [line["step"] for line in read_metrics(tmp_path / "run/metrics.jsonl")][-2] == 44


def test_a_loss_that_is_not_finite_halts_and_saves_the_step_before(tmp_path):
    """The rate is in order for a step, and so high that the next gradients overflow."""
    code, _, err = finish(small.train(tmp_path, "--schedule.peak-value", "1e30"))
    assert code == 3
    assert "halted: Step " in err
    assert "another threshold" not in err
    step = int(err.split("halted: Step ")[1].split()[0])
    assert (tmp_path / f"run/checkpoints/{step}").is_dir()
    assert read_metrics(tmp_path / "run/metrics.jsonl")[-1]["step"] == step


def test_a_dry_run_trains_nothing_and_shows_what_would_be(tmp_path):
    code, out, err = small.here(*small.words(tmp_path), "--dry-run")
    assert code == 0, err
    for text in (
        "schedule.peak_value",
        "1,437 train, 360 test",
        "44 (2 epochs of 22)",
        "above a loss of 4.605, from epoch 2 on (a guess among 10 classes has 2.3)",
        "MiB",
        " ┤",
    ):
        assert text in out
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--batch-size", "2000"), "`batch_size` must be between 1 and the 1437"),
        (("--dataset", "digitz"), "digitz"),
        (("--model.name", "resnet43"), "Did you mean resnet34?"),
        (("--validation-fraction", "0.9999"), "validation_fraction"),
        (("--process-id", "1"), "`--coordinator` must be given with the other two"),
        (
            ("--augment.crop-padding", "-1"),
            "`augment.crop_padding` must be a whole number from 0 to 32",
        ),
        (("--schedule.decay-steps", "2000000000"), "22 steps an epoch: `decay_steps`"),
        (
            ("--halt.grace-epochs", "1000000000"),
            "`halt.grace_epochs` must be a whole number from 0 to 1000000",
        ),
        (("--seed", "4294967296"), "`seed` must be a whole number from 0 to 4294967295"),
    ],
    ids=str,
)
def test_bad_input_is_one_line_and_code_2(tmp_path, arguments, message):
    code, _, err = small.here(*small.words(tmp_path), *arguments)
    assert code == 2
    assert "Traceback" not in err
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert message in errors[0]


def test_a_workdir_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "run").write_text("a file")
    code, _, err = small.here(*small.words(tmp_path))
    assert code == 2
    assert "`--workdir` must be a folder that can be written to" in err
    assert (tmp_path / "run").read_text() == "a file"
