"""The report of a study: one HTML page, a Markdown file with its figures, and the numbers."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from train.folder.files import write_atomically
from train.report import endings, exported, headline, provenance, restarts, settings, tables
from train.report.baselines import baselines
from train.report.claims import answers
from train.report.claims.answers import Answer
from train.report.figures import curves, forest, rates, sensitivity
from train.report.numbers.reading import load
from train.report.numbers.records import Results
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
    results = load(folder)
    found = answers.answers(results)
    blocks = _blocks(results, found)
    pictures = [block for block in blocks if isinstance(block, Picture)]
    drawn = folder / "figures"
    drawn.mkdir(exist_ok=True)
    for old in drawn.glob("*.png"):
        if old.stem not in {picture.name for picture in pictures}:
            old.unlink(missing_ok=True)
    for picture in pictures:
        write_atomically(drawn / f"{picture.name}.png", picture.png)
    whole = to_html(results.record["title"], blocks).encode()
    for name, content in {**_texts(results, found, blocks), "report.html": whole}.items():
        write_atomically(folder / name, content)


def page(folder: Path) -> bytes:
    """Returns `report.html` as `write` writes it. It writes nothing.

    Args:
      folder: of the study.

    Raises:
      UserError: as by `write`.
    """
    results = load(folder)
    return to_html(results.record["title"], _blocks(results, answers.answers(results))).encode()


def texts(folder: Path) -> Mapping[str, bytes]:
    """Returns `report.md` and `report.json` as `write` writes them. It draws no figure.

    Args:
      folder: of the study.

    Raises:
      UserError: as by `write`.
    """
    results = load(folder)
    found = answers.answers(results)
    return _texts(results, found, _blocks(results, found))


def _texts(
    results: Results, found: Sequence[Answer], blocks: Sequence[Block]
) -> Mapping[str, bytes]:
    pictures = [block for block in blocks if isinstance(block, Picture)]
    record = exported.numbers(results, found, pictures)
    numbers = json.dumps(record, indent=2, allow_nan=False, ensure_ascii=False)
    page = to_markdown(results.record["title"], blocks)
    return {"report.json": f"{numbers}\n".encode(), "report.md": page.encode()}


def _blocks(results: Results, found: Sequence[Answer]) -> Sequence[Block]:
    """Returns the page: the result, then what it rests on, then what only a check of it needs."""
    body = [
        *settings.section(results),
        *answers.section(results, found),
        Heading("Results"),
        tables.accuracy_and_loss(results),
        *baselines(results),
        *curves.pictures(results),
        *sensitivity.pictures(results),
        Heading("Differences from the baseline"),
        *forest.differences(results),
        *tables.differences(results),
        *_under("Learning rates", [*rates.schedules(results), *rates.range_tests(results)]),
        Heading("Anytime performance"),
        *tables.anytime(results),
        Heading("Restarts"),
        *restarts.at_restarts(results),
        Heading("Cost"),
        tables.cost(results),
        *settings.runs(results),
        *settings.details(results),
        *provenance.section(results),
    ]
    return [
        *_smoke(results),
        *headline.section(results),
        *endings.paragraph(results),
        *_warnings(results),
        *provenance.warnings(results),
        Contents([block for block in body if isinstance(block, Heading)]),
        *body,
    ]


def _under(heading: str, blocks: Sequence[Block]) -> Sequence[Block]:
    return [Heading(heading), *blocks] if blocks else []


def _smoke(results: Results) -> Sequence[Block]:
    if results.record["size"] != "smoke":
        return []
    text = (
        "Smoke size: so small that it shows that the study runs, and no more. Nothing here is "
        "evidence for or against a schedule."
    )
    return [Paragraph(text, "warning")]


def _warnings(results: Results) -> Sequence[Block]:
    warnings, states = [], [run.state for run in results.runs]
    if lacking := states.count("unfinished") + states.count("missing"):
        warnings.append(
            f"Not whole: {lacking} of {len(states)} runs have not ended, and are not in the means."
        )
    if failed := states.count("failed"):
        warnings.append(
            f"Failed: {failed} of {len(states)} runs could not be made, and are tried again by the "
            "same command. “Runs” tells why."
        )
    if halted := states.count("halted"):
        warnings.append(
            f"The guard halted {halted} of {len(states)} runs, which are not in the means."
        )
    if seen := [str(len(each["seeds"])) for each in results.record.get("looks", [])]:
        warnings.append(
            f"Seeds were added when the result over {' and then '.join(seen)} seeds was known. Who "
            "tests again after more seeds finds differences that are not there more often than "
            "the p-values say."
        )
    return [Paragraph(text, "warning") for text in warnings]
