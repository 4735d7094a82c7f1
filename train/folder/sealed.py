"""Records that carry a version and a digest of their own, so that damage to them is found."""

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from train.config import digest
from train.errors import UserError

VERSION = 1
"""The version of the files that a run and a study write. Those of before have none."""
_VERSION, _SEAL, _CHECK = "version", "sha256", "check"


class Damaged(ValueError):  # noqa: N818, what was found, not what went wrong here
    """A record is not the one that was written."""


def sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a record with its version, and with the digest of all its other fields."""
    whole = {**record, _VERSION: VERSION}
    return {**whole, _SEAL: digest(whole)}


def read(path: Path, *, may_be_old: bool = False, may_be_open: bool = False) -> dict[str, Any]:
    """Reads a record from its file, and returns it without its version and its seal.

    Args:
      path: the file.
      may_be_old: whether a record with neither, as those of before, is taken.
      may_be_open: whether a record without a seal is taken, as of a file that people write, too.

    Raises:
      Damaged: it cannot be read, or is not the one that was sealed.
      UserError: it is of a newer release.
    """
    try:
        record = dict(json.loads(path.read_bytes()))
    except FileNotFoundError as error:
        raise Damaged("it is missing") from error
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise Damaged("it cannot be read as JSON") from error
    seal = record.pop(_SEAL, None)
    is_open = seal is None and (may_be_open or (may_be_old and _VERSION not in record))
    if not is_open and seal != digest(record):
        raise Damaged("it differs from its digest")
    refuse_newer(record.pop(_VERSION, 0), path)
    return record


def refuse_newer(version: Any, path: Path | str) -> None:
    """Refuses a file that a newer release has written.

    Raises:
      UserError: the version is above that of this release.
    """
    if not isinstance(version, int) or version > VERSION:
        raise UserError(
            f"{path} must be of version {VERSION} or of before, got {version}. "
            "Go on with the release that wrote it, or a newer one."
        )


def line(record: Mapping[str, Any]) -> str:
    """Returns the line of a log for a record, with a last field by which damage is found.

    Args:
      record: with at least one field, and no number that is not finite.
    """
    text = json.dumps(record, allow_nan=False)
    return f'{text[:-1]}, "{_CHECK}": "{VERSION}:{_crc(VERSION, text.encode())}"}}\n'


def parsed(line: bytes) -> dict[str, Any] | None:
    """Returns the record in a line of a log, less its check; None if the line was cut short.

    Raises:
      UserError: the line is of a newer release.
    """
    try:
        record = dict(json.loads(line))
    except (ValueError, TypeError):
        return None
    version = str(record.pop(_CHECK, "")).partition(":")[0]
    if version.isdecimal() and int(version) > VERSION and is_sound(line):
        refuse_newer(int(version), "A line of the log")
    return record


def is_sound(line: bytes, *, may_lack: bool = False) -> bool:
    """Tells whether a line is the one that was written.

    Args:
      line: without its line break.
      may_lack: whether a line without a check, as those of before are, counts as sound.
    """
    head, mark, tail = line.rpartition(f', "{_CHECK}": "'.encode())
    if not mark:
        return may_lack
    version, _, crc = tail.removesuffix(b'"}').partition(b":")
    return tail.endswith(b'"}') and crc.decode("ascii", "replace") == _crc(version, head + b"}")


def _crc(version: int | bytes, line: bytes) -> str:
    head = version if isinstance(version, bytes) else str(version).encode()
    return f"{zlib.crc32(head + line):08x}"
