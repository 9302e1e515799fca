"""Call the command in this process, let the disk be full meanwhile, or another process never outlive its test."""

import io
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from unittest import mock

from baad.cli.app import main


@dataclass(frozen=True)
class Outcome:
    """Exit code and both outputs."""

    code: int
    out: str
    err: str


def call_baad(*words: object, stdin: str = "") -> Outcome:
    """call_baad("info", model) is `baad info MODEL`."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    argv = ["baad", *map(str, words)]
    with mock.patch.object(sys, "argv", argv), mock.patch.object(sys, "stdin", io.StringIO(stdin)):
        try:
            with redirect_stdout(out), redirect_stderr(err):
                main()
        except SystemExit as end:
            code = int(end.code or 0)
    return Outcome(code, out.getvalue(), err.getvalue())


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The operating system refuses to write beyond `size` bytes of a file, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@contextmanager
def ending(process: subprocess.Popen, seconds: float = 120.0) -> Iterator[None]:
    """The process is killed at the end, after so many seconds at the latest: a test that reads then sees its end."""
    late = threading.Timer(seconds, process.kill)
    late.start()
    try:
        yield
    finally:
        late.cancel()
        process.kill()
