import pytest

from baad.errors import first_line


@pytest.mark.parametrize(
    ("said", "most", "told"),
    [("one\ntwo", 300, "one"), ("\n  one\ntwo", 300, "one"), ("one two", 3, "one"), ("", 300, "ValueError")],
)
def test_of_an_error_the_first_line_is_told_or_its_kind(said, most, told):
    assert first_line(ValueError(said), most) == told
