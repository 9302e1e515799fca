"""BAAD finds and outlines defects after training on good pictures only, and does not mistake the background for one.

from baad import Detector
verdict = Detector.load("model.baad").predict("part.png")

Names are imported on first use: `import baad` is instant, and only `train` needs PyTorch.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from baad.learn.train import train
    from baad.runtime.detector import Detector
    from baad.verdict.decide import Verdict

__all__ = ["Detector", "Verdict", "__version__", "train"]


def __getattr__(name: str) -> Any:
    value: Any
    if name == "Detector":
        from baad.runtime.detector import Detector as value
    elif name == "Verdict":
        from baad.verdict.decide import Verdict as value
    elif name == "train":
        value = _import_train()
    elif name == "__version__":
        value = _read_version()
    else:
        raise AttributeError(f"module 'baad' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _import_train() -> Any:
    try:
        from baad.learn.train import train
    except ModuleNotFoundError as error:
        if (error.name or "baad").partition(".")[0] == "baad":
            raise
        from baad.errors import MissingExtra, how_to_install

        raise MissingExtra(f"Training needs {error.name}. {how_to_install('train')}") from error
    return train


def _read_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("baad")
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "0+unknown"
