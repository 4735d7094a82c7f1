"""A class that another process rebuilds from a pickle by value, as notebooks and clusters do."""

import subprocess
import sys
import textwrap

from small import ROOT

DEFINED = """
    from typing import ClassVar

    import log_anneal as la
    from log_anneal.fields import duration, number


    class SawSchedule(la.Schedule):
        name: ClassVar[str] = "saw_of_a_notebook"
        peak_value: float = number()
        period_steps: int = duration()

        def value_at(self, step, xp):
            return self.peak_value * (step % self.period_steps) / self.period_steps

        def restarts_at(self):
            return range(self.period_steps, 2**31, self.period_steps)
"""

SENT = """
    import sys
    import cloudpickle
    saw = SawSchedule(peak_value=0.4, period_steps=4)
    open(sys.argv[1], "wb").write(cloudpickle.dumps({what}))
"""

CHECKED = """
    text = '{"schedule": "saw_of_a_notebook", "version": 1, "peak_value": 0.4, "period_steps": 4}'
    assert la.to_json(saw) == text and la.from_json(text) == saw
    assert repr(saw) == "SawSchedule(peak_value=0.4, period_steps=4)"
    assert saw.at(5) == 0.1 and abs(saw(5) - 0.1) < 1e-7 and saw.replace() == saw
    assert la.from_json(la.to_json(0.5 * saw)) == 0.5 * saw
    assert pickle.loads(pickle.dumps(saw)) == saw
"""

TAKEN = """
    import pickle
    import sys
    import log_anneal as la
    saw = pickle.loads(open(sys.argv[1], "rb").read())
"""

READ = """
    import pickle
    import sys
    import log_anneal as la
    cls = pickle.loads(open(sys.argv[1], "rb").read())
    text = '{"schedule": "saw_of_a_notebook", "version": 1, "peak_value": 0.4, "period_steps": 4}'
    saw = la.from_json(text)
    assert type(saw) is cls
    try:
        cls(peek_value=0.4, period_steps=4)
    except TypeError as error:
        assert "Did you mean `peak_value`?" in str(error)
"""

NAMES = "sys.modules['__main__'].SawSchedule = type(saw)\n"


def run(path, *parts):
    script = path.with_suffix(".py")
    script.write_text("".join(map(textwrap.dedent, parts)))
    command = [sys.executable, str(script), str(path)]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env={"PYTHONPATH": "."}
    )
    assert done.returncode == 0, done.stderr


def test_a_schedule_of_a_class_of_main_keeps_its_name_in_another_process(tmp_path):
    run(tmp_path / "sent", DEFINED, SENT.format(what="saw"))
    run(tmp_path / "sent", TAKEN, NAMES, CHECKED)


def test_json_finds_a_class_that_came_by_itself(tmp_path):
    run(tmp_path / "sent", DEFINED, SENT.format(what="SawSchedule"))
    run(tmp_path / "sent", READ, NAMES, CHECKED)


def test_a_class_that_comes_back_is_the_same_definition(tmp_path):
    run(tmp_path / "sent", DEFINED, SENT.format(what="saw"))
    here = "mine = SawSchedule(peak_value=0.4, period_steps=4)\n"
    both = "assert la.to_json(mine) == la.to_json(saw) and repr(mine) == repr(saw)\n"
    run(tmp_path / "sent", DEFINED, here, TAKEN, both)
