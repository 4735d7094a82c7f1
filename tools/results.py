"""The results in the repository: a folder for each study, and the pages that are made of them.

    python -m tools.results pack runs/experiment1 results/experiment1
    python -m tools.results keep runs/cifar10_small results/runs/cifar10_small.json
    python -m tools.results readme

`pack` keeps a study's report with the records that it was made from, `keep` what a single run came
to. `readme` writes README.md between its marks, and docs/papers.md, from what is kept.
"""

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tools import papers
from train.errors import UserError
from train.files import write_atomically
from train.report import archive, settings, words
from train.report.statistics import Estimate

ROOT = Path(__file__).parent.parent
MAX_BYTES = 1_500_000
"""Of a study of smoke size."""
IN_FULL = "experiment1"
"""The study whose accuracies README.md has."""


def main() -> None:
    """Does what the command says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    pack = commands.add_parser("pack", help="keep a study")
    pack.add_argument("study", type=Path, help="its folder, where all runs have ended")
    pack.add_argument("to", type=Path, help="results/<name>; made anew")
    pack.add_argument("--digits", type=int, help="of each step's numbers; all if left out")
    keep = commands.add_parser("keep", help="keep what a run came to")
    keep.add_argument("run", type=Path, help="its folder, with a summary.json")
    keep.add_argument("to", type=Path, help="results/runs/<name of its configuration>.json")
    commands.add_parser("readme", help="write README.md's table and docs/papers.md")
    arguments = parser.parse_args()
    try:
        if arguments.command == "pack":
            archive.pack(arguments.study, arguments.to, digits=arguments.digits)
            size = sum(path.stat().st_size for path in arguments.to.rglob("*") if path.is_file())
            print(f"{arguments.to}: {size:,} bytes")
            if size > MAX_BYTES:
                print(f"That is above {MAX_BYTES:,}; --digits 4 takes about half of it.")
        elif arguments.command == "keep":
            arguments.to.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(arguments.to, kept(arguments.run).encode())
        else:
            for path, text in pages(ROOT).items():
                write_atomically(path, text.encode())
                print(path.relative_to(ROOT))
    except UserError as error:
        sys.exit(f"error: {error}")


def pages(root: Path) -> Mapping[Path, str]:
    """README.md and docs/papers.md as `results/` has them, by their paths.

    Raises:
      UserError: README.md has no place for the table.
    """
    found = reports(root)
    readme, table = root / "README.md", root / "docs" / "papers.toml"
    paths = sorted((root / "results" / "runs").glob("*.json"))
    runs = {path.stem: json.loads(path.read_bytes()) for path in paths}
    text = _between_marks(readme.read_text(), "results", block(found))
    return {
        readme: _between_marks(text, "runs", runs_table(runs)),
        table.with_suffix(".md"): papers.page(table, found),
    }


def reports(root: Path) -> Mapping[str, Mapping[str, Any]]:
    """`report.json` of each study that is kept, by its folder, in the order of their names."""
    paths = sorted((root / "results").glob("*/report.json"))
    return {path.parent.name: json.loads(path.read_bytes()) for path in paths}


def block(found: Mapping[str, Mapping[str, Any]]) -> str:
    """The tables of README.md: a row for each study, and experiment 1 in full."""
    if not found:
        return "No study is kept yet."
    rows = [
        [
            f"[{folder}](results/{folder}/report.md)",
            report["size"],
            report["data"],
            report["device"],
            report["date"],
            str(sum(cell["runs"] for cell in report["cells"])),
            str(len(report["seeds"])),
            _verdicts(report),
        ]
        for folder, report in found.items()
    ]
    headers = ["study", "size", "data", "device", "date", "runs", "seeds", "claims of the papers"]
    parts = [_table(headers, rows)]
    if any(report["size"] == "smoke" for report in found.values()):
        parts.append(
            "Smoke size shows that a study runs from its command to its report, and is no evidence "
            "for or against a schedule: with two seeds the intervals are as wide as they look."
        )
    in_full = {f: r for f, r in found.items() if r["name"] == IN_FULL}
    for folder in sorted(in_full, key=lambda folder: in_full[folder]["size"] == "smoke")[:1]:
        parts += _in_full(folder, in_full[folder])
    parts.append("Every row of the papers with its result: [docs/papers.md](docs/papers.md).")
    return "\n\n".join(parts)


def kept(run: Path) -> str:
    """What a run came to, with its seed and the digest of its data, as JSON.

    Raises:
      UserError: the run has not ended.
    """
    if not (run / "summary.json").exists():
        raise UserError(
            f"`run` must be the folder of a run that has ended, got {run}, which has no "
            "summary.json. Start the same command again to end it."
        )
    config = json.loads((run / "config.json").read_bytes())
    summary = json.loads((run / "summary.json").read_bytes())
    given = {name: config[name] for name in ("seed", "data_sha256")}
    return json.dumps({**summary, **given}, indent=2) + "\n"


def runs_table(runs: Mapping[str, Mapping[str, Any]]) -> str:
    """A row for each single run, by the name of its configuration."""
    rows = [
        [
            f"`configs/{name}.py`",
            str(run["seed"]),
            settings.DATA.get(run["data_sha256"], run["dataset"]),
            f"{100 * run['test_accuracy']:.1f} %",
            f"{run['seconds'] / 60:.0f} min" if run["seconds"] > 90 else f"{run['seconds']:.0f} s",
            f"{run['device']}, jax {run['versions']['jax']}, {run['date']}",
        ]
        for name, run in runs.items()
    ]
    headers = ["configuration", "seed", "data", "test accuracy", "time", "where"]
    return _table(headers, rows) if rows else "No run is kept yet."


def _in_full(folder: str, report: Mapping[str, Any]) -> Sequence[str]:
    groups = list(dict.fromkeys(cell["group"] for cell in report["cells"]))
    cells = {(cell["name"], cell["group"]): cell for cell in report["cells"]}
    rows = [
        [name, *(_accuracy(cells.get((name, group))) for group in groups)]
        for name in dict.fromkeys(cell["name"] for cell in report["cells"])
    ]
    head = (
        f"`results/{folder}`, {report['size']} size: final test accuracy in %, mean ± half of the "
        f"95 % interval over {words.count(len(report['seeds']), 'seed')}."
    )
    return [head, _table(["schedule", *(group or "all" for group in groups)], rows)]


def _accuracy(cell: Mapping[str, Any] | None) -> str:
    if cell is None:
        return ""
    found = cell["final_accuracy"]
    return words.mean(Estimate(found["n"], found["mean"], found["half_interval"]), 1)


def _verdicts(report: Mapping[str, Any]) -> str:
    if report["size"] == "smoke":
        return f"{len(report['answers'])} (smoke: no evidence)"
    said = [answer["verdict"] for answer in report["answers"]]
    return ", ".join(f"{said.count(verdict)} {verdict}" for verdict in dict.fromkeys(said))


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    every = [headers, ["---"] * len(headers), *rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in every)


def _between_marks(text: str, name: str, block: str) -> str:
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if not re.search(f"{begin}.*{end}", text, re.DOTALL):
        raise UserError(
            f"README.md must have the lines {begin} and {end}, and has not. Put them where that "
            "table is to stand."
        )
    head, _, rest = text.partition(begin)
    tail = rest.partition(end)[2]
    return f"{head}{begin}\n{block}\n{end}{tail}"


if __name__ == "__main__":
    main()
