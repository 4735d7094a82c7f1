"""The origin of a number: the code's commit, the libraries' versions and the machine."""

import functools
import platform
import subprocess
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
