"""Settings are read once, refuse what they do not know, and never show the token."""

from pathlib import Path

import pytest

from engine.timeframes import Timeframe
from engine.vocabulary import Market
from handlers.settings import DEFAULT_SYMBOLS, LiveSettings, SettingsError, WebSettings
from services.symbols import Wanted

TOKEN = "123456:AAHsecretsecretsecretsecretsecretsec"
NO_FILE = Path("/nonexistent/.env")


def read(**names: str) -> LiveSettings:
    environment = {"ONEBOOK_TOKEN": TOKEN, "ONEBOOK_CHANNEL": "-1009", "PATH": "/bin"}
    environment.update({f"ONEBOOK_{name.upper()}": value for name, value in names.items()})
    return LiveSettings.read(environment, NO_FILE)


def test_the_defaults_watch_six_pairs_on_four_timeframes_and_let_nobody_in():
    settings = read()

    assert settings.symbols == Wanted(DEFAULT_SYMBOLS)
    assert [timeframe.text for timeframe in settings.timeframes] == ["1h", "2h", "4h", "1d"]
    assert settings.owners == ()
    assert settings.token.get_secret_value() == TOKEN


def test_lists_are_comma_separated_and_put_in_order():
    settings = read(
        owners="7, 8", symbols="ethusdt,BTCUSDT, ethusdt", timeframes="4h,30m", channel="-1001", market="spot"
    )

    assert settings.owners == (7, 8)
    assert settings.symbols == Wanted(("ETHUSDT", "BTCUSDT"))
    assert settings.timeframes == (Timeframe.M30, Timeframe.H4)
    assert settings.channel == -1001
    assert settings.market is Market.SPOT


def test_the_most_traded_pairs_may_stand_among_those_named():
    assert read(symbols="adausdt,top:20").symbols == Wanted(("ADAUSDT",), 20)


def test_audiences_are_told_and_may_not_command():
    settings = read(owners="7", audiences="-1002, -1003,5", blackouts="data/blackouts.csv")

    assert settings.audiences == (-1002, -1003, 5)
    assert settings.owners == (7,)
    assert settings.blackouts == Path("data/blackouts.csv")


def test_the_environment_goes_before_the_file_and_the_command_line_before_both(tmp_path):
    file = tmp_path / ".env"
    file.write_text(f"ONEBOOK_TOKEN={TOKEN}\nONEBOOK_ZONE=Europe/Sofia\nONEBOOK_OWNERS=1\nONEBOOK_DB=file.db\n")

    settings = LiveSettings.read({"ONEBOOK_OWNERS": "2", "ONEBOOK_DB": "environment.db"}, file, db="given.db")

    assert (settings.zone, settings.owners, settings.db) == ("Europe/Sofia", (2,), Path("given.db"))


def test_an_unknown_name_is_refused_with_the_nearest_known_one():
    with pytest.raises(SettingsError, match=r"no setting ONEBOOK_SYMBOL; did you mean ONEBOOK_SYMBOLS\?"):
        read(symbol="BTCUSDT")


def test_without_a_token_it_says_how_to_get_one():
    with pytest.raises(SettingsError, match="BotFather"):
        LiveSettings.read({}, NO_FILE)
    with pytest.raises(SettingsError, match="BotFather"):
        LiveSettings.read({"ONEBOOK_TOKEN": " "}, NO_FILE)


def test_somebody_has_to_be_told():
    with pytest.raises(SettingsError, match="nobody to send signals to"):
        LiveSettings.read({"ONEBOOK_TOKEN": TOKEN}, NO_FILE)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("owners", "me", "ONEBOOK_OWNERS cannot be used"),
        ("timeframes", "1h,7h", "ONEBOOK_TIMEFRAMES cannot be used: No timeframe"),
        ("timeframes", "1m", "ONEBOOK_TIMEFRAMES cannot be used: they are of 15m"),
        ("symbols", ",", "ONEBOOK_SYMBOLS cannot be used: at least one pair"),
        ("symbols", "top:0", "ONEBOOK_SYMBOLS cannot be used: the most traded pairs are written like top:20"),
        ("audiences", "@mine", "ONEBOOK_AUDIENCES cannot be used"),
        ("market", "forex", "ONEBOOK_MARKET cannot be used"),
        ("zone", "Sofia", "ONEBOOK_ZONE cannot be used: it is no zone"),
        ("web_token", "short", "ONEBOOK_WEB_TOKEN cannot be used: it needs at least 16 characters"),
        ("deadman_url", "hc.example/1", "ONEBOOK_DEADMAN_URL cannot be used: it begins with https://"),
        ("clock", "tomorrow", "ONEBOOK_CLOCK cannot be used: it is written like"),
    ],
)
def test_a_bad_value_is_one_sentence_that_names_its_setting(name, value, said):
    with pytest.raises(SettingsError) as refused:
        read(**{name: value})

    assert said.lower() in str(refused.value).lower()
    assert "\n" not in str(refused.value)
    assert TOKEN not in str(refused.value)


def test_a_rehearsal_clock_starts_at_its_anchor_and_runs_at_its_speed():
    pace = read(clock="2024-01-01T00:00:00Z@1767225600000x60").clock

    assert pace.book(1767225600000) == 1704067200000
    assert pace.book(1767225601000) == 1704067260000
    assert pace.wall(1704067260000) == 1767225601000


def test_settings_cannot_be_changed_and_do_not_print_their_secrets():
    secrets = {"web_token": "another-secret-of-ours", "deadman_url": "https://hc.example/secret-path"}
    settings = read(**secrets)

    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert not [secret for secret in (TOKEN, *secrets.values()) if secret in shown]
    assert {secret.get_secret_value() for secret in settings.secrets} == {TOKEN, *secrets.values()}
    with pytest.raises(ValueError, match="frozen"):
        settings.zone = "UTC"


def test_the_web_process_reads_what_it_needs_and_not_the_bots_token(tmp_path):
    file = tmp_path / ".env"
    file.write_text(f"ONEBOOK_TOKEN={TOKEN}\nONEBOOK_DB=file.db\nONEBOOK_WEB_TOKEN=a-token-of-the-web\n")
    settings = WebSettings.read({}, file)

    assert settings.db == Path("file.db")
    assert settings.web_token is not None
    assert settings.web_token.get_secret_value() == "a-token-of-the-web"
    assert not hasattr(settings, "token")
    with pytest.raises(SettingsError, match="did you mean ONEBOOK_WEB_TOKEN"):
        WebSettings.read({"ONEBOOK_WEBTOKEN": "a-token-of-the-web"}, file)
