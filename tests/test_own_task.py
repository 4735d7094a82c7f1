"""The page on a task of one's own: its file trains, goes on, and is refused when it is another."""

import json
import re

import pytest
import small
import studies

from train.folder.log import read_metrics
from train.report.numbers.reading import load
from train.study import loop as study_loop
from train.study.load import load as load_config

pytestmark = pytest.mark.usefixtures("unoptimized", "undrawn")

PAGE = (small.ROOT / "docs" / "own_task.md").read_text()
FILE = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]
SHORT = ("--epochs", "3", "--schedule.decay-steps", "1")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    file = folder / "my_sine.py"
    file.write_text(FILE)
    code, out, err = small.here(str(file), "--workdir", str(folder / "run"), *SHORT)
    assert code == 0, err
    return folder, file, out


def test_the_file_on_the_page_trains(made):
    folder, _, out = made
    assert re.search(r"^points +noisy_sine: 1,600 train, 400 test$", out, re.MULTILINE)
    assert "test rmse" in out and "points/s" in out
    record = json.loads((folder / "run/config.json").read_text())["task"]
    assert {"name": "sine", "num_points": 2000, "width": 32}.items() <= record.items()
    assert re.fullmatch("[0-9a-f]{64}", record["source_sha256"])


def test_the_page_reads_the_metrics(made):
    folder, _, _ = made
    block = PAGE[PAGE.rindex("```\nimport json") + 4 :].partition("```")[0]
    found = {}
    exec(block.replace("runs/my_sine", str(folder / "run")), found)
    losses = [
        line["loss"] for line in read_metrics(folder / "run/metrics.jsonl") if "split" in line
    ]
    assert found["errors"] == pytest.approx([loss**0.5 for loss in losses])
    assert found["errors"][-1] < 0.5**0.5  # better than a forecast of 0


def test_another_source_or_setting_is_another_run(made):
    folder, file, _ = made
    words = ("--workdir", str(folder / "run"), *SHORT)
    code, _, err = small.here(str(file), *words, "--task.width", "8")
    assert code == 2 and "task.width" in err
    other = folder / "other.py"
    other.write_text(FILE.replace("jnp.tanh(", "jnp.sin("))
    code, _, err = small.here(str(other), *words)
    assert code == 2 and "task.source_sha256" in err


def test_a_study_takes_it(made, tmp_path):
    _, file, _ = made
    base = load_config(file)
    schedules = {name: {"schedule": studies.SCHEDULES[name]} for name in ("log", "cosine")}
    study = studies.study(base=base, axes={"schedule": schedules, "epochs": {"two": {"epochs": 2}}})
    study_loop.run(study, tmp_path, name="own", size="smoke")
    results = load(tmp_path)
    assert results.task.first.name == "rmse" and results.task.noun == "points"
    assert "has the lowest mean test RMSE" in (tmp_path / "report.md").read_text()
