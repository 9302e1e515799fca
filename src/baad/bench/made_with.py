"""What a row or a model was made with: version, PDN, settings and pictures, in hashes that fit a row."""

import hashlib
import json
import os
from dataclasses import replace
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any

import baad
from baad.data.checksum import name_content
from baad.data.sample import Category, Mask
from baad.learn.codebook import SEEKER, hash_codebook
from baad.learn.foreground_masks import Shown, fingerprint_shown
from baad.learn.pdn import WEIGHTS, hash_of, name_pdn
from baad.settings import TrainSettings

DIGITS = 12  # of a hash in hexadecimal
RECIPE = 7  # raise it where code changes what a training of BAAD or of a mask network gives, or how it is scored
BASELINES = 1  # raise it where code changes how a baseline works, what it has in common with BAAD counted in


class Code(Enum):
    """Whose code makes a row: BAAD's, a baseline's, or both, where a mask network stands beside a baseline."""

    BAAD = 1
    BASELINE = 2
    BOTH = 3


def describe_making(
    category: Category, settings: TrainSettings, outlines: Path | None = None, code: Code = Code.BAAD
) -> dict[str, Any]:
    """Flat keys for a row. Equal `fingerprint`: same code, same settings to the last, same PDN, same pictures, and
    the same `outlines`, a folder of masks of the part that teach. Equal `alike`: the same but for the seed."""
    return {
        "version": baad.__version__,
        "pdn_sha256": hash_pdn(settings),
        "fingerprint": fingerprint(category, settings, outlines, code),
        "alike": fingerprint(category, replace(settings, seed=0), outlines, code),
    }


def fingerprint(
    category: Category, settings: TrainSettings, outlines: Path | None = None, code: Code = Code.BAAD
) -> str:
    """One hash of the code at work, of all settings, whether defaults or not, of the PDN, of the training pictures and
    of the masks of their part in the folder `outlines`, if that is what teaches where the part is."""
    made_with: list[object] = [settings.to_dict(), hash_pdn(settings), hash_pictures(category)]
    if code is not Code.BASELINE:
        made_with += ["recipe", RECIPE, *([] if settings.foreground == "off" else [hash_codebook()[:DIGITS]])]
    if code is not Code.BAAD:
        made_with += ["baselines", BASELINES]
    if outlines is not None:
        made_with.append(fingerprint_shown(Shown(outlines), category.train))
    return _shorten(json.dumps(made_with, sort_keys=True))


def hash_pdn(settings: TrainSettings) -> str:
    """First digits of the SHA-256 that the cards of the PDN's weights state: of the wide view, of the near one, and of
    the network that finds the foreground, where that is wanted; each that there is once. 'random' where the model's
    own has none.
    """
    drawn = settings.pdn == "random"
    mine = [] if drawn else [name_pdn(settings.size, near) for near in (False, True)]
    names = dict.fromkeys([*mine, *([SEEKER] if settings.foreground != "off" else [])])
    found = [hash_weights(name) for name in names if (WEIGHTS / f"pdn_{name}.json").exists()]
    return "+".join([*(["random"] if drawn else []), *found])


def hash_weights(name: str) -> str:
    """First digits of the SHA-256 that the card of shipped weights states."""
    return hash_of(name)[:DIGITS]


def hash_pictures(category: Category) -> str:
    """Hash of the training pictures: their names within the category, what the files hold, and sessions."""
    listed = [
        (os.path.relpath(image.path, category.root), _know_content(image.path), image.session)
        for image in category.train
    ]
    return _shorten(json.dumps(sorted(listed)))


def hash_tested(category: Category) -> str:
    """Hash of the test half: names within the category, what the files hold, kinds, masks and outlines of the part."""
    listed = [
        (
            os.path.relpath(image.path, category.root),
            _know_content(image.path),
            image.kind,
            [_know_mask(mask) for mask in image.masks],
            "" if image.foreground is None else _know_content(image.foreground),
        )
        for image in category.test
    ]
    return _shorten(json.dumps(sorted(listed)))


def _know_mask(mask: Mask) -> str:
    """What a mask marks, by the content of its file or by the outlines that were read from one for many pictures."""
    return _know_content(mask) if isinstance(mask, Path) else _shorten(repr((mask.shape, mask.shapes)))


def _know_content(file: Path) -> str:
    """What a file holds, by `name_content`, read again where it was changed since."""
    now = file.stat()
    return _name_content_then(file, now.st_mtime_ns, now.st_size)


@lru_cache(maxsize=100_000)  # asked for by every method and seed
def _name_content_then(file: Path, mtime_ns: int, size: int) -> str:
    return name_content(file)


def _shorten(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:DIGITS]
