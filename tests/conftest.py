from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from tests.calling import Outcome, call_baad
from tests.fake_model import write_fake_model

settings.register_profile("shared", deadline=None, database=None)  # machines may be busy, and checkouts stay clean
settings.load_profile("shared")


@pytest.fixture
def baad() -> Callable[..., Outcome]:
    """Call the command in this process: baad("info", model) -> exit code and both outputs."""
    return call_baad


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> Path:
    return write_fake_model(tmp_path_factory.mktemp("model") / "model.baad")
