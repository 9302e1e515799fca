import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baad.data.sample import GoodImage
from baad.data.split import Split, count_held_out, split_held_out
from baad.verdict.calibration import fit_calibration
from baad.verdict.enough import check_enough
from baad.verdict.promise import describe, images_needed
from tests.factory import write_folder


def split_of(pictures, held, groups=None):
    """So many pictures, so many groups of near copies of them held out; all pictures of a group are."""
    groups = groups or pictures
    images = tuple(GoodImage(f"{number}.png") for number in range(pictures))
    out = held * (pictures // groups)
    return Split(images[out:], images[:out], "", tuple(number % held for number in range(out)), groups)


def told(normals, rate=0.01, held_out=0.1):
    """What is said of so many pictures, one string; nothing where all is well."""
    split = split_of(normals, count_held_out(normals, held_out))
    return "".join(map(str, check_enough("parts", split, rate, held_out)))


def promise_of(normals, rate, held_out):
    """What training will say of them."""
    held = count_held_out(normals, held_out)
    return describe(fit_calibration(range(held), range(held), [""] * held, rate))


def test_two_hundred_pictures_and_defaults_are_told_what_comes_what_helps_and_what_the_rate_needs():
    assert told(218) == (
        "parts: of 218 normal pictures 22 are held out to set the threshold: about 4 of 100 good parts may be "
        "rejected, 13 at worst (95 % sure), and 1 % was asked for. Give --set held_out=0.3 to hold out 65: 5 of 100 at "
        "worst; 1 % needs 299 held out, 997 pictures in all."
    )


def test_where_a_larger_share_is_enough_that_share_is_the_advice():
    assert "Give --set held_out=0.15 to hold out 300, which keeps it." in told(2000)
    assert told(2000, held_out=0.15) == ""


def test_who_holds_out_much_already_is_told_the_number_alone():
    assert told(100, held_out=0.3).endswith("1 % was asked for. 1 % needs 299 held out, 997 pictures in all.")
    assert told(2, held_out=0.3).startswith("parts: of 2 normal pictures 1 is held out to set the threshold: about 50")


def test_many_held_out_pictures_are_counted_in_thousands_so_that_none_is_no_alarm():
    assert "about 5 of 1000 good parts may be rejected, 15 at worst" in told(2000, held_out=0.1)


@settings(deadline=None)
@given(st.integers(2, 5000), st.sampled_from([0.001, 0.005, 0.01, 0.05, 0.2]), st.floats(0.05, 0.9))
def test_silence_here_is_silence_at_the_end_of_training_and_what_is_advised_keeps_the_rate(normals, rate, held_out):
    text = told(normals, rate, held_out)
    assert bool(text) == ("hold out" in promise_of(normals, rate, held_out))
    share = float(re.search(r"held_out=([\d.]+)", text)[1]) if "--set" in text else held_out
    pictures = int(re.search(r"(\d+) pictures in all", text)[1]) if "in all" in text else normals
    assert "hold out" not in promise_of(pictures, rate, share)
    assert told(pictures, rate, share) == ""


def test_pictures_that_nothing_ties_together_are_held_out_in_the_number_foretold(tmp_path):
    images = tuple(GoodImage(path) for path in sorted(write_folder(tmp_path, normals=12).glob("*.png")))
    for share in (0.01, 0.3, 0.9):
        assert len(split_held_out(images, share, seed=0).held_out) == count_held_out(12, share)
    assert (count_held_out(2, 0.9), count_held_out(1000, 0.299), images_needed(0.01)) == (1, 299, 299)


def test_near_copies_count_once_and_groups_are_what_is_asked_for():
    (finding,) = check_enough("parts", split_of(500, 10, 100), 0.01, 0.1)
    assert str(finding) == (
        "parts: of 500 normal pictures in 100 groups of near copies 10 groups are held out to set the threshold: about "
        "9 of 100 good parts may be rejected, 26 at worst (95 % sure), and 1 % was asked for. Give --set held_out=0.3 "
        "to hold out 30 groups: 10 of 100 at worst; 1 % needs 299 groups held out, 997 groups in all."
    )
    (finding,) = check_enough("parts", split_of(500, 1, 1), 0.01, 0.1)
    assert "in 1 group of near copies 1 group is held out" in str(finding)
    assert "hold out 19 groups, which keeps it" in str(check_enough("parts", split_of(500, 5, 100), 0.15, 0.05)[0])


def test_groups_that_stay_whole_are_counted_as_they_were_split_and_the_advice_is_no_promise_then():
    (finding,) = check_enough("parts", split_of(2000, 80, 1000), 0.01, 0.1)  # 100 groups were wanted
    assert "in 1000 groups of near copies 80 groups are held out" in str(finding)
    assert "held_out=0.3 to hold out about 300 groups, of which 299 keep it" in str(finding)
    (finding,) = check_enough("parts", split_of(2000, 295, 1000), 0.01, 0.3)  # 300 were wanted, and would be enough
    assert str(finding).endswith("1 % needs 299 groups held out, 1014 groups in all.")
    (finding,) = check_enough("parts", split_of(3000, 250, 1500), 0.01, 0.2)
    assert str(finding).endswith("Give --set held_out=0.3 to hold out about 450 groups, of which 299 keep it.")
    (finding,) = check_enough("parts", split_of(400, 15, 200), 0.01, 0.1)
    assert "to hold out about 60 groups: 5 of 100 at worst" in str(finding)


@pytest.mark.parametrize(("sessions", "pictures", "share", "held"), [(5, 20, 0.3, 20), (2, 100, 0.9, 100)])
def test_of_whole_sessions_nobody_is_told_what_another_share_would_hold_out(sessions, pictures, share, held):
    images = [GoodImage(Path(f"{name}/{index}.png"), name) for name in "abcde"[:sessions] for index in range(pictures)]
    (finding,) = check_enough("parts", split_held_out(images, share, seed=0), 0.01, share)
    assert f"of {sessions * pictures} normal pictures {held} are held out" in str(finding)
    assert str(finding).endswith("1 % needs 299 held out: give more sessions; they are held out whole.")


def test_many_sessions_may_be_enough_at_a_larger_share():
    images = [GoodImage(Path(f"{session}/{index}.png"), f"s{session}") for session in range(50) for index in range(20)]
    (finding,) = check_enough("parts", split_held_out(images, 0.1, seed=0), 0.01, 0.1)
    assert "needs 299 held out: give --set held_out=0.3 or more sessions" in str(finding)
    assert check_enough("parts", split_held_out(images, 0.3, seed=0), 0.01, 0.3) == []
