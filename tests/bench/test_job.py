import pytest

from baad.bench.job import Part, list_jobs
from baad.data.reading import read_category
from baad.settings import TrainSettings
from tests.factory import write_category


@pytest.fixture
def category(tmp_path):
    return write_category(tmp_path / "disc", normals=2, good=1, defective=1)


def test_seeds_are_counted_from_0_and_all_methods_of_one_come_together(category):
    part = Part((category,), ("baad", "padim"), 2, TrainSettings(), stress=("baad",))
    jobs = list_jobs([part], {category: read_category(category)})
    assert [(job.settings.seed, job.method, job.stress) for job in jobs] == [
        *((0, "baad", True), (0, "padim", False)),
        *((1, "baad", True), (1, "padim", False)),
    ]
