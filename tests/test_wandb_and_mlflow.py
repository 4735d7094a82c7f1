"""Weights & Biases and MLflow get a run, read back from their own files without a network.

They run where the packages are: `pip install '.[wandb,mlflow]'`, then
`python -m pytest tests/test_wandb_and_mlflow.py`.
"""

import importlib.util
import json
import signal
import struct

import pytest
import small
from test_resume import wait_for_step

from train.folder.log import read_metrics

# MLflow and its database library warn of each other.
pytestmark = pytest.mark.filterwarnings("ignore")


def needs(*names):
    lacking = [name for name in names if importlib.util.find_spec(name) is None]
    way = f"skipped: {', '.join(lacking)} is not installed; pip install '.[{names[0]}]'"
    return pytest.mark.skipif(bool(lacking), reason=way)


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    """No account or server of the person who runs the tests is used."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "WANDB_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WANDB_MODE", "offline")


def train(folder, *arguments, code=0):
    process = small.train(folder, *arguments, "--chunk-steps", "5")
    out, err = process.communicate(timeout=200)
    assert process.returncode == code, err
    return out, err


def interrupted(folder, *arguments):
    """A run that was stopped by a signal, and then went on to its end."""
    process = small.train(folder, *arguments, "--chunk-steps", "5")
    wait_for_step(process, folder / "run/metrics.jsonl", 5)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=200)
    assert process.returncode == 75
    return train(folder, *arguments)


def chunk_ends(folder):
    """The steps that loggers get, by split: those of each chunk's end, and of each evaluation."""
    lines = read_metrics(folder / "run/metrics.jsonl")
    train_steps = [x["step"] for x in lines if x["kind"] == "train"]
    ends = [step for step in train_steps if step % 22 % 5 == 0]
    return ends, [x["step"] for x in lines if x["kind"] == "eval"]


@pytest.mark.slow
@needs("mlflow", "sqlalchemy", "alembic")
def test_mlflow_has_one_run_with_each_step_once(tmp_path):
    from mlflow import MlflowClient

    out, _ = interrupted(tmp_path, "--log", "mlflow")
    uri = f"sqlite:///{tmp_path}/run/mlflow/mlflow.db"
    assert out.splitlines()[-1] == f"mlflow: mlflow ui --backend-store-uri {uri}"
    client = MlflowClient(tracking_uri=uri)
    (experiment,) = [e for e in client.search_experiments() if e.name != "Default"]
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    train_steps, test_steps = chunk_ends(tmp_path)
    assert [m.step for m in client.get_metric_history(run.info.run_id, "test/loss")] == test_steps
    rates = client.get_metric_history(run.info.run_id, "train/learning_rate")
    assert [m.step for m in rates if m.step in train_steps] == train_steps
    assert len({m.step for m in rates}) == len(rates) <= len(train_steps) + 1
    assert run.data.params["optimizer.name"] == "sgd"
    assert run.data.params["schedule.peak_value"] == "0.05"
    assert run.data.tags["schedule"].startswith("cyclical_log_schedule(")
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert run.data.metrics["summary/test_accuracy"] == pytest.approx(summary["test_accuracy"])
    found = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert found == {"schedule.png", "curves.png"}


@needs("mlflow", "sqlalchemy", "alembic")
def test_mlflow_has_the_settings_and_numbers_as_they_are_now(tmp_path):
    from train.folder.about import About
    from train.folder.follower import Point
    from train.loggers.mlflow_run import MlflowRun

    def begin(run, **settings):
        logger = MlflowRun()
        run, known = logger.begin(About(tmp_path, settings, "a schedule"), run)
        return logger, run, known

    def changed():
        tags = logger._client.get_run(run).data.tags
        return {name: value for name, value in tags.items() if name.startswith("changed.")}

    logger, run, _ = begin(None, rate=1, chunk=5)
    logger.points([Point("train", step, {"train/seconds": step / 3}) for step in (7, 8)])
    logger, run, known = begin(run, rate=2)
    assert known["train"] == {7: 7 / 3, 8: 8 / 3}
    assert changed() == {"changed.rate": "2", "changed.chunk": "(its default)"}
    logger.points([Point("train", 8, {"train/seconds": 9.5})])
    logger, run, known = begin(run, rate=1, chunk=5)
    assert changed() == {}
    assert known["train"] == {7: 7 / 3, 8: 9.5}


