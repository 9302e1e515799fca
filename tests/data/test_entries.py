from pathlib import Path

import pytest

from baad.data.entries import (
    Entry,
    defects_of_folders,
    half_of,
    half_of_folders,
    join_kinds,
    kind_of_label,
    make_category,
    may_hold_defects,
)


@pytest.mark.parametrize(
    ("text", "half"),
    [
        ("train", "train"),
        ("instances_Train", "train"),
        ("Test set", "test"),
        ("val_v2", "test"),
        ("latest", ""),
        ("", ""),
    ],
)
def test_a_split_or_a_files_name_tells_the_half_by_any_of_its_words(text, half):
    assert half_of(text) == half


@pytest.mark.parametrize(
    ("names", "half"),
    [
        (("train", "good"), "train"),
        (("images", "val2017"), "test"),
        (("instances_Train",), "train"),
        (("training_line", "test"), "test"),
        (("testing", "train"), "train"),
        (("test_ok",), "test"),
        (("test-a", "JPEGImages"), "test"),
        (("img_test_split",), "test"),
        (("test_cell_3", "good"), ""),
        (("training_line",), ""),
        (("contest", "latest", "trains"), ""),
        ((), ""),
    ],
)
def test_the_innermost_folder_that_is_named_for_a_half_tells_it(names, half):
    assert half_of_folders(names) == half


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (("NG",), "NG"),
        (("line", "defect_parts", "monday"), "defect_parts"),
        (("nio-2", "lot 3 rejected"), "lot 3 rejected"),
        (("defects", "good"), ""),
        (("anomaly_detection", "cam1"), ""),
        (("bad_homburg",), ""),
        (("no_defects",), ""),
        ((), ""),
    ],
)
def test_the_innermost_folder_that_may_hold_defects_alone_names_them(names, kind):
    assert defects_of_folders(names) == kind


def test_any_word_may_speak_of_defects_unless_another_turns_it_round():
    assert all(map(may_hold_defects, ("NG", "defect_parts", "rejected_on_monday", "bad_homburg")))
    assert not any(map(may_hold_defects, ("no_defects", "defect free", "anomaly_detection", "badge", "king", "lot 3")))


def test_words_for_good_are_one_kind_and_others_stay_as_they_are():
    assert [kind_of_label(label) for label in ("OK", " normal ", "Good", "Dent", "a/b\nc")] == [
        *("good", "good", "good", "Dent", "a b c"),
    ]
    assert join_kinds([]) == join_kinds(["ok"]) == "good"
    assert join_kinds(["b", "a", "b", "ok", "/"]) == "a+b+defect"


def test_sub_folders_are_sessions_from_five_on_unless_sessions_are_told():
    folders = [Path("root", f"day {number}") for number in range(4)]
    entries = [Entry(folder / "a.png", "good") for folder in (*folders, Path("root/../elsewhere"))]
    category = make_category("disc", Path("root"), "list", entries)
    assert {image.session for image in category.train} == {"day 0", "day 1", "day 2", "day 3", "../elsewhere"}
    for others in (entries[:4], [*entries, Entry(Path("root/b.png"), "good", session="monday")]):
        category = make_category("disc", Path("root"), "list", others)
        assert {image.session for image in category.train} <= {"", "monday"}


def test_good_pictures_are_learnt_from_unless_for_testing_and_defects_never():
    entries = [
        Entry(Path("10.png"), "good"),
        Entry(Path("9.png"), "good", "train", session="monday"),
        Entry(Path("8.png"), "good", "test"),
        Entry(Path("7.png"), "dent", "train"),
    ]
    category = make_category("disc", Path("."), "list", entries, ["one note"])
    assert [(image.path.name, image.session) for image in category.train] == [("9.png", "monday"), ("10.png", "")]
    assert [(image.path.name, image.kind) for image in category.test] == [("7.png", "dent"), ("8.png", "good")]
    assert category.notes == ("one note", "1 defective pictures of the training half are for testing only")
