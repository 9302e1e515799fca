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


def test_what_the_process_ignores_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as nohup and shells do for work in the background
    try:
        with catch_stop() as stop:
            strike(signal.SIGINT)
        assert not stop.asked
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_is_left_alone():
    asked = []

    def work():
        with catch_stop() as stop:
            asked.append(stop.asked)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert asked == [0]
