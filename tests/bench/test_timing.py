import pytest

from baad.bench.timing import interleave


class Clock:
    """Time that passes only where a call says so."""

    def __init__(self):
        self.now, self.order = 0.0, []

    def __call__(self):
        return self.now

    def takes(self, name, seconds):
        def call():
            self.now += seconds
            self.order.append(name)

        return call


def test_calls_take_turns_and_their_own_time_is_what_is_told():
    clock = Clock()
    found = interleave({"slow": clock.takes("slow", 0.2), "fast": clock.takes("fast", 0.01)}, 1.0, clock=clock)
    assert found["slow"] == pytest.approx([200.0] * len(found["slow"]))
    assert found["fast"] == pytest.approx([10.0] * len(found["fast"]))
    turn = ["slow"] * 2 + ["fast"] * 6  # once untimed, then 50 ms of each, at least once
    assert clock.order == ["slow", "fast"] + turn * len(found["slow"])


def test_no_time_still_gives_the_least_number_of_calls():
    clock = Clock()
    found = interleave({"only": clock.takes("only", 3.0)}, 0.0, least=4, clock=clock)
    assert len(found["only"]) == 4
