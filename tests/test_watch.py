"""The page that shows a run or a study: what is on it, and that no request leaves the folder."""

import contextlib
import http.client
import io
import json
import signal
import threading
import urllib.error
import urllib.request

import pytest
import small
from PIL import Image

from train.errors import UserError
from train.watch import anew, serve
from train.watch.anew import Anew


@contextlib.contextmanager
def watched(folder):
    """The address of a page that is being served."""
    servers, begun = [], threading.Event()

    def ready(server):
        servers.append(server)
        begun.set()

    thread = threading.Thread(target=serve, args=(folder,), kwargs={"ready": ready})
    thread.start()
    assert begun.wait(10)
    try:
        yield f"http://127.0.0.1:{servers[0].server_address[1]}"
    finally:
        servers[0].shutdown()
        thread.join(10)


def get(address):
    with urllib.request.urlopen(address, timeout=60) as answer:
        return answer.read()


def code(address, path="/", host=None):
    """The status of a path that is sent as it stands: urllib would make it normal."""
    place = address.removeprefix("http://")
    connection = http.client.HTTPConnection(place, timeout=10)
    connection.putrequest("GET", path, skip_host=True)
    connection.putheader("Host", host or place)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


def a_run(folder, steps=44, **more):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"epochs": 4}))
    lines = [
        {"kind": "train", "step": step, "epoch": step / 22, "loss": 3 / step, "accuracy": 0.5,
         "learning_rate": 0.1, "seconds": step / 2}
        for step in range(1, steps + 1)
    ]  # fmt: skip
    test = {"kind": "eval", "split": "test", "step": 22, "epoch": 1, "loss": 1, "accuracy": 0.75}
    text = "".join(f"{json.dumps(line)}\n" for line in [*lines, test, *more.get("lines", [])])
    (folder / "metrics.jsonl").write_text(text + '{"kind": "tra')
    return folder


def test_a_run_shows_its_numbers_and_its_curves(tmp_path):
    with watched(a_run(tmp_path / "x <b>")) as address:
        page = get(address).decode()
        assert "<h1>x &lt;b&gt;</h1>" in page and "x <b>" not in page
        for text in (
            "44 of 88",
            "2.00 of 4",
            "test accuracy</dt><dd>75.0 %",
            "0:00:22",
            "not done",
        ):
            assert text in page
        image = Image.open(io.BytesIO(get(f"{address}/curves.png?1")))
        assert image.format == "PNG" and image.convert("L").getextrema()[0] < 100


