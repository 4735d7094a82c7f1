"""`python -m train study`: killed and started again, and on a Ray cluster."""

import random
import shutil
import signal
import time

import pytest
import small
import studies


def start(folder, *arguments):
    file = folder / "study_small.py"
    file.write_text(studies.FILE)
    words = ("study", str(file), "--size", "smoke", "--workdir", str(folder / "study"))
    return small.start(*words, *arguments)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    (out,) = small.outputs([start(folder)])
    assert "run 4 of 4: cosine-seed1\n  " in out
    assert "report.html" in out
    return folder / "study"


def until(process, beginning):
    """Reads what it prints, up to a line with this beginning."""
    for line in process.stdout:
        if line.startswith(beginning):
            return
    raise AssertionError(f"it ended before {beginning}: {process.communicate()}")


@pytest.mark.slow
def test_a_study_that_is_killed_again_and_again_ends_with_the_same_report(whole, tmp_path):
    draw = random.Random(0)
    for run in (1, 1, 2, 4, 4):
        process = start(tmp_path)
        until(process, f"run {run} of 4")
        time.sleep(draw.uniform(0, 1))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    small.outputs([start(tmp_path)])
    assert studies.results(tmp_path / "study") == studies.results(whole)


@pytest.mark.slow
def test_a_signal_ends_a_study_with_the_command_that_goes_on(tmp_path):
    process = start(tmp_path)
    until(process, "run 2 of 4")
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=100)
    assert process.returncode in (75, -signal.SIGTERM), err  # between two runs nothing is to save
    small.outputs([start(tmp_path)])


@pytest.mark.slow
def test_the_runs_as_tasks_of_ray_come_to_the_same_report(whole, tmp_path):
    pytest.importorskip("ray", reason="skipped: ray is not installed (pip install '.[ray]')")
    (out,) = small.outputs([start(tmp_path, "--executor", "ray")])
    assert "run 4 of 4" in out
    assert studies.results(tmp_path / "study") == studies.results(whole)


@pytest.mark.slow
def test_a_report_is_written_anew_by_its_own_command(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "study", ignore=shutil.ignore_patterns("report*"))
    (out,) = small.outputs([small.start("report", str(tmp_path / "study"))])
    assert "report.html" in out
    assert studies.results(tmp_path / "study") == studies.results(whole)


OWN = """
from typing import ClassVar
import log_anneal as la
from log_anneal.fields import number

class FlatTop(la.Schedule):
    name: ClassVar[str] = "flat_top_of_a_study"
    peak_value: float = number()

    def value_at(self, step, xp):
        return xp.minimum(self.peak_value, 0.01 * (1 + step))

    def restarts_at(self):
        return iter(())
"""


@pytest.mark.slow
def test_a_study_with_a_class_in_its_file_has_its_report_again_without_the_file(tmp_path):
    own = 'axes={"schedule": {"mine": {"schedule": FlatTop(peak_value=0.03)}, "none": {}}}'
    text = studies.FILE.replace("studies.study()", f"studies.study({own}, baseline=None)")
    file = tmp_path / "study_own.py"
    file.write_text(OWN + text)
    folder = tmp_path / "study"
    small.outputs([small.start("study", str(file), "--size", "smoke", "--workdir", str(folder))])
    file.unlink()
    before, numbers = studies.results(folder)
    small.outputs([small.start("report", str(folder))])
    after, again = studies.results(folder)
    assert again == numbers
    told = [line for line in after.splitlines() if line not in before]
    assert len(told) == 1 and "classes that this command does not know: mine" in told[0]


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        ("", (), "`study` must define `get_study(size)` that returns a `train.study.Study`"),
        ("def get_study(size): return 3", (), "must define `get_study(size)`"),
        ("def get_study(size): return sise", (), "line 1: NameError: name 'sise'"),
        (studies.FILE, ("--jobs", "2"), "`--jobs` must be i/n, got 2. The first of four"),
        (studies.FILE, ("--jobs", "3/2"), "`--jobs` must be i/n with i from 1 to n, got 3/2"),
    ],
)
def test_what_cannot_be_a_study_is_refused_in_one_line(text, arguments, message, tmp_path):
    from train.cli import study
    from train.cli.arguments import parse
    from train.errors import UserError

    file = tmp_path / "study_wrong.py"
    file.write_text(text)
    with pytest.raises(UserError) as refused:
        words = ["--size", "smoke", *arguments, "--workdir", str(tmp_path / "x")]
        study.run(parse(["study", str(file), *words]))
    assert message in str(refused.value)
    assert not list(tmp_path.glob("x/*/checkpoints"))


def test_a_worker_refuses_a_study_file_that_has_changed_since_the_study_was_begun(tmp_path):
    from train.errors import UserError
    from train.study import loop, make

    file = tmp_path / "study_small.py"
    file.write_text(studies.FILE)
    loop.begin(studies.study(), tmp_path / "study", name="small", size="smoke")
    given = (file, "smoke", None, tmp_path / "study", (1, 1))
    assert callable(make.doer(*given))
    file.write_text(studies.FILE.replace("study()", "study(seeds=(0, 7))"))
    with pytest.raises(UserError, match="must stay as it was while its runs are made"):
        make.doer(*given)
