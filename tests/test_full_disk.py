"""A disk that is full: one sentence, nothing left lying about, and on to the same bits."""

import subprocess
import sys

import pytest
import small
from test_resume import ending

from train.errors import UserError
from train.folder.log import Log

ARGUMENTS = ("--epochs", "8", "--chunk-steps", "5")


def train(folder, kilobytes):
    """Starts the small run, which cannot write more into a file, as where a disk is full."""
    command = [sys.executable, "-m", "train", *small.words(folder), *ARGUMENTS]
    return subprocess.Popen(
        ["bash", "-c", f'ulimit -f {kilobytes}; exec "$@"', "bash", *command],
        cwd=small.ROOT,
        env=small.environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    small.outputs([small.train(folder, *ARGUMENTS)])
    return ending(folder / "run")


@pytest.mark.slow
@pytest.mark.parametrize("kilobytes", [1, 8, 30, 45])
def test_a_full_disk_is_one_sentence_and_the_run_goes_on(kilobytes, tmp_path, whole):
    process = train(tmp_path, kilobytes)
    _, err = process.communicate(timeout=200)
    assert process.returncode == 2
    said = [line for line in err.splitlines() if not line.startswith("warning: ")]
    assert len(said) == 1 and said[0].startswith("error: "), err
    assert "ake room" in said[0] or "Make the file or folder usable" in said[0]
    assert not list((tmp_path / "run").rglob("*tmp*"))
    small.outputs([small.train(tmp_path, *ARGUMENTS)])
    assert ending(tmp_path / "run") == whole


@pytest.mark.slow
def test_a_run_outlives_a_tensorboard_that_cannot_be_written(tmp_path, whole):
    """The pictures in it are larger than any other file."""
    process = train(tmp_path, 200)
    _, err = process.communicate(timeout=200)
    assert process.returncode == 0
    assert err.startswith("warning: ") and err.count("\n") == 1
    assert "tensorboard could not be written (File too large). The run goes on" in err
    assert ending(tmp_path / "run") == whole


def test_lines_that_cannot_be_written_are_one_sentence(tmp_path):
    sizes = {"total_steps": 4, "steps_per_epoch": 4, "batch_size": 1}
    full = open("/dev/full", "w")  # noqa: SIM115, the log closes it

    def write():
        with Log(tmp_path, **sizes, is_quiet=True) as log:
            log._file.close()
            log._file = full
            log.train_lines([{"step": 1, "epoch": 0.25, "loss": 1.0, "learning_rate": 0.1}])

    with pytest.raises(UserError, match="metrics.jsonl could not be written in .*No space left"):
        write()