def records(path):
    """The records of a `.wandb` file: a head of 7 bytes, then records in blocks of 32 KiB."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, at, whole = path.read_bytes(), 7, b""
    while at + 7 <= len(content):
        if (room := 32768 - at % 32768) < 7:
            at += room
            continue
        _, size, kind = struct.unpack("<IHB", content[at : at + 7])
        whole += content[at + 7 : at + 7 + size]
        at += 7 + size
        if kind in (1, 4):  # whole, or the last part of one
            record = Record()
            record.ParseFromString(whole)
            yield record
            whole = b""


@pytest.mark.slow
@needs("wandb")
def test_wandb_has_one_run_with_each_step_once(tmp_path):
    out, _ = interrupted(tmp_path, "--log", "wandb")
    assert out.splitlines()[-1].startswith(f"wandb: wandb sync {tmp_path}/run/wandb/offline-run-")
    files = sorted((tmp_path / "run/wandb").glob("offline-run-*/run-*.wandb"))
    assert len(files) == 2 and len({path.name for path in files}) == 1
    found = [record for path in files for record in records(path)]

    history = [
        {
            "/".join(item.nested_key) or item.key: json.loads(item.value_json)
            for item in r.history.item
        }
        for r in found
        if r.WhichOneof("record_type") == "history"
    ]
    train_steps, test_steps = chunk_ends(tmp_path)
    rates = [row["_step"] for row in history if "train/learning_rate" in row]
    assert [step for step in rates if step in train_steps] == train_steps
    assert len(set(rates)) == len(rates) <= len(train_steps) + 1
    assert [row["_step"] for row in history if "test/loss" in row] == test_steps
    assert {"schedule/path", "curves/path"} <= history[-1].keys()

    runs = [r.run for r in found if r.WhichOneof("record_type") == "run"]
    config = {item.key: json.loads(item.value_json) for item in runs[0].config.update}
    assert config["schedule.peak_value"] == 0.05 and config["epochs"] == 2
    assert runs[0].notes.startswith("cyclical_log_schedule(")
    summary = {
        "/".join(item.nested_key) or item.key: json.loads(item.value_json)
        for r in found
        if r.WhichOneof("record_type") == "summary"
        for item in r.summary.update
    }
    kept = json.loads((tmp_path / "run/summary.json").read_text())
    assert summary["summary/test_accuracy"] == kept["test_accuracy"]
    exits = [r.exit.exit_code for r in found if r.WhichOneof("record_type") == "exit"]
    assert exits == [1, 0]


@pytest.mark.slow
@needs("mlflow", "sqlalchemy", "alembic")
def test_a_store_that_cannot_be_reached_is_one_warning(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    _, err = train(tmp_path, "--log", "mlflow")
    (warning,) = [line for line in err.splitlines() if line.startswith("warning: mlflow")]
    assert "is left out from here on" in warning
    assert "Traceback" not in err
    assert (tmp_path / "run/summary.json").exists()


@pytest.mark.slow
@needs("wandb")
def test_without_a_connection_wandb_keeps_a_run_that_can_be_sent_later(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)  # nobody's
    out, err = train(tmp_path, "--log", "wandb")
    assert out.splitlines()[-1].startswith(f"wandb: wandb sync {tmp_path}/run/wandb/offline-run-")
    assert "Traceback" not in err
    (path,) = (tmp_path / "run/wandb").glob("offline-run-*/run-*.wandb")
    assert "history" in {record.WhichOneof("record_type") for record in records(path)}


def test_a_missing_package_is_said_before_anything_is_done(tmp_path):
    if importlib.util.find_spec("wandb"):
        pytest.skip("skipped: wandb is installed, so that nothing is missing")
    _, err = train(tmp_path, "--log", "wandb", code=2)
    assert err.count("\n") == 1 and "pip install '.[wandb]'" in err
    assert not (tmp_path / "run").exists()
