"""What an image folder must hold, and which way out there is for one that holds other things."""

from pathlib import Path

from train.data.source import few
from train.errors import UserError

VALIDATION = {"dev", "val", "valid", "validation"}
"""The names, in small letters, that others give to a folder of held-out images."""

_SYSTEM = {
    "$recycle.bin",
    "@eadir",
    "__macosx",
    "desktop.ini",
    "ehthumbs.db",
    "icon\r",
    "lost+found",
    "system volume information",
    "thumbs.db",
}
"""Files and folders that operating systems and file servers leave, in small letters."""


def is_hidden(name: str) -> bool:
    """Tells whether a file or folder is hidden, or one that a system has left there."""
    return name.startswith(".") or name.lower() in _SYSTEM


def beside(root: Path) -> list[str]:
    """Returns the names of what lies beside the folders train and test."""
    names = sorted(path.name for path in root.iterdir() if not is_hidden(path.name))
    return [name for name in names if name not in ("train", "test")]


def check(root: Path) -> None:
    """Refuses a folder that does not hold the folders train and test.

    Raises:
      UserError: it does not, or is not there. The message has the way out.
    """
    if not root.is_dir():
        raise UserError(
            f"`dataset` must be the path of an image folder, and {root.absolute()} is "
            f"{'a file' if root.exists() else 'not there'}. Give the folder that holds train and "
            "test."
        )
    missing = [split for split in ("train", "test") if not (root / split).is_dir()]
    if missing:
        raise UserError(
            f"The image folder {root} must hold the folders train and test, each with one folder a "
            f"class; {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing. "
            f"{_way_out(root, missing)}"
        )


def _way_out(root: Path, missing: list[str]) -> str:
    try:
        folders = [name for name in beside(root) if (root / name).is_dir()]
    except OSError as error:
        return f"It cannot be read: {error}."
    for name in folders:
        if all((root / name / split).is_dir() for split in ("train", "test")):
            return f"Give the path of {root / name}, which holds them."
    near = [name for name in folders if name.lower()[:4] in [split[:4] for split in missing]]
    if near:
        return f"Rename {few(near)}: the names must be train and test, in small letters."
    if missing == ["test"]:
        held_out = [name for name in folders if name.lower() in VALIDATION]
        return (
            f"Rename {held_out[0]} to test if its images are to test with."
            if held_out
            else f"Move some images of each class to {root / 'test'}/<class>."
        )
    if folders:
        return (
            f"It holds {few(folders)}. If these are the classes, move them to {root / 'train'}, "
            f"and some images of each to {root / 'test'}/<class>."
        )
    return f"Put images into {root / 'train'}/<class> and {root / 'test'}/<class>."
