import json
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from tensorboardX.proto.event_pb2 import Event, SessionLog

from train.folder.about import About
from train.folder.log import Log, read_metrics

SIZES = {"total_steps": 8, "steps_per_epoch": 4, "batch_size": 32}


def record(step: int, loss: float = 1.0) -> dict[str, float]:
    return {"step": step, "epoch": step / 4, "loss": loss, "accuracy": 0.5, "learning_rate": 0.1}


def run(workdir: Path, *steps: int, start_step: int = 0, **options: Any) -> None:
    with Log(workdir, **SIZES, start_step=start_step, **options) as log:
        for step in steps:
            log.train_lines([record(step)])


def lines(workdir: Path) -> list[dict[str, Any]]:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    text = (workdir / "metrics.jsonl").read_text()
    assert text.endswith("\n")
    found = [json.loads(line, parse_constant=refuse) for line in text.splitlines()]
    assert all(line.pop("check").startswith("1:") for line in found)
    return found


def events(workdir: Path) -> list[Event]:
    found = []
    for path in sorted((workdir / "tensorboard").iterdir(), key=lambda p: p.stat().st_mtime_ns):
        content = path.read_bytes()
        while content:
            (size,) = struct.unpack("<Q", content[:8])
            found.append(Event.FromString(content[12 : 12 + size]))
            content = content[16 + size :]
    return found


def test_each_update_is_a_line_with_the_fields_that_were_given(tmp_path: Path) -> None:
    with Log(tmp_path, **SIZES) as log:
        log.train_lines([record(1), record(2) | {"grad_norm": np.float32(3)}])
        log.eval_line(2, "test", {"loss": 0.5, "accuracy": 0.75})
    first, second, test = lines(tmp_path)
    assert first.items() >= {"kind": "train", **record(1)}.items()
    assert second.items() >= {"kind": "train", **record(2), "grad_norm": 3.0}.items()
    assert test.items() >= {"kind": "eval", "split": "test", "step": 2, "epoch": 0.5}.items()
    assert test["accuracy"] == 0.75


def test_only_the_clock_differs_between_two_runs(tmp_path: Path) -> None:
    kept = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        run(tmp_path / name, 1, 2, 3)
        clock = ("seconds", "images_per_second")
        kept.append(
            [{k: v for k, v in x.items() if k not in clock} for x in lines(tmp_path / name)]
        )
    assert kept[0] == kept[1]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32("-inf")])
def test_a_number_that_is_not_finite_is_null(tmp_path: Path, value: float) -> None:
    with Log(tmp_path, **SIZES) as log:
        log.train_lines([record(1, loss=value)])
    assert lines(tmp_path)[0]["loss"] is None


def test_a_line_is_on_disk_when_the_call_returns(tmp_path: Path) -> None:
    with Log(tmp_path, **SIZES) as log:
        log.train_lines([record(1)])
        assert len(lines(tmp_path)) == 1


def test_resuming_drops_the_lines_of_lost_updates_and_a_torn_one(tmp_path: Path) -> None:
    run(tmp_path, 1, 2, 3, 4)
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "train", "step": 1, "lo')
    run(tmp_path, 3, 4, 5, start_step=2)
    assert [line["step"] for line in lines(tmp_path)] == [1, 2, 3, 4, 5]


def test_a_fresh_start_keeps_the_older_lines_elsewhere(tmp_path: Path) -> None:
    for _ in range(3):
        run(tmp_path, 1)
    assert len(lines(tmp_path)) == 1
    aside = sorted(path.name for path in (tmp_path / "set_aside").iterdir())
    assert aside == ["metrics.jsonl", "metrics.jsonl.1"]


def test_tensorboard_gets_the_last_record_and_forgets_lost_updates(tmp_path: Path) -> None:
    run(tmp_path, 1, 2, 3)
    with Log(tmp_path, **SIZES, start_step=2) as log:
        log.train_lines([record(3), record(4, loss=9.0)])
        log.eval_line(4, "test", {"accuracy": 0.75})
    found = events(tmp_path)
    values = {(v.tag, e.step): v.simple_value for e in found for v in e.summary.value}
    assert values["train/loss", 4] == 9.0
    assert values["test/accuracy", 4] == 0.75
    starts = [e.step for e in found if e.session_log.status == SessionLog.START]
    assert starts == [1, 3]


def test_events_are_on_disk_after_a_sync_as_a_killed_run_leaves_them(tmp_path: Path) -> None:
    with Log(tmp_path, **SIZES) as log:
        for step in range(1, 40):
            log.train_lines([record(step)])
        log.sync()
        steps = [e.step for e in events(tmp_path) for v in e.summary.value if v.tag == "train/loss"]
    assert steps == list(range(1, 40))


