"""Evidence on this machine: the runs that are missing of every study, until it is stopped.

    python -m tools.evidence
    python -m tools.evidence schedules smith --seconds 3600

Each study is made at laptop size, one after the other, the most informative first, in
`runs/evidence/NAME`, with the lowest priority. What `results/NAME` keeps is taken over. SIGTERM and
Ctrl-C save what is being made; the same command goes on. `python -m tools.results pack
runs/evidence/NAME results/NAME --digits 4` keeps what is finished, of an unfinished study too.
"""

import argparse
import json
import os
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
    "sensitivity",
    "spikes",
    "solvers",
    "experiment2",
)
"""In the order in which they are made: what the papers claim, what a newcomer asks, the rest."""
INTERRUPTED = 75


def main() -> int:
    """Makes the studies; returns the exit code of the one that ended it, or 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="*", help=f"some of {', '.join(STUDIES)}; all if none")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "evidence", help="the folder")
    parser.add_argument("--workers", help="runs side by side; as many as there are cores if none")
    parser.add_argument("--seconds", type=float, help="stop after so many, as SIGTERM does")
    arguments = parser.parse_args()
    if unknown := set(arguments.studies) - set(STUDIES):
        parser.error(f"`studies` must be some of {', '.join(STUDIES)}, got {min(unknown)}")

    if arguments.seconds is not None:
        signal.signal(signal.SIGALRM, _stop)
        signal.setitimer(signal.ITIMER_REAL, arguments.seconds)
    signal.signal(signal.SIGTERM, _stop)
    code = 0
    for name in arguments.studies or STUDIES:
        ended = _run(command(name, arguments.out, arguments.workers))
        if ended == INTERRUPTED:
            return ended
        code = code or ended  # a study that cannot be made does not keep the others from it
    return code


def command(name: str, out: Path, workers: str | None) -> list[str]:
    """Returns the command that makes a study, or goes on with it.

    Args:
      name: of the study.
      out: the folder that has a folder for each study.
      workers: how many runs are made at once; None: as many as there are cores for.
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


def _run(words: list[str]) -> int:
    """Runs a command with the lowest priority; a signal that comes is handed on to it."""
    global _child
    print(" ".join(words[1:]), flush=True)
    _child = subprocess.Popen(words, cwd=ROOT, preexec_fn=lambda: os.nice(19))
    try:
        return _child.wait()
    except KeyboardInterrupt:  # it has the signal too
        return _child.wait() and INTERRUPTED


_child: "subprocess.Popen[bytes] | None" = None


def _stop(*_: int | FrameType | None) -> None:
    if _child is not None and _child.poll() is None:
        _child.terminate()


if __name__ == "__main__":
    sys.exit(main())
