"""A folder of images: in it the folders train and test, and in each of these a folder a class.

The layout is that of `tfds.folder_dataset.ImageFolder`, which needs TensorFlow to list it.
"""

import functools
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from train.data import layout, picture
from train.data.cache import IMAGE_SHAPE, Decoded, Split
from train.data.found import Listing, of_files, of_pictures
from train.data.source import Source, checked, few, fingerprint, sizes_and_times
from train.errors import UserError, did_you_mean

_SPLITS = ("train", "test")


def find(root: Path) -> Source:
    """Returns the images of a folder. No picture is opened yet.

    Args:
      root: the folder.

    Raises:
      UserError: the folder has not that layout, cannot be read, or has a class without a training
        image.
    """
    layout.check(root)
    root = root.resolve()
    try:
        listing = _list(root)
        _check(listing)
        rows = sizes_and_times(
            (_within(root, file), file) for split in _SPLITS for file, _ in listing.files[split]
        )
    except OSError as error:
        raise UserError(
            f"The image folder {root} must be readable as a whole: {error}. Mend its permissions."
        ) from error
    found = of_files(listing)
    state = fingerprint([picture.RULE, *listing.class_names, found], rows)
    files = tuple(_within(root, file) for file, _ in listing.files["train"])
    return Source(str(root), str(root), state, functools.partial(_decode, listing), found, files)


def _list(root: Path) -> Listing:
    folders = {
        split: {path.name: path for path in _visible(root / split) if path.is_dir()}
        for split in _SPLITS
    }
    names = sorted(folders["train"])
    if strangers := sorted(folders["test"].keys() - folders["train"].keys()):
        hint = did_you_mean(strangers[0], names) or f"Those of train are {few(names) or 'none'}."
        raise UserError(
            f"Each class in {root / 'test'} must be in train too, and {few(strangers)} is not. "
            f"{hint}"
        )
    listing = Listing(root, tuple(names), beside=layout.beside(root))
    dangling = []
    endings = picture.endings()
    for split in _SPLITS:
        listing.files[split] = []
        dangling += [path for path in _visible(root / split) if not path.exists()]
        listing.num_outside += sum(path.is_file() for path in _visible(root / split))
        for label, name in enumerate(names):
            folder = folders[split].get(name)
            for file in _walk(folder, frozenset()) if folder else ():
                if not file.exists():
                    dangling.append(file)
                elif reason := _why_skipped(file, endings):
                    listing.skipped[split, name, reason] += 1
                else:
                    listing.files[split].append((file, label))
                    listing.num_nested += file.parent != folder
    if dangling:
        names = sorted(_within(root, path) for path in dangling)
        raise UserError(
            f"Each link in an image folder must lead to a file, and {len(names)} in {root} lead "
            f"nowhere: {few(names)}. Mend or remove them."
        )
    return listing


def _visible(folder: Path) -> list[Path]:
    """Returns what lies in a folder by name, without what is hidden or the system's."""
    return sorted(path for path in folder.iterdir() if not layout.is_hidden(path.name))


def _walk(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    """Yields what lies in a folder and in the folders inside it, and is no folder.

    A link to a folder is followed. One that leads back to a folder above it is yielded.
    """
    above |= {folder.resolve()}
    for path in _visible(folder):
        if path.is_dir() and path.resolve() not in above:
            yield from _walk(path, above)
        else:
            yield path


def _why_skipped(file: Path, endings: frozenset[str]) -> str:
    """Returns why a file is not taken for a picture; empty if it is."""
    if file.is_dir():
        return "a link to a folder above it"
    if not file.is_file():  # to open a pipe would wait for its writer
        return "a pipe or device"
    return "" if file.suffix.lower() in endings else file.suffix.lower() or "no ending"


def _check(listing: Listing) -> None:
    """Refuses a split without images and a class without training images."""
    root, names = listing.root, listing.class_names
    for split in _SPLITS:
        if not listing.files[split]:
            raise UserError(
                f"The {split} split of {root} must hold images, it holds none. Put them into "
                f"{root / split}/<class>.{_skipped_hint(listing, split, '')}"
            )
    counts = Counter(label for _, label in listing.files["train"])
    if empty := [name for label, name in enumerate(names) if not counts[label]]:
        raise UserError(
            f"Each class must have training images, {few(empty)} in {root / 'train'} has none. "
            f"Add some, or remove the class.{_skipped_hint(listing, 'train', empty[0])}"
        )


def _skipped_hint(listing: Listing, split: str, class_name: str) -> str:
    reasons: Counter[str] = Counter()
    for (place, name, reason), count in listing.skipped.items():
        if place == split and class_name in ("", name):
            reasons[reason] += count
    if not reasons:
        return ""
    counts = few(f"{reason} ({count})" for reason, count in reasons.most_common())
    return f" Skipped there, because Pillow reads no such file: {counts}."


def _decode(listing: Listing) -> Decoded:
    """Reads all pictures, and names all at once that cannot be read."""
    splits, facts, broken = [], [], []
    for split in _SPLITS:
        files = listing.files[split]
        images = np.empty((len(files), *IMAGE_SHAPE), np.uint8)
        for i, (file, _) in enumerate(files):
            try:
                images[i], fact = picture.read(file)
                facts.append(fact)
            except Exception as error:  # a damaged file makes Pillow raise anything
                broken.append(f"{_within(listing.root, file)} ({picture.why_not(error)})")
        splits.append(Split(images, np.array([label for _, label in files], np.int32)))
    if broken:
        raise UserError(
            f"Each picture must be whole, with 8 bits a channel; {len(broken)} of "
            f"{len(broken) + len(facts)} in {listing.root} cannot be read: {few(broken, 5)}. "
            "Replace or remove them."
        )
    decoded = checked(str(listing.root), listing.class_names, *splits)
    return Decoded(decoded.class_names, decoded.train, decoded.test, of_pictures(facts))


def _within(root: Path, path: Path) -> str:
    return os.path.relpath(path, root)
