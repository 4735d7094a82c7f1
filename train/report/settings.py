"""The sections on what was run: the study's facts, its runs, and how their settings differ."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from train.config import flatten
from train.report import searched
from train.report.numbers import naming, words
from train.report.numbers.measures import measures_of
from train.report.numbers.records import Outcome, Results
from train.report.pages.page import Block, Folder, Heading, Paragraph, Table

DATA = {
    "be2599b0553ace678efd4a5634c0bfbfe2c2b7001724b1ed1eae81edaed87c8b": "CIFAR-10, JPEG copy",
}
"""Names of data sets by their SHA-256, where a data set's own name says too little."""
_NOT_SETTINGS = ("seed", "data_dir", "data_sha256", "schedule_from_step", "schedules", "changes")

_RATE = "learning rate"


def section(results: Results) -> Sequence[Block]:
    """Returns a short section on what was run."""
    return [
        Heading("What was run"),
        *[Paragraph(text) for text in results.record.get("description", "").split("\n\n") if text],
        _facts(results),
        *searched.tried(results),
    ]


def runs(results: Results) -> Sequence[Block]:
    """Returns the table of all runs, and before it the runs that need a remark."""
    rows, final = [], measures_of(results.task)[results.task.first.final]
    for run in results.runs:
        measured = final.of(run) if run.has_ended else None
        seconds = run.summary.get("seconds")
        rows.append(
            [
                Folder(run.name),
                run.state,
                words.number(measured, final.digits),
                words.number(seconds, 0),
            ]
        )
    headers = ("Run", "State", final.header, "Time, s")
    caption = f"All {len(results.runs)} runs"
    return [
        Heading("Runs"),
        *_out_of_the_ordinary(results),
        Table(caption, headers, rows, 2, is_folded=True),
    ]


def details(results: Results) -> Sequence[Block]:
    """Returns every setting of every run: first what differs along each axis, then the rest."""
    runs = [run for run in results.runs if run.config]
    flat = [_flat(run) for run in runs]
    names = list(dict.fromkeys(name for fields in flat for name in fields))
    common = {name for name in names if _is_same(fields.get(name) for fields in flat)}
    left = [name for name in names if name not in common]

    blocks: list[Block] = [Heading("Settings"), *searched.chosen(results)]
    for axis in results.varied:
        own = [name for name in left if _follows(name, axis, runs, flat)]
        left = [name for name in left if name not in own]
        if own:
            blocks.append(_by_axis(results, axis, own, runs, flat))
    if left:
        # Runs that differ in their seed alone are one row, unless one went on after a halt.
        distinct = dict.fromkeys(
            (
                *(run.labels[axis] for axis in results.varied),
                *(naming.short(f.get(n)) for n in left),
            )
            for run, f in zip(runs, flat, strict=True)
        )
        headers = [*map(words.title, results.varied), *left]
        caption = "What differs by more than one of these"
        blocks.append(Table(caption, headers, list(distinct), len(headers), _unit_note(left)))

    if common:
        rows = [[name, naming.short(flat[0].get(name))] for name in names if name in common]
        caption = "Settings that all runs share"
        blocks.append(Table(caption, ["Field", "Value"], rows, 2, is_folded=True))
    return blocks


def recorded(results: Results) -> Mapping[str, str]:
    """Returns the data, device and versions that the runs recorded.

    Where runs differ, all values are given, with semicolons between them.
    """
    found: dict[str, dict[str, None]] = {
        name: {} for name in ("data", "data_sha256", "device", "versions")
    }
    for run in results.runs:
        digest, versions = run.config.get("data_sha256", ""), run.summary.get("versions", {})
        each = {
            "data": DATA.get(digest, run.config.get("dataset", "")),
            "data_sha256": digest,
            "device": run.summary.get("device", ""),
            "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
        }
        for name, value in each.items():
            found[name] |= {value: None} if value else {}
    return {name: "; ".join(values) for name, values in found.items()}


