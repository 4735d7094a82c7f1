"""The libraries' own tests, with our schedules in the place of theirs.

    python benchmarks/peer_suites.py
    python benchmarks/peer_suites.py --torch FOLDER/test/optim/test_lrscheduler.py

Optax and Keras bring their tests with them. Each file is run twice in a process of its own: as it
is, and with every constructor that `compat` has replaced by ours. It prints what passed, and what
fails with ours alone. docs/conformance.md says of each failure who is right. PyTorch's tests are in
its repository alone: give the path of the file.
"""

import argparse
import functools
import importlib
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import peers

from log_anneal import compat
from log_anneal.compat.library import LIBRARIES
from log_anneal.compat.torch import TORCH_MOMENTUM
from log_anneal.compat.torch_parts import CHAINABLE

FILES = {
    "optax": (
        "optax/schedules/_schedule_test.py",
        "optax/schedules/_join_test.py",
        "optax/schedules/_inject_test.py",
    ),
    "keras": ("keras/src/optimizers/schedules/learning_rate_schedule_test.py",),
}


def replace_optax() -> None:
    """Puts ours in the place of the functions of Optax, wherever its modules name them."""
    modules = [
        importlib.import_module(name)
        for name in (
            "optax",
            "optax.schedules",
            "optax.schedules._schedule",
            "optax.schedules._join",
        )
    ]
    for name in LIBRARIES["optax"].peers:
        theirs = getattr(modules[1], name)
        for module in modules:
            if hasattr(module, name):
                setattr(module, name, _from_theirs(name, theirs))


def _from_theirs(name: str, theirs: Callable[..., Any]) -> Callable[..., Any]:
    """A function with their signature that makes ours."""
    signature = inspect.signature(theirs)

    @functools.wraps(theirs)
    def made(*args: Any, **kwargs: Any) -> Any:
        return compat.optax_schedule(name, **signature.bind(*args, **kwargs).arguments)

    return made


def replace_keras() -> None:
    """Lets the classes of Keras compute by ours, made of their own configuration."""
    import keras

    def call(self: Any, step: Any) -> Any:
        schedule = compat.keras_schedule(type(self).__name__, **self.get_config())
        value = schedule.at(int(keras.ops.convert_to_numpy(step)))
        return keras.ops.convert_to_tensor(value, keras.config.floatx())

    for name in LIBRARIES["keras"].peers:
        getattr(keras.optimizers.schedules, name).__call__ = call


def replace_torch() -> None:
    """Lets the classes of PyTorch compute by ours, made of the arguments that they were given."""
    import torch

    for name in (
        "StepLR",
        "MultiStepLR",
        "ConstantLR",
        "LinearLR",
        "ExponentialLR",
        "PolynomialLR",
        "CosineAnnealingLR",
        "CyclicLR",
        "OneCycleLR",
    ):
        _compute_by_ours(getattr(torch.optim.lr_scheduler, name))


def _compute_by_ours(theirs: Any) -> None:
    init, signature = theirs.__init__, inspect.signature(theirs)

    def remember(self: Any, *args: Any, **kwargs: Any) -> None:
        given = dict(signature.bind(*args, **kwargs).arguments)
        given.pop("optimizer")
        given.pop("last_epoch", None)
        self._of_ours = given
        init(self, *args, **kwargs)

    def get_lr(self: Any) -> list[float]:
        groups = self.optimizer.param_groups
        return [
            _rate(self, theirs.__name__, _of_group(self._of_ours, i), group, float(base_lr))
            for i, (group, base_lr) in enumerate(zip(groups, self.base_lrs, strict=True))
        ]

    theirs.__init__, theirs.get_lr = remember, get_lr


def _of_group(given: dict[str, Any], group: int) -> dict[str, Any]:
    """The arguments of one group: its own of a list of rates."""
    return {
        key: value[group] if isinstance(value, list) and key != "milestones" else value
        for key, value in given.items()
    }


