"""Wrong commands and configurations: each is refused in a line, and none trains."""

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from train.cli import arguments, commands
from train.errors import UserError
from train.study.load import prepare_study

from ._wrong_cases import Case, cases, is_as_near

CLAIM = (
    "Each wrong command or configuration, by file, by a study's label and by words, is refused "
    "with code 2 in one line that names the field, and the nearest right name where one is near; "
    "none trains."
)
COUNT = 1000
_PROCESSES, _PAIRS = 20, 20
_ROOT = Path(__file__).parents[2]
_FOREIGN = ("Traceback", "\n", "│", "Unrecognized", "invalid choice", "Error parsing", "Expected")
"""What a sentence of the project's own does not have, but one of its parser's has."""


def torture(random: np.random.Generator, folder: Path, count: int) -> dict[str, int | float | str]:
    """Gives wrong commands, most of them in this process, and measures what a refusal takes.

    Args:
      random: draws the commands.
      folder: for their files.
      count: how many. The processes and the measurements are their share of the whole number.

    Returns:
      How many were refused by each way; the CPU time of a refusal over that of `import jax`, and
      that of a refusal which needs no JAX, in seconds: medians.

    Raises:
      AssertionError: one was not refused so.
    """
    ways: Counter[str] = Counter()
    num_processes = max(1, _PROCESSES * count // COUNT)
    with contextlib.chdir(_ROOT):
        for number, case in enumerate(cases(random, folder, count)):
            _check(case, _in_process(case) if number >= num_processes else _whole(case, folder))
            ways[case.way] += 1
        figures = _times(folder, max(1, _PAIRS * count // COUNT))
    refused = {f"by_{way}": number for way, number in sorted(ways.items())}
    return {"refused": count, **refused, "as_processes": num_processes, **figures}


def _in_process(case: Case) -> str:
    """Returns the refusal of a command, which goes as far as it can before anything is made."""
    try:
        command = arguments.parse(case.words)
        if isinstance(command, commands.RunStudy) and command.size:
            prepare_study(command.file, command.size, command.data_dir)
    except UserError as error:
        return str(error)
    raise AssertionError(f"it was accepted: {case}")


def _whole(case: Case, folder: Path) -> str:
    """Returns the refusal of a command as a process of its own, which must leave nothing."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        workdir = Path(place) / "run"
        is_of_folder = case.words[0] in ("report", "watch")
        words = case.words if is_of_folder else [*case.words, "--workdir", str(workdir)]
        process = subprocess.run(
            [sys.executable, "-m", "train", *words],
            capture_output=True,
            text=True,
            env=_environment(),
        )
        assert process.returncode == 2, (case, process)
        assert process.stdout == "" and process.stderr.startswith("error: "), (case, process)
        assert process.stderr.endswith("\n") and not workdir.exists(), (case, process)
    return process.stderr.removeprefix("error: ")[:-1]


def _check(case: Case, said: str) -> None:
    """Checks what a refusal says."""
    assert not [each for each in _FOREIGN if each in said], (case, said)
    # A command or a file that is not there is no field, and stands in no quotes.
    is_named = any(f"`{name}`" in said or f"got {name}," in said for name in case.names)
    assert is_named and " must " in said, (case, said)
    if case.wrong and len(case.right) >= 4:
        assert is_as_near(case.wrong, case.right, said), (case, said)


def _times(folder: Path, pairs: int) -> dict[str, float]:
    """Measures refusals as whole processes, each beside an import of JAX."""
    refused = ("-m", "train", str(folder / "good.py"), "--epochs", "0")
    without_jax = ("-m", "train", str(folder / "not_there.py"))
    times = [
        (_cpu_time(*refused), _cpu_time("-c", "import jax"), _cpu_time(*without_jax))
        for _ in range(pairs)
    ]
    return {
        "refusal_over_import_jax": round(statistics.median(a / b for a, b, _ in times), 3),
        "refusal_cpu_seconds": round(statistics.median(a for a, _, _ in times), 3),
        "refusal_without_jax_cpu_seconds": round(statistics.median(c for _, _, c in times), 3),
    }


def _cpu_time(*words: str) -> float:
    """Returns the CPU time of a process of Python, in seconds."""
    nowhere = [(os.POSIX_SPAWN_OPEN, file, os.devnull, os.O_WRONLY, 0) for file in (1, 2)]
    argv = [sys.executable, *words]
    pid = os.posix_spawn(sys.executable, argv, _environment(), file_actions=nowhere)
    _, _, usage = os.wait4(pid, 0)
    return usage.ru_utime + usage.ru_stime


def _environment() -> dict[str, str]:
    return {**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(_ROOT)}
