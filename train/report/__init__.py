"""The report of a study: one HTML page, a Markdown file with its figures, and the numbers."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from train.folder.files import write_atomically
from train.report import exported, headline, provenance, settings, tables
from train.report.claims import answers
from train.report.claims.answers import Answer
from train.report.figures import curves, forest, rates, sensitivity
from train.report.numbers.reading import load
from train.report.numbers.records import Study
from train.report.pages.html_page import to_html
from train.report.pages.markdown_page import to_markdown
from train.report.pages.page import Block, Contents, Heading, Paragraph, Picture


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
    pictures = [block for block in blocks if isinstance(block, Picture)]
    record = exported.numbers(study, found, pictures)
    numbers = json.dumps(record, indent=2, allow_nan=False, ensure_ascii=False)
    page = to_markdown(study.record["title"], blocks)
    return {"report.json": f"{numbers}\n".encode(), "report.md": page.encode()}


def _blocks(study: Study, found: Sequence[Answer]) -> Sequence[Block]:
    """The result first, then what it rests on, and last what only a check of it needs."""
    body = [
        *settings.section(study),
        *answers.section(study, found),
        Heading("Results"),
        tables.results(study),
        *curves.pictures(study),
        *sensitivity.pictures(study),
        Heading("Differences from the baseline"),
        *forest.differences(study),
        *tables.differences(study),
        *_under("Learning rates", [*rates.schedules(study), *rates.range_tests(study)]),
        Heading("Anytime performance"),
        *tables.anytime(study),
        Heading("Restarts"),
        *tables.at_restarts(study),
        Heading("Cost"),
        tables.cost(study),
        *settings.runs(study),
        *settings.details(study),
        *provenance.section(study),
    ]
    return [
        *_smoke(study),
        *headline.section(study),
        *_warnings(study),
        *provenance.warnings(study),
        Contents([block for block in body if isinstance(block, Heading)]),
        *body,
    ]


def _under(heading: str, blocks: Sequence[Block]) -> Sequence[Block]:
    return [Heading(heading), *blocks] if blocks else []


def _smoke(study: Study) -> Sequence[Block]:
    if study.record["size"] != "smoke":
        return []
    text = (
        "Smoke size: so small that it shows that the study runs, and no more. Nothing here is "
        "evidence for or against a schedule."
    )
    return [Paragraph(text, "warning")]


def _warnings(study: Study) -> Sequence[Block]:
    warnings, states = [], [run.state for run in study.runs]
    if lacking := states.count("unfinished") + states.count("missing"):
        warnings.append(
            f"Not whole: {lacking} of {len(states)} runs have not ended, and are not in the means."
        )
    if halted := states.count("halted"):
        warnings.append(
            f"The guard halted {halted} of {len(states)} runs, which are not in the means."
        )
    return [Paragraph(text, "warning") for text in warnings]