def test_tensorboard_gets_the_settings_the_schedule_and_the_pictures(tmp_path: Path) -> None:
    settings = {"epochs": 2, "optimizer.name": "a|b", "halt.threshold": None, "sizes": [1, 2]}
    png = b"\x89PNG\r\n\x1a\n" + bytes(8) + struct.pack(">II", 3, 2)
    (tmp_path / "curves.png").write_bytes(png)
    with Log(tmp_path, **SIZES, about=About(tmp_path, settings, "cosine(1)")) as log:
        log.end(8, {}, [tmp_path / "curves.png"])
    values = {v.tag: (e.step, v) for e in events(tmp_path) for v in e.summary.value}
    assert values["schedule/text_summary"][1].tensor.string_val == [b"cosine(1)"]
    table = values["configuration/text_summary"][1].tensor.string_val[0].decode()
    assert "| optimizer.name | a\\|b |" in table and "| sizes | [1, 2] |" in table
    step, picture = values["curves"]
    assert (step, picture.image.width, picture.image.height) == (8, 3, 2)
    assert picture.image.encoded_image_string == png
    for part in ("experiment", "session_start_info", "session_end_info"):
        assert values[f"_hparams_/{part}"][1].metadata.plugin_data.plugin_name == "hparams"


def test_the_events_of_a_run_of_a_study_have_no_pictures(tmp_path: Path) -> None:
    with Log(tmp_path, **SIZES, is_quiet=True) as log:
        log.end(8, {}, [tmp_path / "curves.png"])
    assert not [value.tag for event in events(tmp_path) for value in event.summary.value]


def test_a_process_that_does_not_write_leaves_no_trace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Log(tmp_path, **SIZES, is_writer=False) as log:
        log.train_lines([record(4)])
        log.eval_line(4, "test", {"loss": 0.5})
        log.table({"test_accuracy": 0.5})
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().out == ""


def test_without_a_terminal_an_epoch_and_an_evaluation_are_a_plain_line_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Log(tmp_path, **SIZES) as log:
        for step in (2, 4):
            log.train_lines([record(step - 1, loss=step), record(step, loss=step)])
        log.eval_line(4, "test", {"loss": 0.5, "accuracy": 0.75})
        log.table({"test_accuracy": 0.987, "seconds": 3723.0, "parameters": 21_000})
    train, test, *table = capsys.readouterr().out.splitlines()
    assert train.startswith("epoch 1/2  train  loss 3.00  accuracy 50.0 %  learning rate 0.100  ")
    assert train.endswith(" left")
    assert test == "epoch 1/2  test   loss 0.500  accuracy 75.0 %"
    assert table == ["test accuracy  98.7 %", "seconds        1:02:03", "parameters     21,000"]


@pytest.mark.parametrize("width", [80, 120])
def test_the_bar_fits_into_one_line_of_the_terminal(
    tmp_path: Path,
    width: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    console = Console(force_terminal=True, width=width, highlight=False, color_system=None)
    monkeypatch.setattr("train.folder.terminal.Console", lambda **_: console)
    with Log(tmp_path, total_steps=2000, steps_per_epoch=2, batch_size=1) as log:
        log.train_lines([record(1)])
        log.train_lines([record(1000) | {"learning_rate": 1.234e-5}])
        log.eval_line(1000, "test", {"loss": 0.5})
    drawn = capsys.readouterr().out
    bars = [line for line in re.split(r"[\r\n]", drawn) if "50.0 %" in line]
    assert bars
    for bar in bars:
        text = re.sub(r"\x1b\[[0-9?]*[a-zA-Z]", "", bar)
        assert len(text) == width
        assert text.lstrip().startswith("epoch  500/1000 " if width == 120 else "500/1000 ")
        assert re.search(r" \d+:\d\d:\d\d" + (" left" if width == 120 else "") + r"\s*$", text)
    assert "epoch  500/1000  test   loss 0.500\n" in drawn


def test_a_torn_line_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\n{"step"')
    assert read_metrics(tmp_path / "metrics.jsonl") == [{"step": 1}]


def test_the_time_left_counts_no_first_time_of_a_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each step takes 10 s and each evaluation 4 s, and the first time of each 500 s more."""
    now = [0.0]
    monkeypatch.setattr("train.folder.terminal.time.perf_counter", lambda: now[0])
    sizes = {"total_steps": 10, "steps_per_epoch": 5, "batch_size": 32}
    left = []
    with Log(tmp_path, **sizes) as log:
        for first, last, seconds in [(1, 2, 520), (3, 4, 20), (5, 5, 510), (6, 7, 20), (8, 9, 20)]:
            now[0] += seconds
            log.train_lines([record(step) for step in range(first, last + 1)])
            left.append(log._terminal._pace.seconds(10 - last))
            if last == 5:
                now[0] += 504
                log.eval_line(5, "test", {"loss": 1.0, "accuracy": 0.5})
    assert np.isnan(left[0])
    assert left[1:] == [60, 50, 30, 10]
    assert re.search(r"epoch 1/2  train .* 0:00:50 left", capsys.readouterr().out)
