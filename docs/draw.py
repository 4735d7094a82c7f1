"""Draws the pictures of the schedules.

    python docs/draw.py

`schedules.png` is the README's, `figure_1.png` the paper's from its own parameters, and
`anatomy.png` has a label for each argument of a cycle. `gallery/` holds one for each call in
`gallery.md`, and `arguments/` for each in `arguments.md`: a new picture is a call and a link there.
"""

import io
import re
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

import log_anneal as la
from log_anneal.plot import plot
from train.report.figures.canvas import colour

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


ANATOMY = {
    "init_value": 0.02,
    "peak_value": 0.1,
    "end_value": 0.01,
    "base": 20.0,
    "warmup_steps": 100,
    "warmup_shape": "linear",
    "decay_steps": 300,
    "restart_steps": 400,
    "restart_multiplier": 1.5,
    "restart_value": 0.08,
    "restart_decay": 0.75,
    "restart_warmup_steps": 60,
    "num_restarts": 2,
    "final_value": 0.003,
}
"""Every argument has a value here that can be told from the others in a picture."""


TIMES = "\N{MULTIPLICATION SIGN}"
LABEL: dict[str, Any] = {
    "family": "monospace",
    "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 1.5},
}

SHOWN = {  # steps; the others show the first decay and two cycles
    **dict.fromkeys(("init_value", "warmup_shape", "base", "form"), 520),
    **dict.fromkeys(("num_restarts", "final_value"), 1450),
    "restart_multiplier": 1600,
    "restart_decay": 1600,
}


def main() -> None:
    """Writes the pictures beside this file."""
    mpl.rcParams["axes.prop_cycle"] = mpl.cycler(color=[colour(place) for place in range(8)])
    schedules()
    start()
    figure_1()
    anatomy()
    arguments()
    (DOCS / "gallery").mkdir(exist_ok=True)
    for path, drawn in pictures("gallery").items():
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


def start() -> None:
    """The first schedule of `start.md`."""
    page = (DOCS / "start.md").read_text()
    names: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0], names)
    with mpl.rc_context({"font.size": 8}):
        figure = plot(names["schedule"], 35)
        figure.axes[0].set(xlabel="epoch", ylabel="rate")
        figure.set_size_inches(6.4, 2.2)
        save(figure, DOCS / "start.png", dpi=100)


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


def anatomy() -> None:
    """One schedule in which every argument of a cycle is marked: rates at the left, steps below."""
    schedule = la.cyclical_log_schedule(**ANATOMY)
    first, second = schedule.first_restarts(2)
    end = schedule.duration
    assert end is not None
    with mpl.rc_context({"font.size": 9, "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(9, 5.6), layout="constrained")
        axes = figure.add_subplot()
        plot(schedule, end + 200, ax=axes)
        axes.set(ylim=(-0.064, 0.118), xlim=(-420, end + 230), xlabel="", ylabel="")
        axes.lines[0].set(linewidth=2.2, zorder=3)
        axes.axis("off")
        warmup, rise = ANATOMY["warmup_steps"], ANATOMY["restart_warmup_steps"]
        rates = {  # the rate, and the step to which its line leads
            "peak_value": (ANATOMY["peak_value"], warmup),
            "restart_value": (ANATOMY["restart_value"], first + rise),
            "init_value": (ANATOMY["init_value"], 0),
            "end_value": (ANATOMY["end_value"], second),
        }
        for name, (rate, step) in rates.items():
            style = {"color": "0.75", "linewidth": 1, "linestyle": "--", "zorder": 1}
            axes.plot([-30, step], [rate, rate], **style)
            axes.text(-42, rate, name, ha="right", va="center", family="monospace")
        axes.text(-42, 0.112, "rates", ha="right", va="center", weight="bold")
        axes.text(-42, -0.008, "steps", ha="right", va="center", weight="bold")
        bracket(axes, 0, warmup, -0.03, "warmup_steps")
        bracket(axes, warmup, first, -0.008, "decay_steps")
        bracket(axes, first, second, -0.008, "restart_steps")
        bracket(axes, second, end, -0.008, f"restart_steps\n{TIMES} restart_multiplier")
        bracket(axes, first, first + rise, -0.03, "restart_warmup_steps")
        bracket(axes, first, end, -0.05, "num_restarts = 2")
        top = second + rise
        note(axes, f"restart_value\n{TIMES} restart_decay", (top, 0.06), (top + 120, 0.082))
        note(axes, "final_value", (end + 90, 0.003), (end - 60, 0.036))
        note(axes, "warmup_shape", (warmup / 2, 0.06), (-170, 0.06))
        note(axes, "base, form", (190, 0.051), (280, 0.09))
        save(figure, DOCS / "anatomy.png", dpi=110)


def arguments() -> None:
    """One picture for each argument, in which its values have a line each."""
    (DOCS / "arguments").mkdir(exist_ok=True)
    for path, drawn in pictures("arguments").items():
        with mpl.rc_context({"font.size": 8}):
            several = list(drawn.values())
            figure = plot(several, SHOWN.get(Path(path).stem, 1200), labels=list(drawn))
            axes = figure.axes[0]
            axes.set(ylabel="rate")
            # Wide below and narrow above: where lines overlap, all of them are seen.
            for line, width in zip(axes.lines, (4.0, 2.2, 1.3), strict=False):
                line.set_linewidth(width)
            axes.legend(frameon=False, ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1))
            figure.set_size_inches(6.4, 2.2)
            save(figure, DOCS / path, dpi=100)


def bracket(axes: Axes, start: float, end: float, height: float, text: str) -> None:
    """Marks steps from `start` to `end`, with a text below."""
    ends = [height + 0.003, height, height, height + 0.003]
    axes.plot([start, start, end, end], ends, color="0.3", linewidth=1.2)
    middle = (start + end) / 2
    axes.text(middle, height - 0.004, text, ha="center", va="top", **LABEL)


def note(axes: Axes, text: str, at: tuple[float, float], where: tuple[float, float]) -> None:
    """Writes a text with a line that leads to a point."""
    axes.annotate(
        text,
        at,
        where,
        ha="center",
        va="center",
        **LABEL,
        arrowprops={"arrowstyle": "-", "color": "0.5", "linewidth": 1},
    )


def pictures(page: str) -> dict[str, Any]:
    """What the calls on a page make, by the link below each: one schedule or several."""
    text = (DOCS / f"{page}.md").read_text()
    names: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0], names)
    calls = re.findall(rf"```python\n([^`]*)```\n\n!\[.*\]\(({page}/.*)\)", text)
    return {path: eval(call, names) for call, path in calls}


def save(figure: Figure, path: Path, dpi: int) -> None:
    """A PNG of 64 colours: lines need no more, and a repository keeps every version."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=dpi)
    Image.open(content).convert("RGB").quantize(64).save(path, optimize=True)


if __name__ == "__main__":
    main()
