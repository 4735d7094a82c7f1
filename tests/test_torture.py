"""Each part of the torture, a few times; and that a broken promise is told."""

import json
import types

import numpy as np
import pytest

from tests.torture import __main__ as frame
from tests.torture import page

PARTS = frame.parts()


def few(part) -> int:
    """How often a part is tried here; 0: it takes long, and continuous integration tries it."""
    return getattr(part, "FEW", 3)


A_RESULT = {
    "claim": "Nothing | is lost.", "count": 1000, "figures": {"lost_runs": 0, "said": "yes"},
    "seconds": 12.34, "date": "2026-11-27", "command": "python -m tests.torture",
    "commit": "abc", "device": "1 x cpu", "versions": {"python": "3", "jax": "1", "numpy": "2"},
}  # fmt: skip


def a_part(torture) -> types.SimpleNamespace:
    return types.SimpleNamespace(CLAIM="It holds.", COUNT=20, torture=torture)


def test_a_part_is_tried_its_share_in_a_folder_of_its_own_with_its_own_draws(monkeypatch):
    seen = []

    def torture(random, folder, count):
        assert folder.is_dir() and not list(folder.iterdir())
        seen.append((count, folder, random.integers(1 << 60)))
        return {"tries": count}

    for name, share, seed in (("a", 0.5, 0), ("a", 0.01, 0), ("b", 0.5, 0), ("a", 0.5, 1)):
        result = frame.tried(name, a_part(torture), share, seed)
        assert result["figures"] == {"tries": result["count"]}
    assert [count for count, *_ in seen] == [10, 1, 10, 10]
    assert len({draw for *_, draw in seen}) == 3  # the share changes no draw
    assert not any(folder.exists() for _, folder, _ in seen)


def test_a_broken_promise_is_told_and_the_other_parts_are_tried(monkeypatch, capsys):
    def broken(random, folder, count):
        raise AssertionError("case 7: a step was lost")

    kept = []
    parts = {"a": a_part(broken), "b": a_part(lambda *_: {"lost": 0})}
    monkeypatch.setattr(frame, "parts", lambda: parts)
    monkeypatch.setattr(page, "keep", lambda name, result: kept.append((name, result)))
    assert frame.main([]) == 1
    assert [name for name, _ in kept] == ["b"]
    assert kept[0][1]["command"] == "python -m tests.torture" and kept[0][1]["versions"]["jax"]
    said = capsys.readouterr()
    assert "case 7: a step was lost" in said.err
    assert "a: BROKEN\nb: held" in said.out and "broken: a" in said.out
    assert frame.main(["--part", "b", "--share", "0.5"]) == 0
    assert len(kept) == 1


def test_the_page_holds_the_figures_of_every_part(tmp_path):
    page.keep("b", A_RESULT, tmp_path)
    page.keep("a", {**A_RESULT, "figures": {"lost_runs": 3}}, tmp_path)
    text = (tmp_path / "reliability.md").read_text()
    assert "| Nothing \\| is lost. | 1,000 | lost runs: 3 |" in text
    assert "| lost runs: 0<br>said: yes |" in text
    assert text == page.written(json.loads((tmp_path / "reliability.json").read_bytes()))


def test_the_kept_page_is_that_of_its_numbers_and_tells_of_parts_that_there_are():
    kept = json.loads((page.DOCS / "reliability.json").read_bytes())
    assert (page.DOCS / "reliability.md").read_text() == page.written(kept)
    assert kept.keys() <= PARTS.keys()
    for name, result in kept.items():
        assert (result["claim"], result["count"]) == (PARTS[name].CLAIM, PARTS[name].COUNT), name


@pytest.mark.parametrize("name", [name for name, part in PARTS.items() if few(part)])
def test_a_part_holds_a_few_times(name, tmp_path):
    assert PARTS[name].torture(np.random.default_rng(1), tmp_path, few(PARTS[name]))
