"""What a row or a model was made with: version, PDN, settings and training pictures, in hashes that fit a row."""

import hashlib
import json
import os
from typing import Any

import baad
from baad.data.sample import Category
from baad.learn.codebook import SEEKER
from baad.learn.pdn import WEIGHTS, hash_of, name_pdn
from baad.settings import TrainSettings

DIGITS = 12  # of a hash in hexadecimal
RECIPE = 4  # raise it where code changes what a training gives, how it is scored, or how a baseline works


def describe_making(category: Category, settings: TrainSettings) -> dict[str, Any]:
    """Flat keys for a row. Equal `fingerprint`: same recipe, same settings to the last, same PDN, same pictures."""
    return {
        "version": baad.__version__,
        "pdn_sha256": hash_pdn(settings),
        "fingerprint": fingerprint(category, settings),
    }


def fingerprint(category: Category, settings: TrainSettings) -> str:
    """One hash of the recipe, of all settings, whether defaults or not, of the PDN and of the training pictures."""
    made_with = [RECIPE, settings.to_dict(), hash_pdn(settings), hash_pictures(category)]
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
    """Hash of the training pictures' names within the category, sizes in bytes and sessions; no file is read."""
    listed = [
        (os.path.relpath(image.path, category.root), image.path.stat().st_size, image.session)
        for image in category.train
    ]
    return _shorten(json.dumps(sorted(listed)))


def _shorten(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:DIGITS]
