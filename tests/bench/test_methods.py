from dataclasses import replace

import pytest

from baad.bench.fitting import NEW
from baad.bench.methods import BASELINES, GROUPS, METHODS, choose_methods
from baad.errors import SettingError
from baad.settings import TrainSettings


@pytest.mark.parametrize("name", METHODS)
def test_every_method_changes_settings_that_exist(name):
    method = METHODS[name]
    changes = {**method.settings, **method.scoring}
    changed = replace(TrainSettings(), **changes)
    assert all(getattr(changed, key) == value for key, value in changes.items())
    assert method.baseline in ("", *NEW)


@pytest.mark.parametrize("name", GROUPS["ablation"][1:])
def test_every_switch_of_the_ablation_throws_something(name):
    default = TrainSettings()
    changes = {**METHODS[name].settings, **METHODS[name].scoring}
    assert any(getattr(default, key) != value for key, value in changes.items())


def test_switches_of_scoring_are_thrown_on_models_that_other_rows_train():
    plain = [method for method in METHODS.values() if not (method.scoring or method.baseline or method.outlined)]
    trained = [method.settings for method in plain]
    assert all(method.settings in trained for method in METHODS.values() if method.scoring)


def test_with_the_background_off_nothing_of_it_is_left():
    off = replace(TrainSettings(), **METHODS["background_off"].settings)
    assert off.foreground == "off" and not off.mask_head and off.anomalies_on == "anywhere"
    assert off.background_share == off.invariance == off.suppression == 0.0
    assert (off.view, off.feature_error, off.by_place) == ("near", 0.0, False)  # as BAAD is where it found one


def test_groups_stand_for_their_methods_and_each_comes_once():
    assert choose_methods(["baad", "ablation"]) == GROUPS["ablation"]
    assert choose_methods(["padim", "nearest+mask", "padim"]) == ("padim", "nearest+mask")
    assert len(GROUPS["baselines"]) == 2 * len(BASELINES)


def test_the_groups_hold_all_that_stands_above_foreground_off():
    """docs/benchmarks.md says so."""
    names = list(METHODS)
    assert {*GROUPS["ablation"], *GROUPS["baselines"]} == set(names[: names.index("foreground_off")])


def test_what_takes_other_steps_or_is_the_default_somewhere_is_in_no_group():
    assert not {"with_invariance", "wide_view", "near_view"} & {*GROUPS["ablation"], *GROUPS["baselines"]}


@pytest.mark.parametrize("words", [["foo"], []])
def test_an_unknown_method_or_none_is_a_clear_error(words):
    with pytest.raises(SettingError, match=r"give ablation, baselines, baad, .*draem\+mask"):
        choose_methods(words)
