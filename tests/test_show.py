"""Schedules in the terminal."""

import io
import json
import os
import re
import runpy
import sys

import numpy as np
import optax
import pytest

import log_anneal as la
from log_anneal.__main__ import main
from log_anneal._show import contents
from log_anneal.plot import draw

CYCLE = {"peak_value": 0.1, "end_value": 0.001, "decay_steps": 80, "restart_steps": 100}
LOG = la.cyclical_log_schedule(**CYCLE, base=20.0, init_value=1e-4, warmup_steps=20)
COSINE = la.cyclical_cosine_schedule(**CYCLE, restart_multiplier=1.5)
BOX = {"width": 80, "height": 16}


@pytest.fixture(autouse=True)
def a_terminal_and_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")


def show(*arguments):
    return main(["show", *arguments])


def test_draws_in_the_terminal_and_writes_a_png(tmp_path, capsys):
    assert show(la.to_json(LOG)) == 0
    out, err = capsys.readouterr()
    assert out.startswith("cyclical_log_schedule(peak_value=0.1, end_value=0.001")
    assert "\n0.10 ┤" in out
    assert "⠉" in out
    assert err == "Wrote log_anneal.png\n"
    assert (tmp_path / "log_anneal.png").read_bytes().startswith(b"\x89PNG")


def test_overwrites_no_picture_that_it_was_not_told_to(capsys):
    for number in ("", "-2", "-3"):
        assert show(la.to_json(LOG)) == 0
        assert capsys.readouterr().err == f"Wrote log_anneal{number}.png\n"


def test_writes_the_picture_where_it_is_told(tmp_path):
    assert show(la.to_json(LOG), "--out", "other.svg") == 0
    assert "<svg" in (tmp_path / "other.svg").read_text()
    assert os.listdir(tmp_path) == ["other.svg"]


@pytest.mark.parametrize("source", ["schedule.json", "@schedule.json", "-"])
def test_reads_a_file_or_standard_input(tmp_path, monkeypatch, capsys, source):
    (tmp_path / "schedule.json").write_text(la.to_json(LOG))
    monkeypatch.setattr(sys, "stdin", io.StringIO(la.to_json(LOG)))
    assert show(source) == 0
    assert capsys.readouterr().out.startswith("cyclical_log_schedule(")


def test_draws_as_many_steps_as_it_is_told_or_as_show_the_schedule(capsys):
    show(la.to_json(LOG), "--steps", "1000")
    assert "restarts at 100, 200, 300, 400, 500, 600, 700, 800, 900\n" in capsys.readouterr().out
    show(la.to_json(LOG))
    assert "restarts at 100, 200, 300, 400\n" in capsys.readouterr().out


@pytest.mark.parametrize("width", [30, 81, 200])
@pytest.mark.parametrize("how", [{}, {"is_ascii": True}, {"log_scale": True}], ids=repr)
@pytest.mark.parametrize("num_steps", [1, 2, 2**31 - 1])
def test_a_picture_fits_its_width(width, how, num_steps):
    for schedules in ([LOG], [LOG, COSINE, la.constant_schedule(0.0)]):
        lines = draw(schedules, num_steps, width=width, height=9, **how).splitlines()
        assert max(map(len, lines)) <= width


def test_a_line_goes_from_corner_to_corner_and_only_up():
    rise = draw([optax.linear_schedule(0.0, 1.0, 99)], 100, **BOX, is_ascii=True)
    rows = [line[5:].ljust(75) for line in rise.splitlines()[1:15]]
    tops = [column.index("*") for column in zip(*rows, strict=True)]
    assert tops == sorted(tops, reverse=True)
    assert (tops[0], tops[-1]) == (13, 0)


def test_every_braille_dot_is_where_the_value_is():
    """Two by four dots a character: their own column by column, against the schedule."""
    picture = draw([COSINE], 149, width=80, height=16).splitlines()[2:16]
    cells = np.array([[ord(cell) for cell in line[6:].ljust(74)] for line in picture])
    bits = np.where(cells == ord(" "), 0, cells - 0x2800)[..., None, None]
    dots = (bits & np.array([[1, 8], [2, 16], [4, 32], [64, 128]])) > 0
    dots = dots.transpose(0, 2, 1, 3).reshape(56, 148)
    values = COSINE.at(np.linspace(0, 148, 148).round().astype(int))
    drawn = [0.1 * (1 - np.flatnonzero(column).mean() / 55) for column in dots.T]
    smooth = np.abs(np.gradient(values)) < 0.01
    np.testing.assert_allclose(np.array(drawn)[smooth], values[smooth], atol=0.1 / 55)


