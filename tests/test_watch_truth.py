"""The page says what is true of runs that halted or have made no step, and outlives bad entries."""

import http.client
import json
import os
import socket
from pathlib import Path

import pytest
from test_watch import a_run, code, get, study, watched

from train.watch import facts
from train.watch.run import RunSite

__all__ = ["study"]  # a fixture


def halted(folder, step, action="halted"):
    lines = [{"step": 3, "action": "skipped", "why": "so"}]
    lines += [{"step": step, "action": action, "why": "the loss was <nan>", "images": [0] * 99}]
    (folder / "bad_steps.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def state(folder):
    return RunSite(folder).brief().partition(", ")[0]


def test_a_run_that_halted_says_after_which_step_and_why(tmp_path):
    halted(a_run(tmp_path), 45)
    with watched(tmp_path) as address:
        page = get(address).decode()
    assert "halted after step 44: the loss was &lt;nan&gt;" in page and "not done" not in page


def test_a_run_that_halted_before_its_first_step_shows_no_curves(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "metrics.jsonl").write_text("")
    halted(tmp_path, 1)
    page = RunSite(tmp_path).page("")
    assert b"halted after step 0" in page and b"<img" not in page


def test_a_run_that_went_on_after_its_halt_or_only_skipped_is_not_halted(tmp_path):
    a_run(tmp_path)
    for step, action in ((40, "halted"), (44, "skipped")):
        halted(tmp_path, step, action)
        assert state(tmp_path).startswith("not done; it logged a step 0:00:0")


def test_a_run_of_a_study_that_halted_says_why_until_it_goes_on_with_another_schedule(tmp_path):
    a_run(tmp_path)
    (tmp_path / "halted.json").write_text(json.dumps({"step": 44, "reason": "the loss was 9"}))
    assert state(tmp_path) == "halted after step 44: the loss was 9"
    a_run(tmp_path, steps=50)
    assert state(tmp_path).startswith("not done")
    again = {"step": 44, "reason": "so", "again": {"step": 50, "reason": "the loss was 8"}}
    (tmp_path / "halted.json").write_text(json.dumps(again))
    assert state(tmp_path) == "halted after step 50: the loss was 8"


@pytest.mark.parametrize("text", ["", '{"kind": "train", "st'])
def test_until_the_first_chunk_the_page_has_no_picture_and_says_so(tmp_path, text):
    (tmp_path / "metrics.jsonl").write_text(text)
    with watched(tmp_path) as address:
        page = get(address)
        assert b"<dd>no step is logged yet" in page and b"<img" not in page
        assert code(address, "/curves.png") == 404
        a_run(tmp_path)
        assert b'<img src="curves.png' in get(address)
        assert get(f"{address}/curves.png").startswith(b"\x89PNG")  # the wait has not begun


def test_curves_that_cannot_be_drawn_say_why(tmp_path, monkeypatch):
    def fails(*_, **__):
        raise ValueError("no <font>")

    monkeypatch.setattr("train.watch.run.curves_png", fails)
    site = RunSite(a_run(tmp_path))
    assert site.picture() is None
    page = site.page("")
    assert b"could not be drawn: ValueError: no &lt;font&gt;" in page and b"<img" not in page


def test_a_target_that_is_no_address_is_refused_and_prints_nothing(tmp_path, capfd):
    with watched(a_run(tmp_path)) as address:
        port = int(address.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(b"GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert answer.status == 400
    assert capfd.readouterr().err == ""


def test_a_run_is_read_again_only_when_its_files_have_changed(study, monkeypatch):
    found, read = facts._facts, []
    monkeypatch.setattr(facts, "_facts", lambda folder: read.append(folder.name) or found(folder))
    with watched(study) as address:
        for _ in range(3):
            get(f"{address}/runs")
        assert sorted(read) == ["cos_seed0", "log_seed0"]
        a_run(study / "log_seed0")
        assert b"epoch 2.00 of 4" in get(f"{address}/runs").partition(b"log_seed0</a>")[2]
        assert len(read) == 3


def test_the_report_page_reads_the_studys_record_once(study, monkeypatch):
    from train.folder import ending

    found, read = ending.read, []
    monkeypatch.setattr(ending, "read", lambda path: read.append(path.name) or found(path))
    monkeypatch.setattr("train.report.page", lambda folder: b"<main>")
    with watched(study) as address:
        for _ in range(3):
            get(f"{address}/report")
    assert read.count("study.json") == 1


@pytest.mark.parametrize(
    "bad",
    [
        {}, {"folder": "a\0b"}, {"folder": "loop"}, {"folder": 5}, {"folder": "\ud800"}, "text",
        {"folder": ""}, {"folder": "."}, {"folder": "/etc"}, None,
    ],
)  # fmt: skip
def test_a_bad_entry_is_left_out_and_the_page_says_so(study, bad):
    (study / "loop").symlink_to("loop")
    record = {"title": "A", "runs": [bad, {"folder": "cos_seed0"}]}
    (study / "study.json").write_text(json.dumps(record))
    with watched(study) as address:
        page = get(f"{address}/runs")
        assert b"are not shown: 1." in page and page.count(b"<tr>") == 1
        assert b"44 of 88" in get(f"{address}/cos_seed0/")
        (study / "study.json").write_text(json.dumps({**record, "runs": record["runs"][1:]}))
        assert b"not shown" not in get(f"{address}/runs")


def test_a_run_with_lines_that_are_none_of_a_run_is_said_in_its_row(study):
    (study / "cos_seed0/metrics.jsonl").write_text('{"kind": "train"}\n')
    with watched(study) as address:
        page = get(f"{address}/runs")
        assert b"its records cannot be read: KeyError: " in page and page.count(b"<tr>") == 2


def test_names_that_are_no_utf_8_are_shown(study):
    name = os.fsdecode(b"run\xe4")
    a_run(study / name)
    (study / "study.json").write_text(json.dumps({"runs": [{"folder": name}]}))
    with watched(study) as address:
        assert b'<a href="/run%E4/">run?</a>' in get(f"{address}/runs")
        assert b"44 of 88" in get(f"{address}/run%E4/")
    with watched(Path(study / name)) as address:
        assert b"<h1>run?</h1>" in get(address)
