"""The names of files: no label leads out of its folder."""

from pathlib import Path

import pytest
import small

from train.folder.names import joined, slug
from train.study.names import combination, range_test_folder

EVIL = ["..", ".", "...", "../..", "a/b", "/etc/passwd", "..\\..", "a/../../b", "\0", "", "é", "~"]


@pytest.mark.parametrize("label", EVIL)
def test_a_label_stays_in_its_folder(label):
    folder = Path("/study/tuning")
    for name in (joined([label]), joined([label, label]), combination({"kind": label})):
        assert name and (folder / name).resolve().parent == folder
    assert (folder / range_test_folder(label)).resolve().parent == folder


def test_the_names_of_folders_that_have_begun_stay():
    assert [slug(each) for each in ("log, base 1.5", "1/2", ".5", "A..b")] == [
        *("log_base_1.5", "1_2", ".5", "a..b")
    ]
    assert joined(["One", "2.5"]) == "one-2.5"


def test_the_lint_bans_what_runs_a_text(tmp_path):
    """Each of these is refused in the trainer, by the rules of pyproject.toml."""
    import subprocess
    import sys

    lines = {
        "S301": "pickle.loads(b'')",
        "S302": "marshal.loads(b'')",
        "S307": "eval('1')",
        "S102": "exec('1')",
        "S506": "yaml.load('1')",
        "S202": "tarfile.open('a').extractall('b')",
        "S602": "subprocess.run('ls', shell=True)",
    }
    code = "import marshal\nimport pickle\nimport subprocess\nimport tarfile\n\nimport yaml\n\n"
    found = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--stdin-filename", "train/x.py", "-"],
        input=code + "\n".join(lines.values()) + "\n",
        cwd=small.ROOT,
        capture_output=True,
        text=True,
    ).stdout
    assert all(rule in found for rule in lines)
