import numpy as np
import pytest

from baad.learn.witnesses import NormalSource, Painter, Witness, choose_witnesses, pick
from baad.progress import Silence
from baad.runtime.session import RawMaps
from baad.synthesis.banks import make_banks


class LeftPart:
    """A session that takes the left half for part and scores a picture by its mean."""

    def run(self, image):
        part = np.zeros((64, 64), np.float32)
        part[:, :32] = 1.0
        return RawMaps(part, part, float(image.mean()))


@pytest.fixture(scope="module")
def painter():
    return Painter(LeftPart(), (64, 64), 0, make_banks(np.random.default_rng(0)))


def grey(number):
    return np.full((100, 120, 3), 100 + number, np.uint8)


def test_half_are_the_nearest_to_the_threshold_and_the_rest_spread_over_all():
    found = [Witness(number, 0, float(number)) for number in range(100)]
    chosen, near = pick(found, threshold=50.2, count=4)
    assert near == 2
    assert [each.score for each in chosen] == [50.0, 51.0, 0.0, 99.0]


def test_a_defect_is_drawn_on_the_part_and_the_same_again(painter):
    picture = grey(0)
    drawn = [painter.draw(picture, 3, number) for number in range(1, 9)]
    changed = np.any([(each != picture).any(axis=2) for each in drawn], axis=0)
    assert changed.any()
    assert not changed[:, 75:].any()  # the part ends at column 60, defects may reach a little beyond
    assert np.array_equal(painter.draw(picture, 3, 2), drawn[1])


def test_where_few_defects_can_be_seen_more_are_drawn(monkeypatch):
    genuine = Painter.draw

    def seldom(painter, picture, normal, number):
        return genuine(painter, picture, normal, number) if number % 12 == 0 else picture

    monkeypatch.setattr(Painter, "draw", seldom)
    normals = NormalSource("three pictures", (100.0, 101.0, 102.0), grey)
    witnesses = choose_witnesses(normals, LeftPart(), 100.5, (64, 64), 0, Silence())
    assert len(witnesses.chosen) == 32
    monkeypatch.setattr(Painter, "draw", lambda painter, picture, normal, number: picture)
    assert len(choose_witnesses(normals, LeftPart(), 100.5, (64, 64), 0, Silence()).chosen) == 3


def test_a_certificate_has_32_pictures_however_few_normals_there_are():
    normals = NormalSource("two pictures", (100.0, 101.0), grey)
    witnesses = choose_witnesses(normals, LeftPart(), 100.5, (64, 64), 0, Silence())
    assert len(witnesses.chosen) == 32 and witnesses.near == 16
    assert {each.normal for each in witnesses.chosen} == {0, 1}
    assert all(picture.shape == (100, 120, 3) for picture in witnesses)
    assert [float(picture.mean()) for picture in witnesses] == [each.score for each in witnesses.chosen]


def test_a_picture_is_judged_once_however_many_defects_are_drawn_on_it():
    judged = []

    class Counting(LeftPart):
        def run(self, image):
            judged.append(image.tobytes())
            return super().run(image)

    normals = NormalSource("two pictures", (100.0, 101.0), grey)
    witnesses = choose_witnesses(normals, Counting(), 100.5, (64, 64), 0, Silence())
    assert len(list(witnesses)) == 32
    assert [judged.count(grey(number).tobytes()) for number in (0, 1)] == [1, 1]
    assert len(judged) == 2 + len(witnesses.drawn)
