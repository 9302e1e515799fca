import json
from dataclasses import replace

import numpy as np
import pytest

from baad.bench import foreground, foreground_table
from baad.bench.drawn_sets import PICTURES, SIZE, draw_sets
from baad.bench.foreground_table import choose_level, describe_errors, describe_gate, describe_level
from baad.bench.rows import read_rows
from baad.data.reading import read_category
from baad.errors import DataError, SettingError
from baad.foreground.gate import Gate
from baad.learn.pdn import WEIGHTS
from baad.progress import Silence
from baad.settings import TrainSettings
from tests.factory import save_picture, write_category

SETTINGS = TrainSettings(steps=1, threads=1, image_size=64, device="cpu")


@pytest.fixture
def category(tmp_path):
    return write_category(tmp_path / "disc", normals=5, good=1, defective=1, foreground=True)


def drawn_row(name, quality, has_background, kind=None, gate="background"):
    """A row of drawn.jsonl."""
    return {"set": name, "kind": kind or name, "quality": quality, "has_background": has_background, "gate": gate}


def test_the_level_lies_in_the_middle_of_the_widest_gap_that_separates_the_kinds():
    assert choose_level([(0.1, False), (0.3, False), (0.7, True), (0.9, True)]) == pytest.approx(0.5)


def test_a_set_that_no_level_gets_right_does_not_move_it_far():
    assert 0.3 < choose_level([(0.1, False), (0.95, False), (0.3, False), (0.7, True), (0.8, True), (0.9, True)]) < 0.7


def test_a_set_left_out_is_judged_by_the_others():
    sets = [
        drawn_row("a", 0.1, False),
        drawn_row("b", 0.2, False),
        drawn_row("c", 0.8, True),
        drawn_row("d", 0.9, True),
    ]
    assert describe_level(sets)[0].endswith("0 of 4 sets are judged wrongly by them.")
    assert "1 of 5 sets are judged wrongly by them: e." in describe_level([*sets, drawn_row("e", 0.6, False)])[0]


def test_sets_of_one_kind_are_left_out_together():
    sets = [*(drawn_row(name, 0.1, False) for name in ("a", "b")), drawn_row("c", 0.9, True)]
    alike = [drawn_row(name, 0.2, True, kind="part") for name in ("d", "e")]
    assert describe_level([*sets, *alike])[0].endswith("2 of 5 sets are judged wrongly by them: d, e.")
    assert describe_level([*sets, *(row | {"kind": row["set"]} for row in alike)])[0].endswith("by them.")


def test_a_set_that_is_refused_for_its_area_is_refused_at_any_level():
    sets = [drawn_row("a", 0.1, False), drawn_row("b", 0.9, True), drawn_row("c", 0.8, True)]
    refused = drawn_row("d", 0.95, False, gate="none")
    assert describe_level([*sets, refused])[0].endswith("0 of 4 sets are judged wrongly by them.")


def test_the_table_tells_what_the_gate_said_not_what_its_level_would_say():
    row = {"user_masks": 0, "seed": 0, "has_background": True, "iou_train": None}
    refused = {**row, "category": "a", "quality": 0.9, "gate": "none"}
    taken = {**row, "set": "b", "quality": 0.1, "gate": "background"}
    lines = describe_gate([refused], [taken])
    assert "| a | yes | 0.90 | no | – |" in lines and "| b | yes | 0.10 | yes | – |" in lines


def test_without_outlines_one_trial_will_do(tmp_path, category):
    plain = read_category(write_category(tmp_path / "plain", normals=5))
    assert foreground.plan_trials(plain, (0, 1, 3), 3) == [foreground.Trial(0, 0)]
    assert len(foreground.plan_trials(read_category(category), (0, 1, 3), 2)) == 6


