import hashlib

import pytest

from baad.data.checksum import hash_file


def test_the_checksum_is_of_what_a_file_holds(tmp_path):
    (tmp_path / "a").write_bytes(b"one")
    assert hash_file(tmp_path / "a") == hashlib.sha256(b"one").hexdigest()
    with pytest.raises(OSError):
        hash_file(tmp_path / "b")
