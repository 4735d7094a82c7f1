"""What a wrong name or a number that came as text is told: a sentence, with the way out."""

import inspect

import pytest
import yaml
from every_schedule import CYCLE, ONE_OF_EACH_CLASS, RISE

import log_anneal as la


@pytest.mark.parametrize("schedule", ONE_OF_EACH_CLASS, ids=repr)
def test_a_misspelt_field_is_told_with_the_nearest_name(schedule):
    for name in schedule.__getstate__():
        wrong = f"{name}s" if len(name) > 6 else f"{name}_"
        said = (
            rf"^`{wrong}` must be a field of {type(schedule).__name__}, .* mean `{name}`\? It has `"
        )
        with pytest.raises(TypeError, match=said):
            schedule.replace(**{wrong: 1})
        with pytest.raises(TypeError, match=said):
            type(schedule)(**schedule.__getstate__() | {wrong: 1})


def test_a_name_that_is_like_no_other_is_told_all_names():
    with pytest.raises(TypeError, match="`lr` must be a field .* It has `init_value`, `end_value`"):
        RISE.replace(lr=0.1)


def test_a_name_that_another_schedule_has_is_not_taken_for_a_misspelt_one():
    with pytest.raises(TypeError, match=r"`peak_value` must be .* none so named\. It has"):
        RISE.replace(peak_value=0.1)  # and not: did you mean `end_value`?


def test_a_field_that_is_missing_or_has_no_name_is_told_the_names():
    with pytest.raises(TypeError, match="`decay_steps` must be given .* missing. It has `init_v"):
        la.polynomial_schedule(init_value=1.0, end_value=0.0)
    with pytest.raises(TypeError, match=r"by their names, got 1.0, 0.0 without one. Write `init_v"):
        la.polynomial_schedule(1.0, 0.0)


def test_the_help_of_a_constructor_names_its_fields_still():
    parameters = inspect.signature(la.polynomial_schedule).parameters
    assert list(parameters) == ["init_value", "end_value", "decay_steps", "power"]


@pytest.mark.parametrize(
    ("text", "written"), [("1e-3", "0.001"), ("1e-7", "1.0e-07"), ("2.5E9", "2500000000")]
)
def test_a_number_that_came_as_text_is_told_how_it_is_written(text, written):
    assert yaml.safe_load(written) == float(text)
    said = rf"got '{text}'. That is text: write {written} without quotes. YAML"
    with pytest.raises(ValueError, match=f"`peak_value` must be a number, {said}"):
        la.cyclical_log_schedule(**CYCLE | {"peak_value": text})
    with pytest.raises(ValueError, match=f"`decay_steps` must be a whole number of steps, {said}"):
        la.cyclical_log_schedule(**CYCLE | {"decay_steps": text})
    with pytest.raises(ValueError, match=f"`num_restarts` must be a whole number .* {said}"):
        la.cyclical_log_schedule(**CYCLE, num_restarts=text)
    with pytest.raises(ValueError, match=rf"`values\[1\]` must be a number, {said}"):
        la.tabulated_schedule([0.1, text])
    with pytest.raises(ValueError, match=rf"`schedules\[0\]` must be a schedule, .* {said}"):
        la.chain([(text, 7)])


def test_other_text_is_not_taken_for_a_number():
    for text in ("fast", "nan", "inf", ""):
        with pytest.raises(ValueError, match="Give one, 0.1 for example"):
            la.constant_schedule(text)
