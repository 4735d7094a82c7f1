"""`make evidence`: every study in its order, kept runs taken over, a signal handed on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small import ROOT

from tools import evidence
from train.study.load import load_study


def test_every_study_is_made_and_has_a_laptop_size_with_ten_seeds() -> None:
    files = {path.stem.removeprefix("study_") for path in (ROOT / "configs").glob("study_*.py")}
    assert set(evidence.STUDIES) == files
    for name in evidence.STUDIES:
        study = load_study(ROOT / "configs" / f"study_{name}.py", "laptop")
        assert len(study.seeds) >= 10
        assert study.cores == 1
        assert study.tune is None or study.tune.trials >= 8
        for run in study.runs():
            is_whole = run.config.num_train_images is None
            assert is_whole and run.config.dataset in ("cifar10", "digits")


def test_what_is_kept_at_laptop_size_is_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "ROOT", tmp_path)
    for name, size in (("smith", "laptop"), ("spikes", "smoke")):
        folder = tmp_path / "results" / name
        folder.mkdir(parents=True)
        (folder / "study.json").write_text(json.dumps({"size": size}))
    kept = str(tmp_path / "results" / "smith")
    words = evidence.command("smith", tmp_path / "out", "2")
    assert words[-4:] == ["--from", kept, "--workers", "2"]
    for name in ("spikes", "schedules"):
        assert "--from" not in evidence.command(name, tmp_path / "out", None)


@pytest.mark.parametrize("how", ["signal", "seconds"])
def test_what_is_being_made_gets_the_signal_and_the_next_study_is_not_begun(
    how: str, tmp_path: Path
) -> None:
    """A stand-in for the study writes down that it began, and ends as one that saved its run."""
    study = tmp_path / "study.py"
    study.write_text(
        "import pathlib, signal, sys, time\n"
        "time.sleep(0.5)  # until its session has been told to yield\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))\n"
        "group = pathlib.Path('/proc/self/autogroup')\n"
        "nice = group.read_text().split()[-1] if group.exists() else '19'\n"
        f"pathlib.Path({str(tmp_path)!r}, 'begun').open('a').write(f'once, at {{nice}} ')\n"
        "time.sleep(60)\n"
    )
    harness = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tools import evidence\n"
        f"evidence.command = lambda *_: [sys.executable, {str(study)!r}]\n"
        f"sys.argv = ['evidence'] + {['--seconds', '3'] if how == 'seconds' else []}\n"
        "sys.exit(evidence.main())"
    )
    process = subprocess.Popen([sys.executable, "-c", harness])
    try:
        if how == "signal":
            until = time.monotonic() + 60
            while not (tmp_path / "begun").exists() and time.monotonic() < until:
                time.sleep(0.05)
            os.kill(process.pid, signal.SIGTERM)
        assert process.wait(timeout=100) == evidence.INTERRUPTED
    finally:
        process.kill()
    begun = tmp_path / "begun"
    # On a busy machine the three seconds may end before the stand-in has begun.
    assert (begun.read_text() if begun.exists() or how == "signal" else "once, at 19 ") == (
        "once, at 19 "
    )