def _facts(results: Results) -> Table:
    record = results.record
    ended = sum(run.has_ended for run in results.runs)
    lacking = sum(run.state == "missing" for run in results.runs)
    failed = sum(run.state == "failed" for run in results.runs)
    runs = f"{ended} of {len(results.runs)} ended" + (f", {lacking} not begun" if lacking else "")
    runs += f", {failed} could not be made" if failed else ""
    seeds = sorted({run.seed for run in results.runs})
    told = recorded(results)
    rows = [
        ["Size", record["size"]],
        ["Runs", runs],
        *[[words.title(axis), "; ".join(labels)] for axis, labels in results.axes.items()],
        ["Seeds", f"{len(seeds)}: {', '.join(map(str, seeds))}"],
        *_sizes(results),
        ["Data set", told["data"] or words.NONE],
        ["Device", told["device"] or words.NONE],
    ]
    if kept := record.get("digits"):
        rounded = f"the loss and the rate of each training step are kept to {kept} digits"
        rows.append(["Rounded", f"{rounded}, and this report is made of these"])
    return Table("The study", ("Fact", "Value"), rows, 2)


def _sizes(results: Results) -> list[list[str]]:
    """Returns how large a run is: its length, its batches and its network."""
    configs = [run.config for run in results.runs if run.config]
    facts: dict[str, dict[str, None]] = {"Epochs of a run": {}, "Batch": {}, "Network": {}}
    for config in configs:
        model = config.get("model", {})
        width = f", width {model['width']}" if model.get("width") else ""
        facts["Epochs of a run"] |= {f"{config.get('epochs')}": None}
        facts["Batch"] |= {f"{config.get('batch_size'):,} {results.task.noun}": None}
        name = config.get("task", model).get("name")
        facts["Network"] |= {f"{name}{width}": None}
    return [[name, "; ".join(values)] for name, values in facts.items() if values]


def _out_of_the_ordinary(results: Results) -> Sequence[Block]:
    told = [run for run in results.runs if run.note and run.state != "missing"]
    if not told:
        return []
    note = (
        "The means are of the runs that ended; n counts them. Where a run halted, the mean of the "
        "others is too kind to its setting."
    )
    note = "" if all(run.has_ended for run in told) else note
    rows = [[run.name, run.state, run.note] for run in told]
    return [Table("Runs out of the ordinary", ("Run", "State", "What happened"), rows, 3, note)]


def _by_axis(
    results: Results,
    axis: str,
    names: Sequence[str],
    runs: Sequence[Outcome],
    flat: Sequence[Mapping[str, Any]],
) -> Table:
    rows = []
    for label in results.axes[axis]:
        fields = next((f for r, f in zip(runs, flat, strict=True) if r.labels[axis] == label), None)
        if fields is not None:
            rows.append([label, *(naming.short(fields.get(name)) for name in names)])
    headers = [words.title(axis), *names]
    return Table(f"What each {axis} is", headers, rows, len(headers), _unit_note(names))


def _unit_note(names: Sequence[str]) -> str:
    """Says in which unit a schedule's lengths are, below a table that shows one."""
    return (
        "The lengths in a schedule are in the unit that `schedule_unit` names: epochs or steps."
        if _RATE in names
        else ""
    )


def _flat(run: Outcome) -> Mapping[str, Any]:
    config = {name: value for name, value in run.config.items() if name not in _NOT_SETTINGS}
    described = naming.schedule(config.pop("schedule", {}))
    return {_RATE: described, **flatten(config)}


def _follows(
    name: str, axis: str, runs: Sequence[Outcome], flat: Sequence[Mapping[str, Any]]
) -> bool:
    """Tells whether the axis's label alone decides the field's value."""
    return all(
        _is_same(f.get(name) for r, f in zip(runs, flat, strict=True) if r.labels[axis] == label)
        for label in {run.labels[axis] for run in runs}
    )


def _is_same(values: Iterable[Any]) -> bool:
    return len({json.dumps(value, sort_keys=True) for value in values}) <= 1
