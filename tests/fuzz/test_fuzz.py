"""A share of the fuzzing, small enough for every run; `make fuzz` does all of it."""

import json

import numpy as np
import pytest

from tests.fuzz import __main__ as fuzzer
from tests.fuzz.mutate import mutate, mutate_json, mutate_text
from tests.fuzz.targets import make_targets

COUNT = 400


def test_damaged_files_are_read_or_refused_soon_in_silence_and_in_little_memory():
    found = fuzzer.fuzz(COUNT, seed=20)
    assert found.failures == []
    assert sum(found.outcomes.values()) == COUNT
    for target in ("picture", "mask", "list", "model"):  # harmless damage and harmful damage both come up
        assert found.outcomes[target, "read"] >= 5 and found.outcomes[target, "refused"] >= 20


def test_files_that_are_whole_are_read(tmp_path):
    for originals in make_targets(tmp_path).values():
        for original in originals:
            fuzzer.read(original, original.content)


def test_every_fault_is_found_and_the_rest_is_read_all_the_same(monkeypatch):
    monkeypatch.setattr(fuzzer, "PATIENCE", 8.0)
    found = fuzzer.fuzz(7, seed=0, targets="tests.fuzz.faulty")
    assert [failure.split(": ", 1)[0] for failure in found.failures] == ["1", "2", "3", "4", "5"]
    for failure, words in zip(
        found.failures, ("KeyError: 'label' (faulty.py:", "no answer", "died with 7", "terminal", "GB of memory")
    ):
        assert words in failure
    assert found.outcomes["_refuse", "refused"] == 2


def test_a_number_and_a_seed_make_the_same_file_again(tmp_path):
    targets = make_targets(tmp_path)
    for number in range(40):
        assert fuzzer.draw(targets, number, 3)[2] == fuzzer.draw(targets, number, 3)[2]


@pytest.mark.parametrize("change", [mutate, mutate_text, mutate_json])
def test_mutants_differ_from_the_original_and_from_each_other(change):
    original = json.dumps([{"path": f"{index}.png", "label": "good"} for index in range(9)]).encode()
    mutants = {change(original, [original], np.random.default_rng(seed)) for seed in range(100)}
    assert len(mutants - {original}) > 80
