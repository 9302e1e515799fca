import sys

import pytest

from baad.progress import PlainLines, TerminalBars

NAMES = ("a:bug:.png", "[red]b.png", "c[1].png", ":warning:")


@pytest.mark.parametrize("made", [TerminalBars, PlainLines])
def test_names_are_shown_as_they_are(capsys, made):
    progress = made()
    for name in NAMES:
        progress.say(name)
        progress.warn(name)
    assert capsys.readouterr().err.splitlines() == [line for name in NAMES for line in (name, f"warning: {name}")]


def test_names_beside_a_bar_are_shown_as_they_are(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal
    monkeypatch.setenv("COLUMNS", "200")
    for name in NAMES:
        with TerminalBars().task(name, 2) as task:
            task.advance(note=name)
        assert capsys.readouterr().err.count(name) >= 2


def test_what_is_printed_beside_a_bar_stays_on_standard_output(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # as where standard error alone is a terminal
    record = '{"image": "' + 200 * "a" + '.png"}'
    with TerminalBars().task("judging", 1) as task:
        print(record)
        task.advance()
    done = capsys.readouterr()
    assert done.out == record + "\n" and record not in done.err


def test_what_is_printed_beside_a_bar_does_not_run_into_it_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with TerminalBars().task("judging", 1):
        print("record")
    done = capsys.readouterr()
    assert "record\n" in done.err and done.out == ""  # shown above the bar, by what draws it
