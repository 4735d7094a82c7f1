"""Says in sentences what was found in an image folder."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from train.data.layout import VALIDATION
from train.data.picture import SIDE, Facts
from train.data.source import few

_MOST_CLASSES = 10  # of more, the line tells the fewest and the most images


@dataclass
class Listing:
    """What lies in an image folder, before a picture is opened.

    Attributes:
      root: the folder.
      class_names: the classes, in the order of their labels.
      beside: the names of what lies beside the folders train and test.
      files: of each split, the pictures and the labels of their classes.
      skipped: how many files were skipped, for each split, class and reason.
      num_nested: how many pictures lie in folders inside the folders of the classes.
      num_outside: how many files lie in train and test, but in no folder of a class.
    """

    root: Path
    class_names: tuple[str, ...]
    beside: list[str]
    files: dict[str, list[tuple[Path, int]]] = field(default_factory=dict)
    skipped: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    num_nested: int = 0
    num_outside: int = 0


def of_files(listing: Listing) -> str:
    """Returns what was found before a picture is opened: the images a class, and what is skipped.

    Args:
      listing: of the folder.
    """
    num_classes = len(listing.class_names)
    train, test = (
        np.bincount([label for _, label in listing.files[split]], minlength=num_classes).tolist()
        for split in ("train", "test")
    )
    says = [
        f"{listing.root} holds {sum(train)} training and {sum(test)} test "
        f"{_plural('image', sum(test))} of {_classes(listing.class_names, train, test)}."
    ]
    if num_classes == 1:
        says.append("With one class only there is nothing to learn: each answer is right.")
    if untested := [n for n, count in zip(listing.class_names, test, strict=True) if not count]:
        says.append(f"{few(untested)} {_has(len(untested))} no test image.")
    if listing.num_nested:
        lie = "lies" if listing.num_nested == 1 else "lie"
        says.append(f"{listing.num_nested} {lie} in folders inside those of the classes.")
    if listing.skipped:
        reasons: Counter[str] = Counter()
        for (_, _, reason), count in listing.skipped.items():
            reasons[reason] += count
        them = "it" if reasons.total() == 1 else "them"
        says.append(
            f"{_files_are(reasons.total())} skipped, because Pillow does not read {them}: "
            f"{_each(reasons, 5)}."
        )
    if count := listing.num_outside:
        says.append(
            f"{_files_are(count)} skipped, because {'it lies' if count == 1 else 'they lie'} in no "
            "folder of a class."
        )
    if listing.beside:
        says.append(f"What lies beside train and test is not read: {few(listing.beside)}.")
    if any(name.lower() in VALIDATION for name in listing.beside):
        says.append("Instead, `validation_fraction` holds images out of train.")
    # A name may hold bytes that are no text; printed, they would be an error.
    return " ".join(says).encode("utf-8", "replace").decode()


def of_pictures(facts: Sequence[Facts]) -> str:
    """Returns what the pictures were before they became 32x32 pixels.

    Args:
      facts: of all pictures.
    """
    says = [f"The formats are {_each(Counter(fact.form for fact in facts), 8)}."]
    sizes = Counter("x".join(map(str, fact.size)) for fact in facts)
    as_they_are = sizes.pop(f"{SIDE}x{SIDE}", 0)
    if as_they_are:
        says.append(f"{as_they_are} {_are(as_they_are)} {SIDE}x{SIDE} pixels.")
    if others := sizes.total():
        says.append(
            f"{others} of other sizes {_are(others)} scaled, the middle square to {SIDE}x{SIDE}: "
            f"{_each(sizes, 3)}."
        )
    if count := sum(fact.is_transparent for fact in facts):
        says.append(f"{count} with transparent pixels {_are(count)} laid on white.")
    if count := sum(fact.is_turned for fact in facts):
        says.append(f"{count} {_are(count)} turned upright, as EXIF says.")
    if count := sum(fact.has_frames for fact in facts):
        says.append(f"Of {count} with several frames the first is taken.")
    if modes := Counter(fact.mode for fact in facts if fact.mode):
        says.append(f"{modes.total()} {_are(modes.total())} converted to RGB: {_each(modes, 5)}.")
    return " ".join(says)


def _classes(names: Sequence[str], train: Sequence[int], test: Sequence[int]) -> str:
    head = f"{len(names)} {_plural('class', len(names))}"
    if len(names) <= _MOST_CLASSES:
        each = [f"{n} {a} and {b}" for n, a, b in zip(names, train, test, strict=True)]
        return f"{head}: {', '.join(each)}"
    return f"{head}: each has {_range(train)} training and {_range(test)} test images"


def _range(counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low} to {high}"


def _each(counts: Counter[str], most: int) -> str:
    """Returns names with their counts, the most frequent first."""
    ordered: Iterable[tuple[str, int]] = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return few((f"{name} ({count})" for name, count in ordered), most)


def _files_are(count: int) -> str:
    return f"{count} {_plural('file', count)} {_are(count)}"


def _has(count: int) -> str:
    return "has" if count == 1 else "have"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _plural(word: str, count: int) -> str:
    return word if count == 1 else word + ("es" if word.endswith("s") else "s")
