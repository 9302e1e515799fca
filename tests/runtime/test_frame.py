from pathlib import Path

import pytest

from baad.runtime.frame import place_of


@pytest.mark.parametrize(("path", "place"), [("a/b.png", "a/b.png"), ("/a/b.png", "a/b.png"), ("./b.png", "b.png")])
def test_a_place_is_relative_and_never_leaves_its_folder(path, place):
    assert place_of(Path(path)) == Path(place)


def test_two_dots_do_not_lead_out_of_an_output_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert place_of(Path("../b.png")) == (tmp_path.parent / "b.png").relative_to("/")
