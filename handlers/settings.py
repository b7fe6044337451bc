"""The settings of the live bot: environment variables and `.env`, all named ONEBOOK_..., read once and frozen."""

import difflib
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import dotenv_values
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from diagnostics.checks.place import ENV_FILE
from engine.timeframes import Timeframe
from engine.vocabulary import Market
from services.incidents import OpsChat
from services.pace import Pace
from services.symbols import Wanted

PREFIX = "ONEBOOK_"
DEFAULT_DB = Path("data/positions.db")
DEFAULT_SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "ADAUSDT", "BNBUSDT")
WATCHABLE = (Timeframe.M15, Timeframe.M30, Timeframe.H1, Timeframe.H2, Timeframe.H4, Timeframe.D1)
DEFAULT_TIMEFRAMES = (Timeframe.H1, Timeframe.H2, Timeframe.H4, Timeframe.D1)
TELEGRAM_URL = "https://api.telegram.org"
NO_TOKEN = (
    "there is no token: write to @BotFather in Telegram, send /newbot, and put the token it gives you into"
    f" {PREFIX}TOKEN (in the environment or in {ENV_FILE}). `python bot.py demo` works without one."
)
NOBODY = (
    f"there is nobody to send signals to: set {PREFIX}CHANNEL to the id of a channel in which the bot may post, or"
    f" {PREFIX}OWNERS to your own Telegram id (@userinfobot tells it)."
)
LEAST_WEB_TOKEN = 16
"""Characters of the web process's token: shorter ones can be guessed."""
MS_PER_SECOND = 1000


class SettingsError(ValueError):
    """Settings that cannot be used; the message is one sentence for a person."""


def _long_enough(token: SecretStr | None) -> SecretStr | None:
    if token is not None and len(token.get_secret_value()) < LEAST_WEB_TOKEN:
        raise ValueError(f"it needs at least {LEAST_WEB_TOKEN} characters, like those of `openssl rand -hex 32`")
    return token


WebToken = Annotated[SecretStr | None, AfterValidator(_long_enough)]


