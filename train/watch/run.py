"""The page of a run: how far it is, and its curves."""

import html
import time
from pathlib import Path

from train.folder.log import read_metrics
from train.run.pictures import curves_png
from train.watch.anew import Anew, stamp
from train.watch.facts import Facts, measures_in, steps_per_epoch
from train.watch.look import page
from train.watch.server import HTML, Answer

_OFTEN = 10  # seconds between two drawings, and two loads of the page
_PATIENCE = 20.0


class RunSite:
    """What is to be seen of a run.

    Args:
      folder: of the run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines = folder / "metrics.jsonl"
        self._facts = Facts(folder)
        self._curves = Anew(self._draw, lambda: stamp(self._lines), _OFTEN)

    def find(self, path: str) -> Answer | None:
        """Returns what stands at a path; None: nothing."""
        if path == "/":
            return HTML, self.page("")
        return self.picture() if path == "/curves.png" else None

    def picture(self) -> Answer | None:
        """Returns the curves; None: there are none yet."""
        png = self._curves.get(_PATIENCE) if "step" in self._facts.now() else None
        return None if png is None else ("image/png", png)

    def page(self, links: str) -> bytes:
        """Returns the page.

        Args:
          links: HTML above the heading.
        """
        name = html.escape(self._folder.absolute().name)
        facts = self._facts.now()
        found = "".join(
            f"<div><dt>{html.escape(fact)}</dt><dd>{html.escape(text)}</dd></div>"
            for fact, text in facts.items()
        )
        curves = self._shown() if "step" in facts else "<p>No step is logged yet.</p>"
        return page(name, f"{links}<h1>{name}</h1><dl>{found}</dl>{curves}", reload=_OFTEN)

    def brief(self) -> str:
        """Returns the state of the run in a few words."""
        facts = self._facts.now()
        measured = [name for name in facts if name.startswith("test ") and name != "test loss"]
        numbers = [f"{name} {facts[name]}" for name in (*measured, "epoch") if name in facts]
        return ", ".join([facts["state"], *numbers])

    def _shown(self) -> str:
        """Returns the curves as HTML, and why there are no newer ones if they cannot be drawn."""
        png = self._curves.get(0.0)  # begins to draw
        why = self._curves.why
        said = f"<p>The curves could not be drawn: {html.escape(why)}</p>" if why else ""
        if png is None and why:
            return said
        return f'{said}<img src="curves.png?{time.time():.0f}" alt="loss, measures and rate">'

    def _draw(self) -> bytes:
        lines = read_metrics(self._lines)
        units = {name: "%" if name == "accuracy" else "" for name in measures_in(lines)}
        return curves_png(lines, steps_per_epoch=steps_per_epoch(lines[-1]), measures=units)
