"""The file of parameters that differ from the defaults, read into the engine's words."""

import tomllib
from pathlib import Path

from engine.params import Params


class ParamsFileError(ValueError):
    """A params.toml that cannot be used; the message is one sentence."""


def read_params(path: Path | None) -> Params:
    """The defaults with the file's values over them; ParamsFileError names the file, ParamsError the parameter."""
    if path is None:
        return Params()
    try:
        return Params.from_mapping(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ParamsFileError(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ParamsFileError(f"{path} is not TOML: {error}.") from error