def _rate(
    scheduler: Any, name: str, given: dict[str, Any], group: dict[str, Any], base_lr: float
) -> float:
    """Our rate; where others may have changed it too, theirs times the ratio of two of ours."""
    if "base_lr" in inspect.signature(_builder(name)).parameters:
        given.setdefault("base_lr", base_lr)
    step = scheduler.last_epoch
    if name in TORCH_MOMENTUM and getattr(scheduler, "cycle_momentum", False):
        momentum = compat.torch_momentum(name, **given).at(step)
        if "betas" in group:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum
    rates = compat.torch_schedule(name, **given)
    is_resumed = bool(step and getattr(scheduler, "_is_initial", False))
    if name not in CHAINABLE or is_resumed:
        return rates.at(step)
    before = rates.at(step - 1) if step else base_lr
    return float(group["lr"]) * rates.at(step) / before if before else rates.at(step)


def _builder(name: str) -> Callable[..., Any]:
    return LIBRARIES["torch"].peers[name].build


class Outcomes:
    """A plugin of pytest that keeps what came out of each test."""

    def __init__(self) -> None:
        self.outcomes: dict[str, str] = {}
        self.reasons: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Keeps the outcome of a test; what fails in its preparation fails."""
        name = report.nodeid.split("::", 1)[1]
        if report.when == "call" or report.outcome != "passed":
            self.outcomes[name] = report.outcome
            if report.failed:
                crash = getattr(report.longrepr, "reprcrash", None)
                self.reasons[name] = (crash.message if crash else str(report.longrepr))[:300]


def run(library: str, file: str, is_ours: bool) -> None:
    """Runs a file in this process, and prints the outcomes as JSON."""
    import pytest

    if is_ours:
        globals()[f"replace_{library}"]()
    kept = Outcomes()
    only = ["-k", "LRScheduler"] if library == "torch" else []
    arguments = [
        *only,
        "-q",
        "-p",
        "no:cacheprovider",
        "-W",
        "ignore",
        "--rootdir",
        "/",
        "-c",
        os.devnull,
    ]
    pytest.main([*arguments, file], plugins=[kept])
    print("\n" + json.dumps([kept.outcomes, kept.reasons]))


def outcomes(library: str, file: str, is_ours: bool) -> tuple[dict[str, str], dict[str, str]]:
    """The outcomes of a process of its own."""
    command = [sys.executable, __file__, "--run", library, file, "ours" if is_ours else "theirs"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        found, reasons = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        raise SystemExit(
            f"{file} did not run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        ) from None
    return found, reasons


def main() -> None:
    """Prints a row for each file, and what fails with ours alone."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--torch", help="the path of PyTorch's test_lrscheduler.py")
    parser.add_argument("--run", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.run:
        library, file, which = chosen.run
        run(library, file, which == "ours")
        return
    files = [(library, file) for library, each in FILES.items() for file in each]
    if chosen.torch:
        files.append(("torch", chosen.torch))
    else:
        print("skipped: PyTorch's tests are in its repository alone. Give `--torch PATH`.")
    print("\n| tests | theirs pass | ours pass | with ours alone fail |\n|---|---|---|---|")
    lines = []
    for library, file in files:
        if not peers.release(library):
            print(f"skipped: {library} is not installed.")
            continue
        package = importlib.import_module(library)
        path = file if library == "torch" else str(Path(package.__file__ or "").parents[1] / file)
        theirs, _ = outcomes(library, path, is_ours=False)
        ours, reasons = outcomes(library, path, is_ours=True)
        passed = [name for name, outcome in theirs.items() if outcome == "passed"]
        fails = [name for name in passed if ours.get(name) != "passed"]
        good = sum(outcome == "passed" for outcome in ours.values())
        print(
            f"| {library} {peers.release(library)} `{Path(file).name}` | {len(passed)} | {good} "
            f"| {len(fails)} |",
            flush=True,
        )
        lines += [
            f"{Path(file).name} {name}: {reasons.get(name, ours.get(name))}" for name in fails
        ]
    print("", *lines, sep="\n")


if __name__ == "__main__":
    main()
