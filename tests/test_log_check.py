"""A log is compared with what the checkpoint says of it: each fault is named by its line."""

import json

import pytest

from train.errors import UserError
from train.folder.log import read_metrics
from train.folder.log_check import check, extent
from train.folder.sealed import is_sound, line, parsed

STEPS = 6
KINDS = {
    "train": {"kind": "train", "loss": 0.5, "accuracy": 0.25},
    "validation": {"kind": "eval", "split": "validation", "loss": 1.5},
    "test": {"kind": "eval", "split": "test", "loss": 2.5},
}


def a_line(step, kind="train", **changes):
    return line({**KINDS[kind], "step": step, **changes})


@pytest.fixture
def lines():
    """Six steps, with evaluations after the third and the last."""
    found = []
    for step in range(1, STEPS + 1):
        found.append(a_line(step))
        if step % 3 == 0:
            found += [a_line(step, "validation"), a_line(step, "test")]
    return found


def swap(lines, a, b):
    lines[a], lines[b] = lines[b], lines[a]


MENDED = {
    "doubled": (lambda lines: lines.insert(4, lines[1]), "line 5 is doubled"),
    "swapped": (lambda lines: swap(lines, 1, 2), "line 3 is out of order"),
    "swapped evaluations": (lambda lines: swap(lines, 3, 4), "line 5 is out of order"),
    "not JSON": (lambda lines: lines.insert(2, "what?\n"), "line 3 was cut short, or is no line"),
    "an object of something else": (
        lambda lines: lines.insert(2, '{"a": 1}\n'),
        "line 3 has changed since it was written, or is of something else",
    ),
    "a sound line of something else": (
        lambda lines: lines.insert(2, line({"a": 1})),
        "line 3 is no",
    ),
    "another run's before it": (
        lambda lines: lines.insert(1, a_line(2, loss=9)),
        "line 3 is doubled",
    ),
    "another run's after it": (
        lambda lines: lines.insert(2, a_line(2, loss=9)),
        "line 3 is doubled",
    ),
    "an empty line": (lambda lines: lines.insert(2, "\n"), ""),
    "no line break at the end": (lambda lines: lines.append(lines.pop()[:-1]), ""),
}
NOT_MENDED = {
    "missing": (lambda lines: lines.pop(1), "the line of step 2 is missing"),
    "torn": (
        lambda lines: lines.insert(1, lines.pop(1)[:20] + "\n"),
        "line 2 was cut short, or is",
    ),
    "a digit": (
        lambda lines: lines.insert(1, lines.pop(1).replace("0.25", "0.35")),
        "line 2 has changed since it was written",
    ),
    "its check": (
        lambda lines: lines.insert(1, lines.pop(1).replace('"check"', '"chock"')),
        "line 2 has changed since it was written",
    ),
    "an evaluation": (lambda lines: lines.pop(4), "a line is missing, or is of another run"),
    "all": (list.clear, "the line of step 1 is missing"),
}


@pytest.mark.parametrize(("damage", "said"), MENDED.values(), ids=MENDED)
def test_what_can_be_put_right_for_certain_is_mended(tmp_path, lines, damage, said):
    path, whole = tmp_path / "metrics.jsonl", "".join(lines).encode()
    damage(lines)
    path.write_text("".join(lines))
    found = check(path, STEPS, extent(whole))
    assert found.is_whole and found.content == whole
    assert said in found.says() and bool(said) == bool(found.faults)


@pytest.mark.parametrize(("damage", "said"), NOT_MENDED.values(), ids=NOT_MENDED)
def test_what_is_lost_is_named_and_the_rest_is_kept(tmp_path, lines, damage, said):
    path, whole = tmp_path / "metrics.jsonl", "".join(lines).encode()
    damage(lines)
    path.write_text("".join(lines))
    found = check(path, STEPS, extent(whole))
    assert not found.is_whole and said in found.says()
    left = [each.encode() for each in lines if is_sound(each.rstrip("\n").encode())]
    assert list(found.lines) == left


def test_lines_after_the_checkpoint_do_not_count(tmp_path, lines):
    path, head = tmp_path / "metrics.jsonl", "".join(lines[:5])
    path.write_text(head + lines[5] + '{"kind": "train", "st')
    found = check(path, 3, extent(head.encode()))
    assert (found.content, found.is_whole, found.says()) == (head.encode(), True, "")


def test_a_log_of_before_has_a_line_for_each_step_and_no_digest(tmp_path, lines):
    path = tmp_path / "metrics.jsonl"
    old = [json.dumps(parsed(each.encode())) + "\n" for each in lines]
    path.write_text("".join(old))
    assert check(path, STEPS, None).is_whole
    path.write_text("".join(old[1:]))
    found = check(path, STEPS, None)
    assert not found.is_whole and found.says() == "the line of step 1 is missing"


def test_many_faults_are_counted(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text("x\n" * 7)
    found = check(path, 1, {"bytes": 3, "sha256": ""})
    assert found.says().count("was cut short") == 3 and found.says().endswith("and 4 more faults")


def test_a_line_of_a_newer_release_is_refused_and_a_changed_version_is_damage(tmp_path):
    import zlib

    text = '{"kind": "train", "step": 1}'
    newer = f'{text[:-1]}, "check": "2:{zlib.crc32(b"2" + text.encode()):08x}"}}\n'
    (tmp_path / "newer").write_text(newer)
    with pytest.raises(UserError, match="A line of the log must be of version 1 or of before, got"):
        read_metrics(tmp_path / "newer")
    changed = line(json.loads(text)).replace('"1:', '"2:').encode()
    assert parsed(changed) == json.loads(text) and not is_sound(changed.strip())
