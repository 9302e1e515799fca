import os
import signal
import threading

import pytest

from baad.stopping import Stopped, catch_stop


def strike(number=signal.SIGTERM):
    os.kill(os.getpid(), number)


def test_work_that_is_held_ends_before_the_stop():
    done = []
    with pytest.raises(Stopped) as caught, catch_stop() as stop, stop.held():
        strike()
        done.append("whole")
    assert done == ["whole"]
    assert caught.value.signal_number == signal.SIGTERM


def test_between_two_pieces_of_work_the_stop_comes_at_once():
    with pytest.raises(Stopped), catch_stop():
        strike(signal.SIGINT)
        pytest.fail("went on")


def test_a_second_wish_does_not_wait():
    with pytest.raises(Stopped), catch_stop() as stop, stop.held():
        strike()
        strike()
        pytest.fail("went on")


def test_an_error_in_held_work_is_not_hidden_by_the_stop():
    with pytest.raises(ValueError), catch_stop() as stop, stop.held():
        strike()
        raise ValueError


def test_afterwards_signals_are_answered_as_before():
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with catch_stop():
        assert signal.getsignal(signal.SIGTERM) != before[0]
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


@pytest.fixture
def answered():
    """Sets how this process answers a signal: answered(number, handler); all is as before after the test."""
    before = {}

    def answer(number, handler):
        before[number] = signal.signal(number, handler)

    yield answer
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_what_the_process_ignores_stays_ignored(answered, number):
    answered(number, signal.SIG_IGN)  # as shells do for work in the background, and nohup
    with catch_stop() as stop:
        strike(number)
    assert not stop.asked


def test_a_closed_terminal_is_a_wish_to_stop(answered):
    answered(signal.SIGHUP, lambda *given: None)
    with pytest.raises(Stopped) as caught, catch_stop() as stop, stop.held():
        strike(signal.SIGHUP)
    assert caught.value.signal_number == signal.SIGHUP


def test_another_thread_is_left_alone():
    asked = []

    def work():
        with catch_stop() as stop:
            asked.append(stop.asked)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert asked == [0]
