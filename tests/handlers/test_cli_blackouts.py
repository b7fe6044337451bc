"""The file of `--blackouts`, as replay and backtest read it."""

import pytest

from handlers.cli_blackouts import BlackoutUsageError, blackouts_of


def test_without_a_file_there_are_no_blackouts():
    assert blackouts_of(None) == ()


def test_lines_that_mean_nothing_are_named_and_the_others_count(tmp_path, capsys):
    calendar = tmp_path / "events.csv"
    calendar.write_text("2026-01-28T19:00,FOMC,30,60\nsoon,CPI,30,60\n")

    assert [blackout.event for blackout in blackouts_of(calendar)] == ["FOMC"]
    assert f"{calendar}, line 2: 'soon' is no time" in capsys.readouterr().err


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(BlackoutUsageError, match="cannot be read"):
        blackouts_of(tmp_path / "nowhere.csv")
