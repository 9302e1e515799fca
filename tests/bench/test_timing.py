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
    calls = {"slow": clock.takes("slow", 0.2), "fast": clock.takes("fast", 0.01)}
    found = interleave(calls, 1.0, wall=clock, processor=lambda: clock.now / 4)
    turns = len(found["slow"].wall)
    assert found["slow"].wall == pytest.approx([200.0] * turns)
    assert found["fast"].wall == pytest.approx([10.0] * 5 * turns)
    assert found["fast"].processor == pytest.approx([2.5] * 5 * turns)  # it worked a quarter of the time
    turn = ["slow"] * 2 + ["fast"] * 6  # once untimed, then 50 ms of each, at least once
    assert clock.order == ["slow", "fast"] + turn * turns


def test_no_time_still_gives_the_least_number_of_calls():
    clock = Clock()
    found = interleave({"only": clock.takes("only", 3.0)}, 0.0, least=4, wall=clock)
    assert len(found["only"].wall) == 4