def test_a_run_without_a_step_is_a_page_and_gets_one(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with watched(tmp_path) as address:
        assert b"No step is logged yet" in get(address)
        assert code(address, "/curves.png") == 404
        a_run(tmp_path)
        assert b"44 of 88" in get(address)


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "study"
    runs = ["log_seed0", "cos_seed0", "../outside"]
    for run in runs[1:]:
        a_run(folder / run)
    (folder / "cos_seed0/summary.json").write_text('{"test_accuracy": 0.5}')
    record = {"title": "A <study>", "runs": [{"folder": run} for run in runs]}
    (folder / "study.json").write_text(json.dumps(record))
    return folder


def test_a_study_shows_its_progress_its_runs_and_their_curves(study):
    with watched(study) as address:
        assert b"A &lt;study&gt;" in get(address)
        page = get(f"{address}/runs").decode()
        assert 'href="/cos_seed0/">cos_seed0</a></td><td>done, test accuracy 75.0 %' in page
        assert "log_seed0</a></td><td>no step is logged yet" in page
        assert "outside" not in page
        assert b"44 of 88" in get(f"{address}/cos_seed0/")
        assert get(f"{address}/cos_seed0/curves.png").startswith(b"\x89PNG")
        (study / "progress.html").write_text("<html><body><h1>1 of 2</h1></body></html>")
        page = get(address)
        assert b"1 of 2" in page and b'href="/report"' in page


def test_the_report_is_made_when_a_run_has_ended_and_again_when_another_has(study, monkeypatch):
    made = []

    def page(folder):
        made.append(folder)
        return f"<main>report {len(made)}".encode()

    monkeypatch.setattr("train.report.page", page)
    monkeypatch.setattr("train.watch.study._LEAST", 0.0)
    (study / "cos_seed0/summary.json").rename(study / "kept")
    with watched(study) as address:
        assert b"No run has ended yet" in get(f"{address}/report") and not made
        (study / "kept").rename(study / "cos_seed0/summary.json")
        for _ in range(3):
            page = get(f"{address}/report")
            assert b"report 1" in page and b"as it stands" in page
        (study / "log_seed0").mkdir()
        (study / "log_seed0/summary.json").write_text("{}")
        assert b"report 2" in get(f"{address}/report")


def test_a_report_that_cannot_be_made_says_why(study):
    with watched(study) as address:
        page = get(f"{address}/report")
        assert b"`folder` must hold the study.json of a study" in page


@pytest.mark.parametrize(
    "path",
    [
        "/../outside/", "/../outside/curves.png", "/%2e%2e/outside/curves.png", "/study.json",
        "/cos_seed0/config.json", "/cos_seed0/../../outside/curves.png", "//etc/passwd",
        "/cos_seed0/%2e%2e/%2e%2e/outside/curves.png", "/cos_seed0/curves.png/", "/nothing",
        "/cos_seed0%00/", "/..%5coutside/",
    ],
)  # fmt: skip
def test_no_path_leaves_the_folder_or_gives_a_file_as_it_is(study, path):
    with watched(study) as address:
        assert code(address, path) == 404


def test_a_run_that_is_a_link_out_of_the_study_is_not_shown(study, tmp_path):
    (study / "log_seed0").symlink_to(a_run(tmp_path / "secret"))
    with watched(study) as address:
        assert code(address, "/log_seed0/") == 404


def test_another_name_for_this_machine_and_other_methods_are_refused(study):
    with watched(study) as address:
        assert code(address, host="evil.example:80") == 403
        assert code(address, host="localhost:1") == 200
        with pytest.raises(urllib.error.HTTPError, match="501"):
            urllib.request.urlopen(urllib.request.Request(address, b"x", method="POST"))


@pytest.mark.parametrize(
    ("folder", "why"), [("nowhere", "which is not there"), (".", "which holds neither")]
)
def test_a_folder_without_a_run_is_one_sentence(tmp_path, folder, why):
    with pytest.raises(UserError, match=f"`folder` must be the folder of a run .*, {why}. Give"):
        serve(tmp_path / folder)


def test_a_port_that_is_taken_or_none_is_named(tmp_path):
    a_run(tmp_path)
    with watched(tmp_path) as address, pytest.raises(UserError, match=r"`--port` must be .*free"):
        serve(tmp_path, int(address.rpartition(":")[2]))
    with pytest.raises(UserError, match="from 0 to 65535"):
        serve(tmp_path, 65536)


def test_what_is_shown_is_made_again_only_if_it_has_changed_and_seldom(monkeypatch):
    clock, version, made = [0.0], [1], []
    monkeypatch.setattr(anew.time, "monotonic", lambda: clock[0])

    def make():
        clock[0] += 2  # so long does it take
        made.append(version[0])
        return b"%d" % version[0]

    kept = Anew(make, lambda: version[0], least=10)
    assert [kept.get(5), kept.get(5)] == [b"1", b"1"] and made == [1]
    version[0] = 2
    clock[0] += 39  # of 40, twenty times what it took
    assert kept.get(5) == b"1"
    clock[0] += 2
    assert kept.get(5) == b"2"
    clock[0] += 100
    assert kept.get(5) == b"2" and made == [1, 2]


def test_ctrl_c_ends_in_one_line(tmp_path):
    process = small.start("watch", str(a_run(tmp_path)))
    line = process.stdout.readline()
    assert line.startswith("http://127.0.0.1:") and f"shows {tmp_path}." in line
    assert b"44 of 88" in get(line.split()[0])
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "\nThe page has ended.\n", "")