class LiveSettings(BaseSettings):
    """What `python bot.py run` goes by; `docs/settings.md` says it in a table."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file_encoding="utf-8", frozen=True, extra="ignore")

    token: SecretStr = Field(description="The bot's token from @BotFather.")
    owners: Annotated[tuple[int, ...], NoDecode] = Field(
        default=(), description="Telegram ids of those who may give commands, comma separated; empty = nobody."
    )
    channel: int | None = Field(
        default=None, description="Telegram id of the channel for signals; without one they go to the first owner."
    )
    checkpoints_to_channel: bool = Field(
        default=False, description="Whether the channel hears what checkpoints advise; operators always do."
    )
    audiences: Annotated[tuple[int, ...], NoDecode] = Field(
        default=(),
        description="Telegram ids of further channels and groups that get the signals, comma separated; they may not"
        " give commands.",
    )
    symbols: Annotated[Wanted, NoDecode] = Field(
        default=Wanted(DEFAULT_SYMBOLS),
        description="The pairs to watch, comma separated; top:20 among them adds the 20 most traded of the day.",
    )
    timeframes: Annotated[tuple[Timeframe, ...], NoDecode] = Field(
        default=DEFAULT_TIMEFRAMES,
        description=f"The timeframes to watch, comma separated, of {', '.join(t.text for t in WATCHABLE)}.",
    )
    market: Market | None = Field(default=None, description="usdt-m or spot; without it what params.toml says.")
    db: Path = Field(default=DEFAULT_DB, description="The book.")
    blackouts: Path | None = Field(
        default=None,
        description="A CSV of dated events around which nothing is sent:"
        " time_utc,event,minutes_before,minutes_after[,symbols]; read again when it changes.",
    )
    params: Path | None = Field(default=None, description="params.toml with values that differ from the defaults.")
    zone: str = Field(default="UTC", description="The zone in which times are shown, like Europe/Sofia.")
    log_dir: Path = Field(default=Path("data/logs"), description="Where the log files go.")
    telegram_url: str = Field(default=TELEGRAM_URL, description="Base URL of the Bot API.")
    exchange_url: str | None = Field(default=None, description="Base URL of the exchange; without it Binance's own.")
    ops: Annotated[OpsChat | None, NoDecode] = Field(
        default=None,
        description="Telegram id of the chat that hears what breaks and heals, with :TOPIC for a topic of a forum;"
        " without it the owners do.",
    )
    deadman_url: SecretStr | None = Field(
        default=None,
        description="An address to ask every five minutes while health is not FAIL, for a service that alarms when it"
        " is not asked any more.",
    )
    web_token: WebToken = Field(
        default=None,
        description="What whoever asks the web process has to send as `Authorization: Bearer ...`; the live bot has no"
        " use for it.",
    )
    cluster: str | None = Field(
        default=None,
        description="Where `backtest --walk-forward` runs: dask://HOST:PORT or dask:local; the live bot has no use for it.",
    )
    clock: Annotated[Pace, NoDecode] = Field(
        default=Pace(),
        description="For rehearsals against fakes alone: 2024-01-01T00:00:00Z@1767225600000x60 lets time be that"
        " instant at that epoch millisecond and run 60 times as fast from there.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *others: PydanticBaseSettingsSource,
        **named: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What `read` gathered and nothing else: it has looked at environment and file, and refused unknown names."""
        return (init_settings,)

    @property
    def secrets(self) -> tuple[SecretStr, ...]:
        """What no log may show."""
        return tuple(value for name in LiveSettings.model_fields if isinstance(value := getattr(self, name), SecretStr))

    @field_validator("owners", "audiences", mode="before")
    @classmethod
    def _list(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("symbols", mode="before")
    @classmethod
    def _symbols(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return Wanted.parse([part.strip() for part in value.split(",") if part.strip()])

    @field_validator("timeframes", mode="before")
    @classmethod
    def _timeframes(cls, value: object) -> object:
        parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
        if not isinstance(parts, list | tuple):
            return parts
        found = {part if isinstance(part, Timeframe) else Timeframe.parse(part) for part in parts}
        if not found or not found <= set(WATCHABLE):
            raise ValueError(f"they are of {', '.join(t.text for t in WATCHABLE)}")
        return tuple(sorted(found, key=lambda timeframe: timeframe.ms))

    @field_validator("deadman_url")
    @classmethod
    def _deadman_url(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("https://", "http://")):
            raise ValueError("it begins with https://")
        return url

    @field_validator("ops", mode="before")
    @classmethod
    def _ops(cls, value: object) -> object:
        return OpsChat.parse(value) if isinstance(value, str) else value

    @field_validator("zone")
    @classmethod
    def _zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("it is no zone of the IANA database, like Europe/Sofia") from error
        return zone

    @field_validator("clock", mode="before")
    @classmethod
    def _clock(cls, value: object) -> object:
        return _pace(value) if isinstance(value, str) else value

    @field_validator("token")
    @classmethod
    def _token(cls, token: SecretStr) -> SecretStr:
        if not token.get_secret_value().strip():
            raise ValueError(NO_TOKEN)
        return token

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None, env_file: Path = ENV_FILE, **given: Any) -> Self:
        """The settings of the environment over those of `env_file`, under what was `given` on the command line.

        SettingsError in one sentence for a name nobody knows (with the nearest one), a missing token, a bad value.
        """
        named = _gathered(environment, env_file, given)
        if "token" not in named:
            raise SettingsError(NO_TOKEN)
        try:
            settings = cls.model_validate(named)
        except ValidationError as error:
            raise SettingsError(_sentence(error)) from None  # the cause would show the token
        if settings.channel is None and not settings.owners:
            raise SettingsError(NOBODY)
        return settings


class WebSettings(BaseModel):
    """What `python bot.py web` goes by: of the live bot's settings those alone that it needs, not the bot's token."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    db: Path = DEFAULT_DB
    params: Path | None = None
    web_token: WebToken = None

    @classmethod
    def read(
        cls, environment: Mapping[str, str] | None = None, env_file: Path = ENV_FILE, **given: Any
    ) -> "WebSettings":
        """As LiveSettings are read; SettingsError in one sentence for an unknown name or a bad value."""
        try:
            return cls.model_validate(_gathered(environment, env_file, given))
        except ValidationError as error:
            raise SettingsError(_sentence(error)) from None  # the cause would show the token


def _gathered(environment: Mapping[str, str] | None, env_file: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """What is set, by the fields' names: environment over file, under what was given; SettingsError for unknown names."""
    env_names = os.environ if environment is None else environment
    written = {name: value for name, value in dotenv_values(env_file).items() if value is not None}
    values = {**written, **env_names}
    _refuse_unknown(values)
    named: dict[str, Any] = {
        name[len(PREFIX) :].lower(): value for name, value in values.items() if name.startswith(PREFIX)
    }
    return named | {name: value for name, value in given.items() if value is not None}


def _refuse_unknown(names: Iterable[str]) -> None:
    known = [PREFIX + name.upper() for name in LiveSettings.model_fields]
    for name in names:
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}."
            raise SettingsError(f"there is no setting {name}; {hint}")


def _pace(text: str) -> Pace:
    """The pace behind `<ISO time>@<epoch ms>x<speed>`."""
    instant, _, rest = text.partition("@")
    wall, _, speed = rest.partition("x")
    try:
        at = datetime.fromisoformat(instant)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return Pace(round(at.timestamp() * MS_PER_SECOND), int(wall), float(speed))
    except ValueError as error:
        raise ValueError("it is written like 2024-01-01T00:00:00Z@1767225600000x60") from error


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    name = PREFIX + str(first["loc"][0]).upper()
    said = first["msg"].removeprefix("Value error, ")
    return said if said == NO_TOKEN else f"{name} cannot be used: {said[:1].lower()}{said[1:].rstrip('.')}."
