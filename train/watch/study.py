"""The pages of a study: its progress, its runs, and its report as it stands."""

import html
import threading
import urllib.parse
from collections.abc import Hashable
from pathlib import Path

from train import report
from train.folder import ending
from train.study.progress import PAGE
from train.watch.anew import Anew, stamp
from train.watch.look import links, page
from train.watch.run import RunSite, brief
from train.watch.server import HTML, Answer

_LEAST = 60.0  # seconds between two reports
_LINKS = links(progress="/", runs="/runs", report="/report")
_ENDINGS = ("summary.json", "halted.json")


class StudySite:
    """What is to be seen of a study.

    Args:
      folder: of the study.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._report = Anew(self._write, self._endings, _LEAST)
        self._sites: dict[str, RunSite] = {}
        self._lock = threading.Lock()

    def find(self, path: str) -> Answer | None:
        """Returns what stands at a path; None: nothing."""
        if path == "/":
            return HTML, self._progress()
        if path == "/runs":
            return HTML, self._runs()
        if path == "/report":
            return HTML, self._reported()
        name, _, file = path.removeprefix("/").rpartition("/")
        site = self._site(name)
        if site is None or file not in ("", "curves.png"):
            return None
        return (HTML, site.page(_LINKS)) if not file else site.picture()

    def _names(self) -> list[str]:
        """Returns the folders of the runs. A study has no run outside its folder."""
        whole = self._folder.resolve()
        runs = ending.read(self._folder / "study.json").get("runs", [])
        names = [str(run["folder"]) for run in runs]
        return [name for name in names if (whole / name).resolve().is_relative_to(whole)]

    def _site(self, name: str) -> RunSite | None:
        if name not in self._names():
            return None
        with self._lock:
            return self._sites.setdefault(name, RunSite(self._folder / name))

    def _progress(self) -> bytes:
        path = self._folder / PAGE
        if not path.exists():
            return self._runs()
        return path.read_bytes().replace(b"<body>", f"<body>{_LINKS}".encode(), 1)

    def _runs(self) -> bytes:
        title = html.escape(str(ending.read(self._folder / "study.json").get("title", "study")))
        rows = "".join(
            f'<tr><td><a href="/{html.escape(urllib.parse.quote(name))}/">{html.escape(name)}</a>'
            f"</td><td>{html.escape(brief(self._folder / name))}</td></tr>"
            for name in self._names()
        )
        return page(title, f"{_LINKS}<h1>{title}</h1><table>{rows}</table>", reload=15)

    def _endings(self) -> Hashable:
        """Returns what changes when a run ends."""
        return tuple(
            stamp(self._folder / name / file) for name in self._names() for file in _ENDINGS
        )

    def _reported(self) -> bytes:
        if not any(self._endings_of(name) for name in self._names()):
            return page("report", f"{_LINKS}<p>No run has ended yet.</p>", reload=15)
        whole = self._report.get(1.0)
        if whole is None:
            why = html.escape(self._report.why) or "The report is being made."
            return page("report", f"{_LINKS}<p>{why}</p>", reload=5)
        note = (
            f"{_LINKS}<p>The report as it stands. Load it again after a while: it is made anew "
            "when more runs have ended.</p>"
        )
        return whole.replace(b"<main>", f"<main>{note}".encode(), 1)

    def _endings_of(self, name: str) -> bool:
        return any((self._folder / name / file).exists() for file in _ENDINGS)

    def _write(self) -> bytes:
        return report.page(self._folder)
