"""Draws the pictures of the schedules.

    python docs/draw.py

`schedules.png` is the README's, `figure_1.png` the paper's from its own parameters, and `gallery/`
holds one for each call in `gallery.md`: a new kind is a heading, a call and a link there.
"""

import io
import re
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from PIL import Image

import log_anneal as la
from log_anneal.plot import plot

DOCS = Path(__file__).parent

EPOCH = 100  # steps
CYCLE = {
    "init_value": 1e-4,
    "peak_value": 0.1,
    "end_value": 0.001,
    "warmup_steps": 2,
    "decay_steps": 8,
    "restart_steps": 10,
    "restart_multiplier": 1.5,
}
SCHEDULES = {
    "cyclical log, anchored, base 20": la.cyclical_log_schedule(**CYCLE, base=20.0),
    "cyclical log, anchored, base 1000": la.cyclical_log_schedule(**CYCLE),
    "cyclical log, equation 4 of the paper": la.cyclical_log_schedule(**CYCLE, form="equation_4"),
    "cyclical cosine": la.cyclical_cosine_schedule(**CYCLE),
}

PAPER_EPOCH = 391  # steps: 50,000 images in batches of 128 (section 2.1); figure 1 gives none
PAPER_EPOCHS = 10.125  # to the end of the third restart's cycle
FIGURE_1 = {  # the names of the paper's caption
    "init_value": 1e-4,  # warmup_start_lr
    "warmup_steps": 1,  # warmup_epochs
    "peak_value": 0.05,  # the initial rate; not in the caption, so that of restart_lr
    "decay_steps": 1,  # init_decay_epochs
    "end_value": 0.001,  # min_decay_lr
    "restart_steps": 1,  # restart_interval
    "restart_multiplier": 1.5,  # restart_interval_multiplier
    "restart_value": 0.05,  # restart_lr
}


def main() -> None:
    """Writes the pictures beside this file."""
    schedules()
    figure_1()
    (DOCS / "gallery").mkdir(exist_ok=True)
    for path, drawn in gallery().items():
        with mpl.rc_context({"font.size": 8}):
            figure = plot(drawn)
            figure.set_size_inches(6.4, 2.2)
            save(figure, DOCS / path, dpi=100)


def schedules() -> None:
    """The README's: one cycle, so that the schedules differ in their shape alone."""
    in_steps = [schedule.stretch(EPOCH) for schedule in SCHEDULES.values()]
    figure = plot(in_steps, 35 * EPOCH, labels=list(SCHEDULES))
    figure.set_size_inches(9, 4)
    figure.axes[0].set(xlabel="step, 100 an epoch", ylabel="learning rate")
    save(figure, DOCS / "schedules.png", dpi=110)


def figure_1() -> None:
    """The paper's figure 1 in both readings of its equation 4, each beside cosine annealing."""
    readings = {
        'Log annealing by equation 4 as printed: form="equation_4"': "equation_4",
        'Log annealing anchored to both ends of its range: form="anchored"': "anchored",
    }
    cosine = la.cyclical_cosine_schedule(**FIGURE_1).stretch(PAPER_EPOCH)
    figure = Figure(figsize=(9, 6), layout="constrained")
    panels = figure.subplots(2, 1, sharex=True, sharey=True)
    for axes, (title, form) in zip(panels, readings.items(), strict=True):
        log = la.cyclical_log_schedule(**FIGURE_1, form=form).stretch(PAPER_EPOCH)
        labels = ["log annealing", "cosine annealing"]
        plot([log, cosine], int(PAPER_EPOCHS * PAPER_EPOCH), labels=labels, ax=axes)
        axes.set_title(title, loc="left", fontsize="medium", pad=8)
        axes.legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
        axes.set(xlabel="", ylabel="learning rate")
        axes.xaxis.set_ticks(range(0, 11 * PAPER_EPOCH, PAPER_EPOCH), range(11))
    panels[-1].set_xlabel(f"epoch, {PAPER_EPOCH} steps each")
    save(figure, DOCS / "figure_1.png", dpi=110)


def gallery() -> dict[str, Any]:
    """What the calls in `gallery.md` make, a schedule or a list, by the link below each."""
    page = (DOCS / "gallery.md").read_text()
    names: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0], names)
    calls = re.findall(r"```python\n([^`]*)```\n\n!\[.*\]\((gallery/.*)\)", page)
    return {path: eval(call, names) for call, path in calls}


def save(figure: Figure, path: Path, dpi: int) -> None:
    """A PNG of 64 colours: lines need no more, and a repository keeps every version."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=dpi)
    Image.open(content).convert("RGB").quantize(64).save(path, optimize=True)


if __name__ == "__main__":
    main()
