"""What was run: the study's facts, its runs, and the fields in which their settings differ."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from train.config import flatten
from train.report.numbers import words
from train.report.numbers.measures import MEASURES
from train.report.numbers.records import Run, Study
from train.report.pages.page import Block, Folder, Heading, Paragraph, Table

DATA = {
    "be2599b0553ace678efd4a5634c0bfbfe2c2b7001724b1ed1eae81edaed87c8b": "CIFAR-10, JPEG copy",
}
"""What a data set of this SHA-256 is, where its name says too little."""
_NOT_SETTINGS = ("seed", "data_dir", "data_sha256", "schedule_from_step")


def section(study: Study) -> Sequence[Block]:
    """What was run, in short."""
    return [
        Heading("What was run"),
        *[Paragraph(text) for text in study.record.get("description", "").split("\n\n") if text],
        _facts(study),
    ]


def runs(study: Study) -> Sequence[Block]:
    """Each run with its folder, and those that need a word."""
    rows = []
    for run in study.runs:
        accuracy = MEASURES["final_accuracy"].of(run) if run.has_ended else None
        seconds = run.summary.get("seconds")
        rows.append(
            [Folder(run.name), run.state, words.number(accuracy, 2), words.number(seconds, 0)]
        )
    headers = ("Run", "State", "Final test accuracy, %", "Time, s")
    caption = f"All {len(study.runs)} runs"
    return [
        Heading("Runs"),
        *_out_of_the_ordinary(study),
        Table(caption, headers, rows, 2, is_folded=True),
    ]


def details(study: Study) -> Sequence[Block]:
    """Every setting of every run: what varies by axis, then what is common to all."""
    runs = [run for run in study.runs if run.config]
    flat = [_flat(run) for run in runs]
    names = list(dict.fromkeys(name for fields in flat for name in fields))
    common = {name for name in names if _is_same(fields.get(name) for fields in flat)}
    left = [name for name in names if name not in common]
    blocks: list[Block] = [Heading("Settings"), *_tuned(study)]
    for axis in study.varied:
        own = [name for name in left if _follows(name, axis, runs, flat)]
        left = [name for name in left if name not in own]
        if own:
            blocks.append(_by_axis(study, axis, own, runs, flat))
    if left:
        # Runs that differ in their seed alone are one row, unless one went on after a halt.
        distinct = dict.fromkeys(
            (*(run.labels[axis] for axis in study.varied), *(words.short(f.get(n)) for n in left))
            for run, f in zip(runs, flat, strict=True)
        )
        headers = [*map(words.title, study.varied), *left]
        caption = "What differs by more than one of these"
        blocks.append(Table(caption, headers, list(distinct), len(headers)))
    if common:
        rows = [[name, words.short(flat[0].get(name))] for name in names if name in common]
        caption = "Settings that all runs share"
        blocks.append(Table(caption, ["Field", "Value"], rows, 2, is_folded=True))
    return blocks


def recorded(study: Study) -> Mapping[str, str]:
    """What the runs recorded of their data, device and versions; where they differ, all of it."""
    found: dict[str, dict[str, None]] = {
        name: {} for name in ("data", "data_sha256", "device", "versions")
    }
    for run in study.runs:
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


def _facts(study: Study) -> Table:
    record = study.record
    ended = sum(run.has_ended for run in study.runs)
    lacking = sum(run.state == "missing" for run in study.runs)
    runs = f"{ended} of {len(study.runs)} ended" + (f", {lacking} not begun" if lacking else "")
    seeds = sorted({run.seed for run in study.runs})
    told = recorded(study)
    rows = [
        ["Size", record["size"]],
        *([["Kept of each step", f"{kept} digits"]] if (kept := record.get("digits")) else []),
        ["Runs", runs],
        *[[words.title(axis), "; ".join(labels)] for axis, labels in study.axes.items()],
        ["Seeds", f"{len(seeds)}: {', '.join(map(str, seeds))}"],
        ["Data set", told["data"] or words.NONE],
        ["Device", told["device"] or words.NONE],
    ]
    return Table("The study", ("Fact", "Value"), rows, 2)


def _out_of_the_ordinary(study: Study) -> Sequence[Block]:
    told = [run for run in study.runs if run.note and run.state != "missing"]
    if not told:
        return []
    note = (
        "The means are of the runs that ended; n counts them. Where a run halted, the mean of the "
        "others is too kind to its setting."
    )
    note = "" if all(run.has_ended for run in told) else note
    rows = [[run.name, run.state, run.note] for run in told]
    return [Table("Runs out of the ordinary", ("Run", "State", "What happened"), rows, 3, note)]


def _tuned(study: Study) -> Sequence[Block]:
    tuned = study.record.get("tuned") or []
    if not tuned:
        return []
    rows = [
        [
            " / ".join(str(label) for label in entry["labels"].values()),
            f"{entry['trials']:,}",
            words.number(100 * entry["value"], 2),
            ", ".join(
                f"{name.removeprefix('schedule.')} = {value:.3g}"
                for name, value in entry["best"].items()
            ),
        ]
        for entry in tuned
    ]
    counts = {entry["trials"] for entry in tuned}
    note = (
        f"Each had {'the same number' if len(counts) == 1 else 'a number of its own'} of trials, "
        "judged on images held out of the training split; the test split took no part. Chosen to "
        "three digits here, and in full below."
    )
    headers = ("Of", "Trials", "Validation accuracy, %", "Chosen")
    return [Table("Settings chosen by a search", headers, rows, len(headers), note)]


def _by_axis(
    study: Study,
    axis: str,
    names: Sequence[str],
    runs: Sequence[Run],
    flat: Sequence[Mapping[str, Any]],
) -> Table:
    rows = []
    for label in study.axes[axis]:
        fields = next((f for r, f in zip(runs, flat, strict=True) if r.labels[axis] == label), None)
        if fields is not None:
            rows.append([label, *(words.short(fields.get(name)) for name in names)])
    headers = [words.title(axis), *names]
    return Table(f"What each {axis} is", headers, rows, len(headers))


def _flat(run: Run) -> Mapping[str, Any]:
    config = {name: value for name, value in run.config.items() if name not in _NOT_SETTINGS}
    described = words.schedule(config.pop("schedule", {}))
    return {"learning rate": described, **flatten(config)}


def _follows(name: str, axis: str, runs: Sequence[Run], flat: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the axis's label alone tells the field's value."""
    return all(
        _is_same(f.get(name) for r, f in zip(runs, flat, strict=True) if r.labels[axis] == label)
        for label in {run.labels[axis] for run in runs}
    )


def _is_same(values: Iterable[Any]) -> bool:
    return len({json.dumps(value, sort_keys=True) for value in values}) <= 1
