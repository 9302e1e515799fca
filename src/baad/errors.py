"""Every error a user can cause. None of them shows a traceback on the command line.

BaadError
├── InputError            what the user handed in cannot be used
│   ├── ImageError        a picture is unreadable, empty, truncated or too large, or the network cannot run on it
│   ├── MaskError         a mask does not fit its picture, or cannot be read
│   ├── DataError         a folder is not a category, or holds no normal pictures
│   └── SettingError      a setting is unknown or out of range
├── BundleError           a model file is damaged, foreign, or newer than this program
│   └── InputMismatch     a picture is not what the model was trained for
├── TrainingError         training cannot go on, or its result must not be used
├── OutputError           a result cannot be written
└── MissingExtra          a command needs an optional part of the installation
"""


class BaadError(Exception):
    """Base of all errors that a user can cause and mend. The message says what, where and what to do."""


class InputError(BaadError):
    """What the user handed in cannot be used."""


class ImageError(InputError):
    """A picture is unreadable, empty, truncated or too large, or the network cannot run on it."""


class MaskError(InputError):
    """A mask does not fit its picture, or cannot be read."""


class DataError(InputError):
    """A folder is not a category, or holds no normal pictures."""


class SettingError(InputError):
    """A setting is unknown or out of range."""


class BundleError(BaadError):
    """A model file is damaged, foreign, or newer than this program."""


class InputMismatch(BundleError):
    """A picture is not what the model was trained for."""


class TrainingError(BaadError):
    """Training cannot go on, or its result must not be used."""


class OutputError(BaadError):
    """A result cannot be written."""


class MissingExtra(BaadError):
    """A command needs an optional part of the installation."""


def first_line(error: BaseException, most: int = 300) -> str:
    """What the error of a library says, in a line of at most so many letters; its kind where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:most]


def how_to_install(extra: str) -> str:
    """What to do where a package of an optional part is absent: for those who have a checkout, and who have a wheel."""
    return (
        f'Install BAAD with its extra "{extra}": pip install ".[{extra}]" in the checkout, '
        f'or pip install "baad-....whl[{extra}]" of the wheel.'
    )