def test_painted_pictures_are_not_judged_and_rows_are_not_made_twice(category, tmp_path, monkeypatch):
    asked = []

    def find_foreground(images, progress, painted):
        asked.append(painted.index.tolist())
        return Gate(False, "none", 0.1, "", None)

    monkeypatch.setattr(foreground, "find_foreground", find_foreground)
    monkeypatch.setattr(foreground, "draw_sets", lambda: iter(()))
    for _ in range(2):
        foreground.run_foreground([category], tmp_path / "out", SETTINGS, Silence(), 2, (0, 2))
    assert [len(index) for index in asked] == [0, 2, 2]  # without help once; then each seed, other pictures
    assert asked[1] != asked[2]
    rows = [json.loads(line) for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines()]
    assert [(row["user_masks"], row["seed"], row["gate"]) for row in rows] == [
        *((0, 0, "none"), (0, 1, "none"), (2, 0, "none"), (2, 1, "none"))
    ]
    assert "| disc | 2 | 2 | none |" in (tmp_path / "out" / "README.md").read_text()


def test_a_head_learns_from_masks_that_the_gate_takes(category, tmp_path, monkeypatch):
    monkeypatch.setattr(foreground, "draw_sets", lambda: iter(()))
    (row,) = foreground.run_foreground([category], tmp_path / "out", SETTINGS, Silence(), 1, (3,))
    assert row["gate"] == "background" and row["recipe"] == "taught" and row["head_processor_minutes"] >= 0
    assert row["iou_train"] > 0.8 and row["iou_test_proposal"] > 0.8  # two of the five pictures are judged, two tested
    assert 0.0 <= row["iou_test"] < row["iou_test_proposal"]  # after one step


def test_rows_that_were_made_otherwise_are_made_anew(category, tmp_path, monkeypatch):
    refused = Gate(False, "none", 0.1, "", None)
    monkeypatch.setattr(foreground, "find_foreground", lambda *anything: refused)
    drawn = replace(next(draw_sets()), name="drawn")
    monkeypatch.setattr(foreground, "draw_sets", lambda: iter([drawn]))
    made = [
        foreground.run_foreground([category], tmp_path / "out", settings, Silence(), 1, (0,))
        for settings in (SETTINGS, SETTINGS, replace(SETTINGS, steps=2))
    ]
    assert made[0] == made[1] != made[2] and [row["head_steps"] for row in made[2]] == [2]
    assert 0.0 < made[0][0]["iou_train"] < 0.5  # the whole picture counts as part
    (judged,) = read_rows(tmp_path / "out" / "drawn.jsonl", ("set",))
    assert judged["pdn_sha256"] == json.loads((WEIGHTS / "pdn_fast.json").read_text())["sha256"][:12]


def test_more_painted_pictures_than_outlines_are_a_clear_error(category, tmp_path):
    with pytest.raises(SettingError, match="--user-masks 5: disc has outlines of 5 training pictures"):
        foreground.run_foreground([category], tmp_path / "out", SETTINGS, Silence(), 1, (5,))
    other = write_category(tmp_path / "other" / "disc", normals=5)
    with pytest.raises(DataError, match="both called disc"):
        foreground.run_foreground([category, other], tmp_path / "out", SETTINGS, Silence(), 1, (0,))


def test_a_picture_outside_of_the_folder_of_its_list_has_no_outline(category, tmp_path):
    (tmp_path / "lists").mkdir()
    listed = [f"{file},train" for file in sorted((category / "train").rglob("*.png"))]
    (tmp_path / "lists" / "disc.csv").write_text("\n".join(["path,split", *listed]) + "\n")
    read = read_category(tmp_path / "lists" / "disc.csv")
    assert len(read.train) == 5 and foreground.plan_trials(read, (0, 1, 3), 3) == [foreground.Trial(0, 0)]


def test_a_category_without_normal_pictures_is_refused_before_any_is_searched(category, tmp_path, monkeypatch):
    monkeypatch.setattr(foreground, "find_foreground", lambda *_: pytest.fail("the work began"))
    bare = write_category(tmp_path / "bare", normals=0, good=1, defective=1)
    with pytest.raises(DataError, match="bare: there are no normal pictures"):
        foreground.run_foreground([category, bare], tmp_path / "out", SETTINGS, Silence(), 1, (0,), "mvtec")


