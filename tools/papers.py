"""Writes docs/papers.md: every row of the papers, where it is in this project, and its result."""

import fnmatch
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SIZES = ("full", "laptop", "smoke")
"""The sizes of a study, from the most evidence to the least. smoke is none."""
_HEAD = """\
# The papers, row by row

{papers}

What they say, where it is here, and what the studies in `results/` measured. A verdict is \
computed from the numbers of a report; how, and with which intervals, the report says. “Not yet” \
means that planned runs are still to be made. Smoke sizes stand last: they show that a study runs, \
and are no evidence. This page is written by `python -m tools.results \
readme` from [papers.toml](papers.toml) and `results/`."""


def page(table: Path, reports: Mapping[str, Mapping[str, Any]]) -> str:
    """Returns the page as Markdown.

    Args:
      table: papers.toml.
      reports: `report.json` of each study in `results/`, by its folder.
    """
    record = tomllib.loads(table.read_text())
    papers = "\n".join(f"- {paper}" for paper in record["papers"].values())
    parts = [_HEAD.format(papers=papers)]
    for section in record["section"]:
        lines = ["| Paper | What it says | Where here | Result |", "|---|---|---|---|"]
        for row in section["row"]:
            cells = (row["source"], row["says"], row["here"], result(row, reports))
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        parts += [f"## {section['title']}", "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


def rows(table: Path) -> Sequence[Mapping[str, Any]]:
    """Returns all rows of papers.toml, in order."""
    sections = tomllib.loads(table.read_text())["section"]
    return [row for section in sections for row in section["row"]]


def result(row: Mapping[str, Any], reports: Mapping[str, Mapping[str, Any]]) -> str:
    """Returns the results of the studies in `results/` on a row, the best evidence first."""
    if "without" in row:
        return str(row["without"])
    ordered = sorted(reports, key=lambda folder: (rank(reports[folder]), folder))
    said = [part for folder in ordered if (part := _said(row, folder, reports[folder]))]
    names = [report["name"] for report in reports.values()]
    if left := [study for study in row.get("study", ()) if study not in names] if said else []:
        said.append(f"{', '.join(left)}: not run yet")
    return "<br>".join(said) or "not run yet"


def rank(report: Mapping[str, Any]) -> int:
    """Returns the rank of a report by its size: 0 is the most evidence."""
    return SIZES.index(report["size"])


def _said(row: Mapping[str, Any], folder: str, report: Mapping[str, Any]) -> str:
    done, planned = report.get("runs_done"), report.get("runs_planned")
    so_far = "" if done == planned else f", {done} of {planned} runs so far"
    link = f"[{folder}, {report['size']}{so_far}](../results/{folder}/report.md)"
    if report["name"] in row.get("study", ()):
        return link
    verdicts = [
        f"{answer['id']} {answer['verdict']}"
        for answer in report["answers"]
        if any(fnmatch.fnmatchcase(answer["id"], claim) for claim in row.get("claims", ()))
    ]
    doubt = " (no evidence)" if report["size"] == "smoke" else ""
    return f"{link}{doubt}: {', '.join(verdicts)}" if verdicts else ""
