import json

from baad.bench import host


def test_versions_are_told_of_what_is_installed(monkeypatch):
    monkeypatch.setattr(host, "PACKAGES", ("numpy", "no-such-package"))
    found = host.describe_host()
    assert list(found["versions"]) == ["numpy"] and found["cores"] >= 1
    json.dumps(found)
