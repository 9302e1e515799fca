import pytest

from baad.bench.rows import mean, put_last, read_rows, write_rows
from baad.errors import DataError
from baad.metrics.scorecard import show

ROWS = [{"category": "ä", "seed": 0, "figure": None}, {"category": "b", "seed": 1, "figure": 0.5}]


def test_rows_come_back_as_they_were_written(tmp_path):
    write_rows(tmp_path / "rows.jsonl", ROWS)
    assert read_rows(tmp_path / "rows.jsonl", ("category", "seed")) == ROWS
    assert read_rows(tmp_path / "none.jsonl", ("category", "seed")) == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"category": "a", "se', "this is no JSON "),
        ("[" * 100_000, "this is no JSON (it is nested too deeply)"),
        ("[1]", "this is no JSON object"),
        ('{"category": "a"}', "this row has no 'seed'"),
    ],
)
def test_a_damaged_line_is_named_with_what_to_do(tmp_path, line, problem):
    write_rows(tmp_path / "rows.jsonl", ROWS)
    (tmp_path / "rows.jsonl").write_text((tmp_path / "rows.jsonl").read_text() + "\n" + line)
    with pytest.raises(DataError) as told:
        read_rows(tmp_path / "rows.jsonl", ("category", "seed"))
    assert f"rows.jsonl, line 4: {problem}" in str(told.value) and "Remove the line" in str(told.value)


def test_what_is_no_file_of_rows_at_all_is_a_clear_error(tmp_path):
    (tmp_path / "rows.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="not UTF-8"):
        read_rows(tmp_path / "rows.jsonl", ())
    with pytest.raises(DataError, match="cannot be opened"):
        read_rows(tmp_path, ())


def test_a_row_made_anew_takes_the_place_of_the_former_one_at_the_end():
    made = {"category": "ä", "seed": 0, "figure": 1.0}
    assert put_last(ROWS, made, ("category", "seed")) == [ROWS[1], made]
    assert put_last(ROWS, made, ("category", "seed", "figure")) == [*ROWS, made]


def test_means_are_of_what_is_known_and_a_dash_is_shown_for_the_rest():
    assert mean([1.0, None, 2.0]) == 1.5 and mean([None]) is None and mean([]) is None
    assert [show(0.95, 3), show(1200.0, 0), show(None, 3)] == ["0.950", "1,200", "–"]
