"""The report of a study: one HTML page, a Markdown file with its figures, and the numbers."""

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from train.files import write_atomically
from train.report import answers, canvas, curves, figures, sensitivity, settings, tables
from train.report.answers import Answer
from train.report.comparisons import PRIMARY, estimate_of
from train.report.page import Block, Heading, Paragraph, Picture, to_html, to_markdown
from train.report.records import Study, load


def write(folder: Path) -> None:
    """Writes `report.html`, `report.md`, `figures/*.png` and `report.json` into a study's folder.

    They are functions of the records there: with the same libraries, the same records give the
    same bytes.

    Args:
      folder: holds `study.json` and the runs that it names, as far as they have come.

    Raises:
      UserError: it holds no study, or one whose claims cannot be checked.
    """
    study = load(folder)
    found = answers.answers(study)
    blocks = _blocks(study, found)
    pictures = [block for block in blocks if isinstance(block, Picture)]
    drawn = folder / "figures"
    drawn.mkdir(exist_ok=True)
    for old in drawn.glob("*.png"):
        if old.stem not in {picture.name for picture in pictures}:
            old.unlink(missing_ok=True)
    for picture in pictures:
        write_atomically(drawn / f"{picture.name}.png", picture.png)
    page = to_html(study.record["title"], blocks).encode()
    for name, content in {**_texts(study, found, blocks), "report.html": page}.items():
        write_atomically(folder / name, content)


def texts(folder: Path) -> Mapping[str, bytes]:
    """`report.md` and `report.json` of a study's folder, as `write` writes them; draws nothing.

    Raises:
      UserError: as by `write`.
    """
    study = load(folder)
    found = answers.answers(study)
    return _texts(study, found, _blocks(study, found))


def _texts(study: Study, found: Sequence[Answer], blocks: Sequence[Block]) -> Mapping[str, bytes]:
    numbers = json.dumps(_numbers(study, found), indent=2, allow_nan=False, ensure_ascii=False)
    page = to_markdown(study.record["title"], blocks)
    return {"report.json": f"{numbers}\n".encode(), "report.md": page.encode()}


def _blocks(study: Study, found: Sequence[Answer]) -> Sequence[Block]:
    return [
        *_warnings(study),
        *settings.section(study),
        *answers.section(study, found),
        *_under("Learning rates", [*figures.schedules(study), *_range_tests(study)]),
        Heading("Results"),
        tables.results(study),
        *curves.pictures(study),
        *sensitivity.pictures(study),
        Heading("Differences from the baseline"),
        *tables.differences(study),
        *figures.differences(study),
        Heading("Anytime performance"),
        *tables.anytime(study),
        Heading("Restarts"),
        *tables.at_restarts(study),
        Heading("Cost"),
        tables.cost(study),
        *settings.details(study),
    ]


def _under(heading: str, blocks: Sequence[Block]) -> Sequence[Block]:
    return [Heading(heading), *blocks] if blocks else []


def _warnings(study: Study) -> Sequence[Block]:
    warnings, states = [], [run.state for run in study.runs]
    if study.record["size"] == "smoke":
        warnings.append(
            "Smoke size: so small that it shows that the study runs, and no more. "
            "Nothing here is evidence for or against a schedule."
        )
    if lacking := states.count("unfinished") + states.count("missing"):
        warnings.append(
            f"Not whole: {lacking} of {len(states)} runs have not ended, and are not in the means."
        )
    if halted := states.count("halted"):
        warnings.append(
            f"The guard halted {halted} of {len(states)} runs, which are not in the means."
        )
    return [Paragraph(text, is_warning=True) for text in warnings]


def _range_tests(study: Study) -> Sequence[Picture]:
    found = []
    for place, entry in enumerate(study.record.get("range_test") or [], 1):
        path = study.folder / entry["folder"] / "range_test.png"
        if not path.exists():
            continue
        low, high = entry["bounds"]
        which = (
            "which it suggests"
            if entry["suggested"]
            else "the study's own, as the test showed none"
        )
        caption = (
            f"The range test of {entry['label']} (after Smith 2015's, who takes test accuracy): "
            "loss and accuracy of the training batches as the learning rate rises. The runs used "
            f"the bounds {low:.2g} to {high:.2g}, {which}."
        )
        draw = functools.partial(_reduced, path)
        found.append(Picture(f"range_test_{place}", draw, caption))
    return found


def _reduced(path: Path) -> bytes:
    with Image.open(path) as image:
        return canvas.small(image)


def _numbers(study: Study, found: Sequence[Answer]) -> dict[str, Any]:
    """The results for another program: what the README's table is made of."""
    cells = []
    for cell in study.cells:
        estimates = {name: estimate_of(cell, name) for name in (*PRIMARY, "best_accuracy")}
        measures = {
            name: {"n": each.n, "mean": _rounded(each.mean), "half_interval": _rounded(each.half)}
            for name, each in estimates.items()
        }
        where = {"group": study.group_of(cell.labels), "name": study.name_of(cell.labels)}
        cells.append({"labels": cell.labels, **where, "runs": len(cell.runs), **measures})
    answered = [
        {"id": each.claim["id"], "verdict": each.verdict, "measured": " ".join(each.lines)}
        for each in found
    ]
    names = ("name", "title", "size", "date", "commit", "seeds")
    facts = {name: study.record.get(name) for name in names} | dict(settings.recorded(study))
    return {**facts, "baseline": study.baseline, "cells": cells, "answers": answered}


def _rounded(value: float | None) -> float | None:
    """As far as a sum does not depend on the processor's order of it."""
    return None if value is None else float(f"{value:.9g}")
