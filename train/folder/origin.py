"""The origin of a number: the code's commit, the libraries' versions and the machine."""

import functools
import platform
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import jax

from train.folder.manifest import versions


@functools.cache
def commit() -> str:
    """Returns the commit of the code, with a + if files differ from it.

    It is read once in a process: the code that runs is the code that was imported, even if the
    files change later. Outside of git it is "unknown".
    """
    how: dict[str, Any] = {"cwd": Path(__file__).parent, "text": True, "stderr": subprocess.DEVNULL}
    try:
        name = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], **how)
        changes = subprocess.check_output(["git", "status", "--short", "-uno"], **how)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return name.strip() + ("+" if changes.strip() else "")


def device() -> str:
    """Returns the number and kind of the devices, and the processor: `1 x cpu, x86_64`."""
    return f"{jax.device_count()} x {jax.devices()[0].device_kind}, {platform.machine()}"


def today() -> date:
    """Returns the date in UTC."""
    return datetime.now(UTC).date()


def origin() -> dict[str, Any]:
    """Returns what can differ between two runs of one configuration, as values for JSON."""
    return {"commit": commit(), "device": device(), "versions": versions()}


def made_by(manifest: Mapping[str, Any], step: int) -> list[dict[str, Any]]:
    """Returns who makes which steps of a run: from each step on, the origin, and the processes.

    If other versions or devices go on than made the steps before, a line on stderr says so.

    Args:
      manifest: of the checkpoint that the run goes on from; empty if there is none.
      step: the number of updates made before.
    """
    of_before = {"from_step": 0, "versions": manifest.get("versions", {})}
    made = manifest.get("made_by", [of_before]) if manifest else []
    own = {"from_step": step, **origin(), "processes": jax.process_count()}
    if not made:
        return [own]
    last = made[-1]
    differences = [
        f"{name} was {was} and is {now}"
        for name, was, now in [
            ("device", last.get("device", own["device"]), own["device"]),
            *((name, was, own["versions"].get(name)) for name, was in last["versions"].items()),
        ]
        if was != now
    ]
    if differences:
        print(
            f"warning: from step {step} on, {'; '.join(differences)}: the last digits may differ",
            file=sys.stderr,
        )
    is_same = {**last, "from_step": step} == own
    return [*made] if is_same else [*(each for each in made if each["from_step"] < step), own]
