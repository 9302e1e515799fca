"""What a file holds, in one number: two files of one checksum are the same, whatever their names."""

import hashlib
from pathlib import Path

SHORT = 12  # hexadecimal digits that tell the pictures of a training apart


def hash_file(file: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits. Raises OSError where it cannot be read."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def name_content(file: Path) -> str:
    """The first digits of a file's SHA-256: enough to know a picture again. Raises OSError where it cannot be read."""
    return hash_file(file)[:SHORT]
