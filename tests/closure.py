"""What an install brings along: the distributions that `pip install "baad[extra]"` needs, of those installed here."""

import importlib.metadata as metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def installed_by(*extras: str) -> set[str]:
    """baad and all that it requires with these extras, on this system, by name."""
    found: set[tuple[str, frozenset[str]]] = set()
    wanted = [("baad", frozenset(extras))]
    while wanted:
        name, asked = wanted.pop()
        if (name, asked) in found:
            continue
        found.add((name, asked))
        try:  # for the extras of a package may be left out
            lines = metadata.requires(name) or ()
        except metadata.PackageNotFoundError:
            found.discard((name, asked))  # not installed here
            continue
        for line in lines:
            required = Requirement(line)
            if required.marker is None or any(required.marker.evaluate({"extra": extra}) for extra in ("", *asked)):
                wanted.append((canonicalize_name(required.name), frozenset(required.extras)))
    return {name for name, _ in found}


def modules_beyond(*extras: str) -> set[str]:
    """Top-level modules that are installed here, but that an install with these extras would not bring."""
    brought = installed_by(*extras)
    owners = metadata.packages_distributions()
    return {module for module, names in owners.items() if not brought & {canonicalize_name(name) for name in names}}
