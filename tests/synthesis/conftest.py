import numpy as np
import pytest

from baad.synthesis.banks import Banks, make_banks


@pytest.fixture(scope="session")
def banks() -> Banks:
    return make_banks(np.random.default_rng(0), size=64, noises=12, patterns=12, scenes=4)
