"""Writes what README.md says of the kept studies, from their `report.json`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tools import papers
from train.metric import Metric
from train.report.claims.findings import VERDICTS
from train.report.numbers import words
from train.report.numbers.statistics import Estimate
from train.report.numbers.task_record import task_record

FIRST = ("schedules", "experiment1")
"""The studies that README.md may show in full. The first of them that is kept is shown."""


def block(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Returns the text of README.md on the studies, from the best evidence to smoke sizes."""
    if not found:
        return "No study is kept yet."
    ordered = sorted(found, key=lambda folder: (papers.rank(found[folder]), folder))
    smoke = [folder for folder in found if found[folder]["size"] == "smoke"]
    evidence = [each for each in ordered if each not in smoke and found[each]["runs_done"]]
    parts = []
    if evidence:
        first = min(evidence, key=lambda folder: _preference(found[folder]))
        parts += _in_full(first, found[first])
        if others := [_sentence(folder, found[folder]) for folder in evidence if folder != first]:
            parts += ["The other studies:", "\n".join(f"- {other}" for other in others)]
    else:
        parts.append(
            "Which schedule is better cannot be said yet: no study has a finished run at a size "
            "that is evidence."
        )

    headers = ["study", "size", "data", "device", "date", "runs", "seeds", "claims of the papers"]
    if begun := [folder for folder in ordered if found[folder]["runs_done"]]:
        parts.append(table(headers, [_row(folder, found[folder]) for folder in begun]))
    if smoke:
        parts.append(
            "Smoke size shows that a study runs from its command to its report, and is no evidence "
            "for or against a schedule: with two seeds the intervals are very wide."
        )
    parts.append("Every row of the papers with its result: [docs/papers.md](docs/papers.md).")
    return "\n\n".join(parts)


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a table as Markdown."""
    every = [headers, ["---"] * len(headers), *rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in every)


def _preference(report: Mapping[str, Any]) -> tuple[int, int]:
    """Returns a number by which studies are ordered: the one with the lowest is shown in full."""
    name = report["name"]
    return (FIRST.index(name) if name in FIRST else len(FIRST), papers.rank(report))


def _in_full(folder: str, report: Mapping[str, Any]) -> Sequence[str]:
    """Returns the verdict, a row for each schedule of the main group, and the figure."""
    is_whole = report["runs_done"] == report["runs_planned"]
    cells = [cell for cell in report["cells"] if cell["group"] == report["main_group"]]
    first = task_record(report).first
    if is_whole:
        cells = sorted(cells, key=lambda cell: _place(cell, first))

    best = cells[0] if is_whole and _place(cells[0], first)[0] == 0 else None
    headers = ["schedule", first.header, "seeds"]
    unit = f", {words.unit(first.unit)}" if first.unit else ""
    headers += [f"less the best{unit}", "p, Holm"] if is_whole else []
    rows = []
    for cell in cells:
        found = cell[first.final]
        estimate = Estimate(found["n"], found["mean"], found["half_interval"])
        row = [cell["name"], words.mean(estimate, first.digits), f"{found['n']} of {cell['runs']}"]
        rows.append([*row, *_behind(cell, best, first.digits)] if is_whole else row)

    of = f", {report['main_group']}" if len({c["group"] for c in report["cells"]}) > 1 else ""
    said = report["headline"] if is_whole else f"{_so_far(report)}. There is no verdict yet."
    told = (
        f"[{folder}](results/{folder}/report.md), {report['size']} size{of}. Mean ± half of the "
        "95 % interval over the seeds"
    )
    told += "; the best first; in brackets the 95 % interval." if is_whole else "."
    parts = [f"**{said}**", *_reservations(report), told, table(headers, rows)]
    if "differences" in report["figures"]:
        alt = report["figures"]["differences"].replace("[", "(").replace("]", ")")
        parts.append(f"![{alt}](results/{folder}/figures/differences.png)")
    return parts


def _reservations(report: Mapping[str, Any]) -> Sequence[str]:
    """Returns how small a difference was to be seen, and which choices lie at an edge."""
    return [text for text in (report.get("power"), *report.get("edges", ())) if text]


def _place(cell: Mapping[str, Any], first: Metric) -> tuple[int, float]:
    """Returns a number by which cells are ordered: the whole ones first, the best of them first."""
    found = cell[first.final]
    return int(found["n"] < cell["runs"]), -first.better * (found["mean"] or 0.0)


def _behind(cell: Mapping[str, Any], best: Mapping[str, Any] | None, digits: int) -> Sequence[str]:
    """Returns how far a setting is behind the best, and the p-value of the difference."""
    less = cell["less_best"]
    if cell is best or less is None:
        return ["the best" if cell is best else words.NONE, ""]
    low, high = (words.number(less[end], digits, signed=True) for end in ("low", "high"))
    scatter = "" if less["low"] is None else f" ({low} to {high})"
    return [
        f"{words.number(less['mean'], digits, signed=True)}{scatter}",
        words.probability(less["p"]),
    ]


def _sentence(folder: str, report: Mapping[str, Any]) -> str:
    is_whole = report["runs_done"] == report["runs_planned"]
    said = f"{_so_far(report)}. There is no verdict yet."
    if is_whole:
        said = " ".join(
            filter(None, [report["headline"], report.get("power"), *report.get("caveats", ())])
        )
    return f"[{folder}](results/{folder}/report.md), {report['size']} size: {said}"


def _so_far(report: Mapping[str, Any]) -> str:
    return f"{report['runs_done']} of {report['runs_planned']} runs so far"


def _row(folder: str, report: Mapping[str, Any]) -> Sequence[str]:
    is_whole = report["runs_done"] == report["runs_planned"]
    return [
        f"[{folder}](results/{folder}/report.md)",
        report["size"],
        report["data"],
        report["device"],
        report["date"],
        str(report["runs_planned"]) if is_whole else _so_far(report),
        str(len(report["seeds"])),
        _verdicts(report),
    ]


def _verdicts(report: Mapping[str, Any]) -> str:
    if report["size"] == "smoke":
        return f"{len(report['answers'])} (smoke: no evidence)"
    counts = Counter(answer["verdict"] for answer in report["answers"])
    return ", ".join(f"{counts[each]} {each}" for each in VERDICTS if each in counts)
