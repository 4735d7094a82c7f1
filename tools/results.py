"""Keeps results in the repository: a folder for each study, and the pages that are made of them.

    python -m tools.results pack runs/experiment1 results/experiment1
    python -m tools.results keep runs/cifar10_small results/runs/cifar10_small.json
    python -m tools.results reports
    python -m tools.results readme

`pack` keeps a study's report with the records that it is made from. `keep` keeps the summary of a
single run. `reports` writes the reports of the kept studies again, where the words of a report have
changed. `readme` writes the tables of README.md, and docs/papers.md, from the kept results.
"""

import argparse
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools import papers, readme
from train.errors import UserError
from train.folder import ending
from train.folder.files import write_atomically
from train.report import archive, settings

ROOT = Path(__file__).parent.parent
MAX_BYTES = 1_500_000
"""The largest size of a kept study of smoke size, in bytes."""


def main() -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    pack = commands.add_parser("pack", help="keep a study")
    pack.add_argument("study", type=Path, help="the study's folder, where a run has ended")
    pack.add_argument("to", type=Path, help="results/<name>, which is made or replaced")
    pack.add_argument(
        "--digits", type=int, help="the digits kept of each step's numbers; default: all"
    )
    keep = commands.add_parser("keep", help="keep the summary of a run")
    keep.add_argument("run", type=Path, help="the run's folder, which has a summary.json")
    keep.add_argument("to", type=Path, help="results/runs/<name of its configuration>.json")
    commands.add_parser("reports", help="write the reports of the kept studies again")
    commands.add_parser("readme", help="write README.md's tables and docs/papers.md")

    arguments = parser.parse_args()
    try:
        if arguments.command == "pack":
            archive.pack(arguments.study, arguments.to, digits=arguments.digits)
            size = sum(path.stat().st_size for path in arguments.to.rglob("*") if path.is_file())
            print(f"{arguments.to}: {size:,} bytes")
            if size > MAX_BYTES and (arguments.digits or 9) > 4:
                print(f"That is above {MAX_BYTES:,}; --digits 4 takes about half of it.")
        elif arguments.command == "keep":
            arguments.to.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(arguments.to, kept(arguments.run).encode())
        elif arguments.command == "reports":
            for folder in reports(ROOT):
                archive.write_again(ROOT / "results" / folder)
                print(f"results/{folder}")
        else:
            for path, text in pages(ROOT).items():
                write_atomically(path, text.encode())
                print(path.relative_to(ROOT))
    except UserError as error:
        sys.exit(f"error: {error}")


def pages(root: Path) -> Mapping[Path, str]:
    """Returns the texts of README.md and docs/papers.md, made from `results/`, by their paths.

    Raises:
      UserError: README.md has no place for the table.
    """
    found = reports(root)
    page, table = root / "README.md", root / "docs" / "papers.toml"
    paths = sorted((root / "results" / "runs").glob("*.json"))
    runs = {path.stem: json.loads(path.read_bytes()) for path in paths}
    text = _between_marks(page.read_text(), "results", readme.block(found))
    return {
        page: _between_marks(text, "runs", runs_table(runs)),
        table.with_suffix(".md"): papers.page(table, found),
    }


def reports(root: Path) -> Mapping[str, Mapping[str, Any]]:
    """Returns the `report.json` of each kept study, by its folder, in the order of their names."""
    paths = sorted((root / "results").glob("*/report.json"))
    return {path.parent.name: json.loads(path.read_bytes()) for path in paths}


def kept(run: Path) -> str:
    """Returns the summary of a run, with its seed and the digest of its data, as JSON.

    Raises:
      UserError: the run has not ended.
    """
    if not (run / "summary.json").exists():
        raise UserError(
            f"`run` must be the folder of a run that has ended, got {run}, which has no "
            "summary.json. Start the same command again to end it."
        )
    config, summary = (ending.read(run / f"{name}.json") for name in ("config", "summary"))
    summary.pop("pictures", None)
    given = {name: config[name] for name in ("seed", "data_sha256")}
    return json.dumps({**summary, **given}, indent=2) + "\n"


def runs_table(runs: Mapping[str, Mapping[str, Any]]) -> str:
    """Returns the table of the single runs, with the name of each configuration.

    Args:
      runs: the summaries by the names of the configurations.
    """
    rows = [
        [
            f"`configs/{name}.py`",
            str(run["seed"]),
            settings.DATA.get(run["data_sha256"], run["dataset"]),
            _measured(run),
            f"{run['seconds'] / 60:.0f} min" if run["seconds"] > 90 else f"{run['seconds']:.0f} s",
            f"{run['device']}, jax {run['versions']['jax']}, {run['date']}",
        ]
        for name, run in runs.items()
    ]
    headers = ["configuration", "seed", "data", "test accuracy", "time", "where"]
    return readme.table(headers, rows) if rows else "No run is kept yet."


def _measured(run: Mapping[str, Any]) -> str:
    """Returns the accuracy on the test split, or by its name the first measure of another task."""
    name = next(name for name in run if name.startswith("test_"))
    if name == "test_accuracy":
        return f"{100 * run[name]:.1f} %"
    return f"{run[name]:.4g} {name.removeprefix('test_')}"


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