def test_restarts_are_marked_on_the_axis_and_listed():
    picture = draw([COSINE], 501, **BOX)
    *_, axis, labels, caption = picture.splitlines()
    assert caption == "step; ┴ restarts at 80, 180, 330"
    marks = [column for column, sign in enumerate(axis) if sign in "┴┼"]
    assert marks == [6 + round(73 * step / 500) for step in (80, 180, 330)]
    assert labels.split() == ["0", "100", "200", "300", "400", "500"]


def test_a_restart_is_drawn_as_the_jump_that_it_is():
    rows = draw([COSINE], 149, **BOX, is_ascii=True).splitlines()[2:16]
    column = 6 + round(73 * 80 / 148)
    assert {row[column] for row in rows} == {"*"}


def test_several_have_a_character_each_or_a_colour():
    plain = draw([LOG, COSINE], 400, **BOX)
    assert plain.splitlines()[:2] == ["** cyclical_log", "oo cyclical_cosine"]
    coloured = draw([LOG, COSINE], 400, **BOX, is_coloured=True)
    assert coloured.splitlines()[:2] == [
        "\x1b[36m━━\x1b[0m cyclical_log",
        "\x1b[33m━━\x1b[0m cyclical_cosine",
    ]
    assert "\x1b" not in plain
    assert "⠉" not in plain
    assert "⡇\x1b[0m" in coloured


def test_one_schedule_needs_no_colour():
    assert draw([LOG], 400, **BOX, is_coloured=True) == draw([LOG], 400, **BOX)


def test_a_logarithmic_axis_goes_by_powers_of_ten():
    decay = la.step_decay_schedule(init_value=0.1, decay_steps=30, decay_rate=0.1)
    lines = draw([decay], 120, width=60, height=18, log_scale=True).splitlines()
    written = [line.split("┤")[0].strip() for line in lines if "┤" in line]
    assert written == ["0.1", "0.01", "0.001", "0.0001"]
    long = draw([decay], 500, width=60, height=18, log_scale=True).splitlines()
    written = [line.split("┤")[0].strip() for line in long if "┤" in line]
    assert written == ["0.1", "0.0001", "1e-07", "1e-10", "1e-13", "1e-16"]


def test_a_logarithmic_axis_starts_at_the_lowest_value_above_zero():
    rise = la.polynomial_schedule(init_value=0.0, end_value=0.1, decay_steps=100)
    lines = draw([rise], 101, **BOX, log_scale=True).splitlines()
    assert [line.split("┤")[0].strip() for line in lines if "┤" in line] == ["0.1", "0.01", "0.001"]


def test_values_of_zero_alone_are_drawn_on_either_axis():
    for log_scale in (False, True):
        assert "0.0 ┤⣀⣀⣀" in draw([la.constant_schedule(0.0)], 9, **BOX, log_scale=log_scale)


def test_is_plain_where_the_output_takes_no_other_characters(monkeypatch):
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr(sys, "stdout", stdout)
    assert show(la.to_json(LOG)) == 0
    lines = stdout.buffer.getvalue().decode("ascii").splitlines()
    assert re.match(r"0.10 \+ +\*", lines[2])
    assert lines[-1].startswith("step; ^ restarts at 100, 200")


def test_is_a_command_of_the_interpreter(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["log_anneal", "show", "{"])
    with pytest.raises(SystemExit, match="2"):
        runpy.run_path(main.__code__.co_filename, run_name="__main__")
    assert capsys.readouterr().err.startswith("log_anneal: `text` must be JSON")


