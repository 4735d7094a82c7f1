"""Makes evidence on this machine: the missing runs of every study, until it is stopped.

    python -m tools.evidence
    python -m tools.evidence schedules smith --seconds 3600

The studies are made at laptop size in `runs/evidence/NAME`, one after the other, the most
informative first. They have the lowest priority. Runs that `results/NAME` keeps are copied from
there. SIGTERM and Ctrl-C save the runs that are being made, and the same command goes on.

`python -m tools.results pack runs/evidence/NAME results/NAME --digits 4` keeps the finished runs,
also those of an unfinished study.
"""

import argparse
import contextlib
import json
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).parent.parent
STUDIES = (
    "experiment1",
    "schedules",
    "smith",
    "smith_again",
    "sensitivity",
    "spikes",
    "solvers",
    "experiment2",
)
"""The studies in the order in which they are made: first what the papers claim, then what a
newcomer asks, then the rest."""
INTERRUPTED = 75


def main() -> int:
    """Makes the studies. It returns the exit code of the first one that failed, or 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="*", help=f"some of {', '.join(STUDIES)}; default: all")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "runs" / "evidence", help="the folder of the studies"
    )
    parser.add_argument(
        "--workers", help="the number of runs made side by side; default: as the cores allow"
    )
    parser.add_argument(
        "--seconds", type=float, help="stop after this time, as by SIGTERM; default: never"
    )
    arguments = parser.parse_args()
    if unknown := set(arguments.studies) - set(STUDIES):
        parser.error(f"`studies` must be some of {', '.join(STUDIES)}, got {min(unknown)}")

    study = _Child()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, study.stop)
    signal.setitimer(signal.ITIMER_REAL, arguments.seconds or 0)  # 0: never
    code = 0
    for name in arguments.studies or STUDIES:
        ended = study.run(command(name, arguments.out, arguments.workers))
        if study.is_stopped:
            return INTERRUPTED
        code = code or ended  # if a study cannot be made, the others still are
    return code


def command(name: str, out: Path, workers: str | None) -> list[str]:
    """Returns the command that makes a study, or goes on with it.

    Args:
      name: of the study.
      out: the folder that has a folder for each study.
      workers: the number of runs that are made at once; None: as many as the cores allow.
    """
    words = [sys.executable, "-m", "train", "study", f"configs/study_{name}.py"]
    words += ["--size", "laptop", "--workdir", str(out.absolute() / name)]
    kept = ROOT / "results" / name
    if _size(kept) == "laptop":
        words += ["--from", str(kept)]
    return [*words, "--workers", workers] if workers else words


def _size(kept: Path) -> str | None:
    path = kept / "study.json"
    return str(json.loads(path.read_bytes())["size"]) if path.exists() else None


class _Child:
    """The study that is being made. A signal to this process is handed on to it."""

    def __init__(self) -> None:
        self.is_stopped = False
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, words: list[str]) -> int:
        """Runs a command with the lowest priority, and returns its exit code."""
        print(" ".join(["python", *words[1:]]), flush=True)
        self._process = subprocess.Popen(
            ["nice", "-n", "19", *words], cwd=ROOT, start_new_session=True
        )
        _yield_to_other_sessions(self._process.pid)
        if self.is_stopped:  # a signal came while it started
            self._process.terminate()
        while True:
            try:
                return self._process.wait()
            except KeyboardInterrupt:
                self.stop()

    def stop(self, *_: int | FrameType | None) -> None:
        """Ends the study, which first saves the runs that are being made."""
        self.is_stopped = True
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()


def _yield_to_other_sessions(pid: int) -> None:
    """Lowers the priority of a process's session, where Linux shares the cores between sessions.

    There `nice` counts within a session alone (sched(7), "The autogroup feature"): without this,
    runs in the background would get as much of the cores as the terminal beside them.
    """
    with contextlib.suppress(OSError):  # another system, or the feature is off
        Path(f"/proc/{pid}/autogroup").write_text("19")


if __name__ == "__main__":
    sys.exit(main())
