"""What a run promises, tried many times at random: `python -m tests.torture`.

Each part is a module of this package that has

- `CLAIM`: what is promised, in a sentence;
- `COUNT`: how often a whole run tries it;
- perhaps `FEW`: how often `tests/test_torture.py` tries it; 0: not at all, since it takes long;
- `torture(random, folder, count) -> figures`: tries it so often, in an empty folder. It raises
  AssertionError, which names the case, where the promise is broken.

Modules without a `COUNT` help the others. pytest collects none of them; `tests/test_torture.py`
tries each part a few times, three unless it says otherwise.
"""