def test_without_matplotlib_it_draws_and_says_how_to_get_the_picture(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert show(la.to_json(LOG)) == 0
    out, err = capsys.readouterr()
    assert "⠉" in out
    assert err == "A picture needs matplotlib: pip install 'log_anneal[plot]'.\n"
    assert show(la.to_json(LOG), "--out", "it.png") == 2
    assert capsys.readouterr().err.endswith("pip install 'log_anneal[plot]'.\n")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["nowhere.json"],
            r"`SCHEDULE` must be JSON, a file .* got 'nowhere.json'. Write",
        ),
        (["{"], "`text` must be JSON, got '{'"),
        (['{"schedule": "cyclical_lag", "version": 1}'], "Did you mean 'cyclical_log'"),
        ([la.to_json(LOG).replace("80", "-80")], "`decay_steps` must be"),
        ([la.to_json(LOG), "--out", "no/where.png"], "`--out` must be .* got no/where.png: .*Name"),
        (
            [la.to_json(LOG), "--out", "it.txt"],
            "`--out` must be .* got it.txt: .*Name another",
        ),
        ([la.to_json(LOG), "--steps", "0"], "--steps: must be .* got '0'; left out, it shows"),
        ([la.to_json(LOG), "--steps", "1e3"], "--steps: must be .* got '1e3'; left out, it shows"),
        ([la.to_json(LOG), "--stepps", "3"], "unrecognized arguments: --stepps 3. See .* --help"),
        ([], "required: SCHEDULE. See .* show --help"),
    ],
    ids=lambda value: " ".join(value)[-30:] if isinstance(value, list) else "",
)
def test_a_wrong_input_is_one_line_and_code_2(capsys, arguments, message):
    try:
        code = show(*arguments)
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(message, line), line


def test_help_says_what_a_schedule_is(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["show", "--help"])
    assert 'python -m log_anneal show \'{"schedule": "constant"' in capsys.readouterr().out


def test_draw_takes_one_schedule_and_finds_its_length():
    assert draw(LOG, **BOX) == draw([LOG], contents.length([LOG], None), **BOX)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"schedules": []}, "`schedules` must hold at least one, got none"),
        ({"width": 29}, "`width` must be at least 30, got 29"),
        ({"height": 5}, "`height` must be at least 6, got 5"),
        ({"num_steps": 0}, "`num_steps` must be from 1 to"),
    ],
)
def test_draw_refuses_what_it_cannot_draw(arguments, message):
    with pytest.raises(ValueError, match=message):
        draw(**{"schedules": LOG} | arguments)


OWN = """
from typing import ClassVar

import log_anneal as la
from log_anneal.fields import number
{more}

class FlatTop(la.Schedule):
    name: ClassVar[str] = "{name}"
    peak_value: float = number()

    def value_at(self, step, xp):
        return xp.minimum(self.peak_value, 0.001 * step)


def get_study(size):
    raise AssertionError("a study is not made to draw a schedule")
"""


def own_class(path, name, more=""):
    """Writes a file with a class of one's own, and returns JSON of it."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(OWN.format(name=name, more=more))
    return json.dumps({"schedule": name, "peak_value": 0.03})


@pytest.mark.parametrize("how", ["file", "module", "in a product"])
def test_draws_a_class_of_a_configuration_file_that_it_is_told_to_import(
    tmp_path, monkeypatch, capsys, how
):
    name = f"flat_top_{how.replace(' ', '_')}"
    text = own_class(tmp_path / "mine" / f"study_{name}.py", name, "import beside")
    (tmp_path / "mine" / "beside.py").write_text("")
    if how == "in a product":
        half = {"schedule": "constant", "value": 0.5}
        text = json.dumps(
            {"schedule": "combined", "first": json.loads(text), "second": half}
            | {"operation": "product"}
        )
    assert show(text) == 2
    err = capsys.readouterr().err
    assert f"got {name!r}" in err
    assert err.endswith("For a schedule of your own, give `--import` its file or module.\n")

    imported = f"mine/study_{name}.py"
    if how == "module":
        monkeypatch.syspath_prepend(tmp_path / "mine")
        imported = f"study_{name}"
    before = list(sys.path)
    assert show(text, "--import", imported) == 0
    assert sys.path == before
    assert "peak_value=0.03" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("nowhere.py", None, "FileNotFoundError"),
        ("no_such_module", None, "ModuleNotFoundError"),
        ("wrong.py", "import log_anneal\nlog_anneal.nothing", "AttributeError"),
    ],
)
def test_what_cannot_be_imported_is_refused_in_one_line(tmp_path, capsys, name, content, why):
    if content:
        (tmp_path / name).write_text(content)
    assert show(la.to_json(LOG), "--import", name) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("log_anneal: `--import` must be a module or a Python file that can be ")
    assert f"got {name}: {why}: " in line and line.endswith("Mend it, or name another.")
