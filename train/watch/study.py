"""The pages of a study: its progress, its runs, and its report as it stands."""

import html
import threading
import urllib.parse
from collections.abc import Hashable
from pathlib import Path
from typing import Any

from train import report
from train.folder import ending
from train.study.progress import PAGE
from train.watch.anew import Anew, Kept, stamp
from train.watch.look import links, page
from train.watch.run import RunSite
from train.watch.server import HTML, Answer

_LEAST = 60.0  # seconds between two reports
_LINKS = links(progress="/", runs="/runs", report="/report")
_ENDINGS = ("summary.json", "halted.json")
_LEFT_OUT = "Entries of study.json that name no folder of this study, and are not shown:"


class StudySite:
    """What is to be seen of a study.

    Args:
      folder: of the study.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        path = folder / "study.json"
        self._record: Kept[dict[str, Any]] = Kept(lambda: ending.read(path), lambda: stamp(path))
        self._endings: Hashable = None
        self._report = Anew(self._write, lambda: self._endings, _LEAST)
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

    def _names(self) -> tuple[list[str], int]:
        """Returns the folders of the runs, and how many entries name none of this study."""
        whole = self._folder.resolve()
        runs = self._record.get().get("runs", [])
        entries = runs if isinstance(runs, list) else [runs]
        given = [entry.get("folder") if isinstance(entry, dict) else None for entry in entries]
        names = [name for name in given if isinstance(name, str) and _is_own(whole, name)]
        return names, len(entries) - len(names)

    def _site(self, name: str) -> RunSite | None:
        return self._known(name) if name in self._names()[0] else None

    def _known(self, name: str) -> RunSite:
        with self._lock:
            return self._sites.setdefault(name, RunSite(self._folder / name))

    def _progress(self) -> bytes:
        path = self._folder / PAGE
        if not path.exists():
            return self._runs()
        return path.read_bytes().replace(b"<body>", f"<body>{_LINKS}".encode(), 1)

    def _runs(self) -> bytes:
        title = html.escape(str(self._record.get().get("title", "study")))
        names, left_out = self._names()
        rows = "".join(
            f'<tr><td><a href="/{_quoted(name)}/">{html.escape(name)}</a></td>'
            f"<td>{html.escape(self._known(name).brief())}</td></tr>"
            for name in names
        )
        said = f"<p>{_LEFT_OUT} {left_out}.</p>" if left_out else ""
        return page(title, f"{_LINKS}<h1>{title}</h1>{said}<table>{rows}</table>", reload=15)

    def _reported(self) -> bytes:
        names, _ = self._names()
        endings = [stamp(self._folder / name / file) for name in names for file in _ENDINGS]
        if not any(endings):
            return page("report", f"{_LINKS}<p>No run has ended yet.</p>", reload=15)
        self._endings = tuple(endings)
        whole = self._report.get(1.0)
        if whole is None:
            why = html.escape(self._report.why) or "The report is being made."
            return page("report", f"{_LINKS}<p>{why}</p>", reload=5)
        note = (
            f"{_LINKS}<p>The report as it stands. Load it again after a while: it is made anew "
            "when more runs have ended.</p>"
        )
        return whole.replace(b"<main>", f"<main>{note}".encode(), 1)

    def _write(self) -> bytes:
        return report.page(self._folder)


def _is_own(whole: Path, name: str) -> bool:
    """Tells whether a name is that of a folder inside the study. No run is outside of it."""
    try:
        place = (whole / name).resolve()
        is_loop = place.is_symlink()  # of links, of which Python 3.13 raises nothing
    except (OSError, RuntimeError, ValueError):  # a loop, or what no file can be called
        return False
    is_inside = place != whole and place.is_relative_to(whole)
    return is_inside and not is_loop and not Path(name).is_absolute()


def _quoted(name: str) -> str:
    return html.escape(urllib.parse.quote(name, errors="surrogateescape"))
