import pytest

from baad.runtime.session import usable_cores
from tests.factory import write_category


@pytest.mark.parametrize(
    ("words", "long"),
    [
        (("run",), "baad.bench.run.run_benchmark"),
        (("validate",), "baad.bench.validate.run_validation"),
        (("foreground",), "baad.bench.foreground.run_foreground"),
        (("features",), "baad.bench.features.compare_features"),
        (("parity", "--data", "."), "baad.bench.parity.bench_parity"),
    ],
)
def test_a_place_that_takes_no_files_is_refused_before_the_long_work(baad, tmp_path, monkeypatch, words, long):
    monkeypatch.setattr(long, lambda *_: pytest.fail("the work began"))
    (tmp_path / "notes.txt").touch()
    said = baad("bench", *words, tmp_path / "disc", "--out", tmp_path / "notes.txt" / "out", "-q")
    assert said.code == 2 and "--out: " in said.err and "is not a folder" in said.err


@pytest.mark.parametrize(
    ("words", "long"),
    [
        (("run", "disc", "--out", "."), "baad.bench.run.run_benchmark"),
        (("plan", "plan.toml", "data"), "baad.bench.plan.read_plan"),
        (("foreground", "disc", "--out", "."), "baad.bench.foreground.run_foreground"),
        (("features", "disc", "--out", "."), "baad.bench.features.compare_features"),
        (("parity", "m.baad", "--data", ".", "--out", "."), "baad.bench.parity.bench_parity"),
        (("speed", "--out", "."), "baad.bench.speed.bench_speed"),
    ],
)
def test_a_page_that_somebody_wrote_is_not_replaced_and_the_long_work_does_not_begin(
    baad, tmp_path, monkeypatch, words, long
):
    monkeypatch.setattr(long, lambda *_: pytest.fail("the work began"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README.md").write_text("# My project\n")
    said = baad("bench", *words, "-q")
    assert said.code == 2 and "README.md is there already, and baad bench did not write it" in said.err
    assert (tmp_path / "README.md").read_text() == "# My project\n"


def test_a_validation_says_where_fewer_threads_are_used_than_were_asked_for(baad, tmp_path, monkeypatch):
    category = write_category(tmp_path / "disc", normals=2, good=0, defective=0)
    monkeypatch.setattr("baad.bench.validate.run_validation", lambda *_: [])
    said = baad("bench", "validate", category, "--out", tmp_path / "out", "--threads", usable_cores() + 1)
    assert said.code == 0 and f"{usable_cores()} are used" in said.err


def test_half_a_line_of_rows_is_named_and_nothing_is_trained(baad, tmp_path):
    category = write_category(tmp_path / "disc", normals=4, good=1, defective=1)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "results.jsonl").write_text('{"category": "disc", "met')
    said = baad("bench", "run", category, "--out", tmp_path / "out", "-q")
    assert said.code == 2 and "results.jsonl, line 1: this is no JSON" in said.err and "Remove the line" in said.err
