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


PLANS = sorted((Path(__file__).parents[2] / "docs" / "results").rglob("plan.toml"))


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.parent.name)
def test_the_plans_of_the_results_can_be_read(plan):
    for part in read_plan(plan, Path("data")):
        assert part.seeds <= 3 and set(part.methods) <= set(METHODS)


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
