"""What a file holds, in one number: two files of one checksum are the same, whatever their names."""

import hashlib
from pathlib import Path


def hash_file(file: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits. Raises OSError where it cannot be read."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
