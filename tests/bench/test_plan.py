from pathlib import Path

import pytest

from baad.bench.methods import GROUPS, METHODS
from baad.bench.plan import read_plan
from baad.errors import SettingError

PLAN = """
minutes = 5.0
[[part]]
categories = ["a", "b"]
methods = ["ablation"]
seeds = 3
stress = ["baad"]
[[part]]
categories = ["a"]
methods = ["padim", "draem"]
minutes = 1
mask_head = false
"""


def read(tmp_path, text):
    (tmp_path / "plan.toml").write_text(text)
    return read_plan(tmp_path / "plan.toml", Path("data"))


def test_parts_have_their_own_settings_on_top_of_those_for_all(tmp_path):
    first, second = read(tmp_path, PLAN)
    assert (first.categories, first.methods, first.seeds) == ((Path("data/a"), Path("data/b")), GROUPS["ablation"], 3)
    assert (first.settings.minutes, first.settings.mask_head, first.stress) == (5.0, True, ("baad",))
    assert (second.methods, second.seeds, second.stress) == (("padim", "draem"), 1, ())
    assert (second.settings.minutes, second.settings.mask_head) == (1.0, False)


RESULTS = Path(__file__).parents[2] / "docs" / "results"
PLANS = sorted(RESULTS.rglob("plan.toml"))
CATEGORIES = [
    *("leaf_cbg", "coffee_leaf", "ball_screw", "magnetic_tile"),
    *("dobot_cube", "cube_pool", "piped_pa_brg03_tl", "piped_pa_bft01_tl"),
]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.parent.name)
def test_the_plans_of_the_results_can_be_read(plan):
    for part in read_plan(plan, Path("data")):
        assert part.seeds <= 3 and set(part.methods) <= set(METHODS)


def planned_seeds(name):
    """(category, method) -> seeds, of the plan of the results in a folder."""
    parts = read_plan(RESULTS / name / "plan.toml", Path("data"))
    return {(each.name, method): part.seeds for part in parts for each in part.categories for method in part.methods}


def test_the_whole_ablation_runs_on_two_categories_and_what_knows_of_background_on_two_more():
    seeds = planned_seeds("background/ablation")
    switches = """baad no_mask_head anomalies_anywhere no_background_changes union_target no_suppression no_image_head
        no_feature_head discriminator_map feature_error separate_networks random_pdn plain background_off"""
    assert set(switches.split()) <= set(GROUPS["ablation"])
    for method in (*GROUPS["ablation"], "with_invariance"):
        assert (seeds.get(("leaf_cbg", method)), seeds.get(("cube_pool", method))) == (3, 1), method
    for method in ("baad", "no_mask_head", "no_background_changes", "background_off"):
        assert ("coffee_leaf", method) in seeds and ("magnetic_tile", method) in seeds


def test_the_baselines_run_beside_baad_on_every_category_for_as_long():
    seeds, methods = planned_seeds("baselines"), ("baad", *GROUPS["baselines"])
    assert {(category, method) for category in CATEGORIES for method in methods} <= set(seeds)
    assert {seeds["leaf_cbg", method] for method in methods} == {3}
    parts = read_plan(RESULTS / "baselines" / "plan.toml", Path("data"))
    assert {part.settings.minutes for part in parts if set(part.methods) & set(methods)} == {5.0}


def test_accuracy_comes_from_three_seeds_of_every_category():
    assert planned_seeds("accuracy") == {(category, "baad"): 3 for category in CATEGORIES}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = [", "is not TOML"),
        ("minutes = 5", r"has no \[\[part\]\]"),
        ("[[part]]\nmethods = ['baad']", "names no categories"),
        ("[[part]]\ncategories = ['a']", "names no methods"),
        ("[[part]]\ncategories = 'a'\nmethods = ['baad']", "categories is 'a' in part 1"),
        ("[[part]]\ncategories = ['a']\nmethods = ['foo']", "Unknown method 'foo'"),
        ("[[part]]\ncategories = ['a']\nmethods = ['baad']\nseeds = 0", "seeds is 0"),
        ("[[part]]\ncategories = ['a']\nmethods = ['baad']\nminuts = 1", "Did you mean minutes"),
        ("[[part]]\ncategories = ['a']\nmethods = ['baad']\nstress = ['padim']", "stresses padim"),
    ],
)
def test_a_plan_that_cannot_be_run_is_a_clear_error(tmp_path, text, told):
    with pytest.raises(SettingError, match=told):
        read(tmp_path, text)


def test_a_plan_that_is_not_there_is_a_clear_error(tmp_path):
    with pytest.raises(SettingError, match="Cannot read"):
        read_plan(tmp_path / "none.toml", Path("data"))


@pytest.mark.parametrize(
    ("shared", "own", "steps", "minutes"),
    [
        ("minutes = 3.0\nsteps = 300", "minutes = 5.0", 300, 5.0),
        ("minutes = 3.0", "steps = 300", 300, 0.0),
        ("", "steps = 300\nminutes = 5.0", 300, 5.0),
        ("", "minutes = 5.0\nsteps = 300", 300, 5.0),
    ],
)
def test_minutes_count_before_steps_that_are_given_beside_them(tmp_path, shared, own, steps, minutes):
    plan = tmp_path / "plan.toml"
    plan.write_text(f'{shared}\n[[part]]\ncategories = ["a"]\nmethods = ["baad"]\n{own}\n')
    (part,) = read_plan(plan, tmp_path)
    assert (part.settings.steps, part.settings.minutes) == (steps, minutes)
