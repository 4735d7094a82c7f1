"""The section on where the numbers come from: commits, versions and devices, and if they agree."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from train.errors import UserError
from train.report import settings
from train.report.numbers import words
from train.report.numbers.records import Outcome, Results
from train.report.pages.page import Block, Heading, Paragraph, Table

Origin: TypeAlias = tuple[str, str]
"""A commit, and the versions as JSON: what numbers depend on, besides the settings."""
NOT_RECORDED = "not recorded"


def warnings(results: Results) -> Sequence[Block]:
    """Warns where runs of several origins are mixed, unless repeated runs show that they agree."""
    origins = {_origin(run.summary) for run in results.runs if run.summary}
    differing = [text for entry, text in _repeats(results) if not entry.get("equal")]
    if not differing and (len(origins) < 2 or _are_joined(origins, results)):
        return []
    commits = words.count(len({commit for commit, _ in origins}), "commit")
    versions = words.count(len({each for _, each in origins}), "set")
    said = (
        " ".join(differing) or "No run was made by each of them, so nothing shows that they agree."
    )
    text = (
        f"Mixed: the runs are of {commits} and of {versions} of versions. {said} See “Where the "
        "numbers come from”."
    )
    return [Paragraph(text, "warning")]


def section(results: Results) -> Sequence[Block]:
    """Returns a row for each commit, version of JAX and device; then all versions, and the data."""
    groups: dict[tuple[str, str, str], list[Outcome]] = defaultdict(list)
    for run in results.runs:
        if run.summary:
            jax = str(run.summary.get("versions", {}).get("jax", words.NONE))
            device = str(run.summary.get("device", words.NONE))
            groups[_commit(run.summary), jax, device].append(run)
    rows = [[*key, f"{len(runs)}", _dates(runs)] for key, runs in sorted(groups.items())]

    told, record = settings.recorded(results), results.record
    facts = {
        "The study was begun": " at commit ".join(
            filter(None, [record.get("date"), record.get("commit")])
        ),
        "Versions": told["versions"],
        "Data set": told["data"],
        "SHA-256 of the data": told["data_sha256"],
    }
    headers = ("Commit", "JAX", "Device", "Runs", "Dates")
    return [
        Heading("Where the numbers come from"),
        Table("The runs by their commit, version and device", headers, rows, 3),
        *[Paragraph(text) for _, text in _repeats(results)],
        Table(
            "Versions and data",
            ("Fact", "Value"),
            [[name, value or words.NONE] for name, value in facts.items()],
            2,
        ),
    ]


def _repeats(results: Results) -> Sequence[tuple[Mapping[str, Any], str]]:
    """Returns each record of a repeated run, with a sentence on whether the numbers agree."""
    found = []
    for entry in _entries(results):
        of, by = entry.get("of", {}), entry.get("by", {})
        made, again = _origin_in_words(of, by), _origin_in_words(by, of)
        text = f"The run {entry['run']}, of {made}, was made again by {again}: the "
        largest = entry.get("largest_difference")
        up_to = f" by up to {largest:.3g}" if isinstance(largest, int | float) else ""
        digits = entry.get("digits")
        exactly = f"in the {digits} digits that are kept" if digits else "to the bit"
        text += (
            f"numbers are the same {exactly}."
            if entry.get("equal")
            else f"numbers differ{up_to}: do not compare runs of the one with runs of the other."
        )
        found.append((entry, text))
    return found


def _entries(results: Results) -> Sequence[Mapping[str, Any]]:
    path = results.folder / "repeats.json"
    if not path.exists():
        return results.record.get("repeats") or []
    try:
        entries = json.loads(path.read_bytes())
    except ValueError:
        entries = None
    if not isinstance(entries, list):
        raise UserError(
            f"`repeats.json` must hold a list of repeated runs, got another content in {path}. "
            "Mend it, or remove it."
        )
    return entries


def _origin_in_words(origin: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Names an origin by its commit, and by what else differs from the other origin."""
    jax, device = origin.get("versions", {}).get("jax"), origin.get("device")
    parts = [f"commit {_commit(origin)}"]
    if jax and jax != other.get("versions", {}).get("jax"):
        parts.append(f"jax {jax}")
    if device and device != other.get("device"):
        parts.append(str(device))
    return ", ".join(parts)


def _are_joined(origins: set[Origin], results: Results) -> bool:
    """Tells whether equal repeats connect all origins, directly or through others."""
    reached = set(list(origins)[:1])
    joined = [
        {_origin(entry.get("of", {})), _origin(entry.get("by", {}))}
        for entry, _ in _repeats(results)
        if entry.get("equal")
    ]
    for _ in joined:
        reached |= {origin for pair in joined if pair & reached for origin in pair}
    return origins <= reached


def _origin(record: Mapping[str, Any]) -> Origin:
    return _commit(record), json.dumps(record.get("versions", {}), sort_keys=True)


def _commit(record: Mapping[str, Any]) -> str:
    return str(record.get("commit") or NOT_RECORDED)


def _dates(runs: Sequence[Outcome]) -> str:
    dates = sorted({str(run.summary["date"]) for run in runs if run.summary.get("date")})
    return " to ".join(dict.fromkeys(dates[:1] + dates[-1:])) or words.NONE
