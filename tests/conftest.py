import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from baad.cli.app import main
from tests.fake_model import write_fake_model


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture
def baad(monkeypatch, capsys) -> Callable[..., Outcome]:
    """Call the command in this process: baad("info", model) -> exit code and both outputs."""

    def call(*words: object, stdin: str = "") -> Outcome:
        monkeypatch.setattr(sys, "argv", ["baad", *map(str, words)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as raised:
            main()
        captured = capsys.readouterr()
        return Outcome(int(raised.value.code or 0), captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> Path:
    return write_fake_model(tmp_path_factory.mktemp("model") / "model.baad")