def test_overlaps_are_taken_at_the_size_of_the_truth():
    left = np.zeros((8, 8), np.float32)
    left[:, :4] = 1.0
    truth = np.zeros((16, 16), bool)
    truth[:8, :8] = True
    assert foreground.mean_overlap([(left, truth)]) == 0.5
    assert foreground.mean_overlap([(left, truth), (np.zeros((8, 8)), ~truth)]) == 0.25


def test_the_page_names_what_the_gate_judges_wrongly_either_way():
    sets = [drawn_row("a", 0.1, False, gate="none"), drawn_row("b", 0.9, False), drawn_row("c", 0.8, True)]
    sets += [drawn_row("d", 0.15, True, gate="none"), drawn_row("e", 0.12, True, gate="none")]
    assert "1 accepted without a background (b); 2 refused with one (d, e)." in describe_errors(sets)
    assert "0 accepted without a background; 0 refused with one." in describe_errors([sets[0], sets[2]])


def test_a_drawn_set_has_its_pictures_and_their_truth():
    first = next(draw_sets())
    assert first.images.shape == (PICTURES, SIZE, SIZE, 3) and first.truth.shape == (PICTURES, SIZE, SIZE)
    assert 0.02 < first.truth.mean() < 0.9


def test_rows_of_other_outlines_test_pictures_or_code_are_made_anew(tmp_path, monkeypatch):
    root = write_category(tmp_path / "disc", normals=5, foreground=True)
    asked = []
    monkeypatch.setattr(foreground, "find_foreground", lambda *_: asked.append(1) or Gate(False, "none", 0.1, "", None))
    drawn = replace(next(draw_sets()), name="drawn")
    monkeypatch.setattr(foreground, "draw_sets", lambda: iter([drawn]))

    def run():
        before = len(asked)
        foreground.run_foreground([root], tmp_path / "out", SETTINGS, Silence(), 1, (0,))
        return len(asked) - before

    assert [run(), run()] == [2, 0]  # the category, and the drawn set
    (judged,) = read_rows(tmp_path / "out" / "drawn.jsonl", ("set",))
    assert (judged["recipe"], judged["code"]) == ("none", foreground.RECIPE)
    for outline in ("train/good/000.png", "test/good/000.png"):
        save_picture(root / "foreground" / outline, np.tile(np.uint8(255) * (np.arange(64) > 31), (64, 1)))
        assert [run(), run()] == [1, 0]
    for name, value in (("RECIPE", 0), ("hash_codebook", lambda: "another")):
        monkeypatch.setattr(foreground, name, value)
        assert [run(), run()] == [1, 0]


def test_rows_that_were_made_otherwise_than_the_newest_are_not_shown(tmp_path):
    row = {"category": "disc", "user_masks": 0, "seed": 0, "gate": "none", "recipe": "none", "quality": 0.125}
    row |= dict.fromkeys(("iou_train", "iou_test", "iou_test_proposal", "head_processor_minutes"))
    row |= {"search_seconds": 1.0, "search_processor_seconds": 1.0, "head_steps": 7, "has_background": False}
    rows = [row | {"fingerprint": "old", "quality": 0.75, "user_masks": 1}, row | {"fingerprint": "new"}]
    foreground_table.write_table(tmp_path, rows, [])
    page = (tmp_path / "README.md").read_text()
    assert "--steps 7`" in page and "| disc | 1 |" not in page and "or code: disc, 1, seed 0." in page
    assert "otherwise than the last row of the category" in page
    judged = [{**rows[1], "tested_on": "old", "seed": 1}, {**rows[1], "tested_on": "new"}]
    assert foreground_table.split_newest(judged) == (judged[1:], judged[:1])
