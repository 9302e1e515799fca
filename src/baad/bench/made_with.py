"""What a row or a model was made with: version, PDN, settings and training pictures, in hashes that fit a row."""

import hashlib
import json
import os
from typing import Any

import baad
from baad.data.sample import Category
from baad.learn.pdn import WEIGHTS
from baad.settings import TrainSettings

DIGITS = 12  # of a hash in hexadecimal


def describe_making(category: Category, settings: TrainSettings) -> dict[str, Any]:
    """Flat keys for a row. Equal `fingerprint`: same settings to the last, same PDN, same training pictures."""
    return {
        "version": baad.__version__,
        "pdn_sha256": hash_pdn(settings),
        "fingerprint": fingerprint(category, settings),
    }


def fingerprint(category: Category, settings: TrainSettings) -> str:
    """One hash of all settings, whether defaults or not, of the PDN and of the training pictures."""
    return _shorten(json.dumps([settings.to_dict(), hash_pdn(settings), hash_pictures(category)], sort_keys=True))


def hash_pdn(settings: TrainSettings) -> str:
    """First digits of the SHA-256 that the card of the PDN's weights states; 'random' and 'none' where it has none."""
    card = WEIGHTS / f"pdn_{settings.size}.json"
    if settings.pdn == "random":
        return "random"
    return str(json.loads(card.read_text("utf-8"))["sha256"])[:DIGITS] if card.exists() else "none"


def hash_pictures(category: Category) -> str:
    """Hash of the training pictures' names within the category, sizes in bytes and sessions; no file is read."""
    listed = [
        (os.path.relpath(image.path, category.root), image.path.stat().st_size, image.session)
        for image in category.train
    ]
    return _shorten(json.dumps(sorted(listed)))


def _shorten(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:DIGITS]
