import json
from dataclasses import FrozenInstanceError, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baad.errors import SettingError
from baad.settings import TrainSettings, describe_allowed, load_settings, parse_share


def test_no_file_and_no_override_gives_the_defaults():
    assert load_settings(None, []) == TrainSettings()


def test_the_last_override_beats_the_file_and_the_file_beats_the_default(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("steps = 30\nbatch_size = 4\n")
    settings = load_settings(file, ["batch_size=5", "batch_size=6"])
    assert (settings.steps, settings.batch_size, settings.seed) == (30, 6, TrainSettings().seed)


def test_typed_values_are_read_by_the_type_of_the_setting():
    settings = load_settings(None, ["mask_head=off", "minutes=2", "false_alarms=2%", "mask_target = union"])
    assert settings.mask_head is False
    assert settings.minutes == 2.0
    assert isinstance(settings.minutes, float)
    assert settings.false_alarms == pytest.approx(0.02)
    assert settings.mask_target == "union"


def test_a_misspelt_name_is_told_the_nearest_known_one():
    with pytest.raises(SettingError, match="Did you mean learning_rate"):
        load_settings(None, ["learning-rat=1e-3"])


def test_a_name_like_no_other_is_told_all_known_ones():
    with pytest.raises(SettingError, match=r"Known settings: size, .*, steps"):
        load_settings(None, ["xyzzy=1"])


def test_an_unknown_name_in_a_file_is_told_with_its_file(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("stepps = 30\n")
    with pytest.raises(SettingError, match=r"'stepps' in .*mine\.toml\. Did you mean steps"):
        load_settings(file, [])


@pytest.mark.parametrize(
    ("override", "allowed"),
    [
        ("steps=many", "a whole number from 1 to 1000000"),
        ("steps=0", "a whole number from 1 to 1000000"),
        ("steps=1.5", "a whole number"),
        ("size=huge", "tiny, fast or small"),
        ("mask_head=maybe", "true or false"),
        ("false_alarms=0", "a number of at least 1e-09 and below 1"),
        ("ema=1", "a number of at least 0 and below 1"),
        ("learning_rate=nan", "a number above 0"),
        ("image_size=250", "multiple of 32, such as 256"),
        ("image_size=2048", "a whole number from 64 to 1024"),
        ("device=tpu", "auto, cpu, cuda, cuda:1 or mps"),
        ("steps", "such as --set steps=1200"),
    ],
)
def test_a_wrong_value_is_told_what_is_allowed(override, allowed):
    with pytest.raises(SettingError, match=allowed):
        load_settings(None, [override])


@pytest.mark.parametrize(
    "line", ['steps = "30"', "steps = true", "mask_head = 1", "steps = 30.0", "size = 3", "[steps]"]
)
def test_a_file_with_a_value_of_the_wrong_type_is_refused(tmp_path, line):
    file = tmp_path / "mine.toml"
    file.write_text(line + "\n")
    with pytest.raises(SettingError, match="give "):
        load_settings(file, [])


@pytest.mark.parametrize(("content", "problem"), [(b"steps : 3", "is not TOML"), (b"\xff\xfe", "is not TOML")])
def test_a_file_that_is_not_toml_is_refused(tmp_path, content, problem):
    file = tmp_path / "mine.toml"
    file.write_bytes(content)
    with pytest.raises(SettingError, match=problem):
        load_settings(file, [])


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SettingError, match=r"absent\.toml"):
        load_settings(tmp_path / "absent.toml", [])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"feature_head": False, "anomaly_from": "features"}, "rebuilt features, which feature_head=false leaves out"),
        ({"size": "small", "view": "wide"}, "small has one view, the near one"),
    ],
)
def test_settings_that_cannot_be_had_together_are_refused(given, told):
    with pytest.raises(SettingError, match=told):
        TrainSettings(**given)


@pytest.mark.parametrize("typed", ["minutes=50%", "novelty=50%", "steps=50%"])
def test_percent_is_taken_for_shares_alone(typed):
    with pytest.raises(SettingError, match=f"{typed.split('=')[0]} is '50%': give a"):
        load_settings(None, [typed])
    assert load_settings(None, ["held_out=50%", "suppression_margin=2 %"]).held_out == 0.5


def test_percent_may_stand_in_a_file_too(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('false_alarms = "5%"\nheld_out = 0.3\n')
    assert load_settings(file, []).false_alarms == 0.05
    file.write_text('minutes = "5%"\n')
    with pytest.raises(SettingError, match="minutes is '5%'"):
        load_settings(file, [])


def test_settings_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        TrainSettings().steps = 3  # type: ignore[misc]


def test_the_dictionary_survives_json_and_makes_the_same_settings():
    settings = TrainSettings(steps=7, feature_head=False, minutes=0.5)
    assert TrainSettings(**json.loads(json.dumps(settings.to_dict()))) == settings


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "steps": st.integers(1, 10**6),
            "anomaly_share": st.floats(0, 1, allow_subnormal=False),
            "feature_head": st.booleans(),
            "image_size": st.integers(2, 32).map(lambda n: 32 * n),
        },
    )
)
def test_what_is_typed_and_what_is_constructed_agree(values):
    assert load_settings(None, [f"{name}={value}" for name, value in values.items()]) == TrainSettings(**values)


@pytest.mark.parametrize("each", fields(TrainSettings), ids=lambda each: each.name)
def test_every_setting_says_what_it_means_and_what_it_may_be(each):
    assert each.metadata["help"].endswith(".")
    assert describe_allowed(each)
    if each.type in (int, float):
        limits = each.metadata["limits"]
        assert (limits["low"] is None) != (limits["above"] is None)
        assert (limits["high"] is None) != (limits["below"] is None)


@pytest.mark.parametrize(("text", "share"), [("1%", 0.01), ("0.01", 0.01), (" 99.9 % ", 0.999)])
def test_a_share_is_read_as_percent_or_fraction(text, share):
    assert parse_share(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["2", "101%", "100%", "0", "-1%", "one", "", "nan"])
def test_what_is_no_share_is_refused(text):
    with pytest.raises(SettingError, match="of at least 1e-09 and below 1, such as 1% or"):
        parse_share(text, "false alarms")


def test_steps_that_come_after_minutes_count(tmp_path):
    (tmp_path / "settings.toml").write_text("minutes = 5.0\n")
    assert load_settings(tmp_path / "settings.toml", ["steps=300"]).minutes == 0
    assert load_settings(None, ["minutes=5", "steps=300"]).minutes == 0
    assert load_settings(None, ["steps=300", "minutes=5"]).minutes == 5
