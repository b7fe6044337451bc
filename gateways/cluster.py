"""Where parallel work runs when this machine is not enough: a Dask or Ray cluster by its address."""

import importlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

ANSWERS_WITHIN_S = 10.0
LIBRARIES = {"dask": "distributed", "ray": "ray"}
"""What must be installed for each kind of cluster; loaded for that kind alone."""
EXTRAS = {"dask": "cluster", "ray": "ray"}


class ClusterError(ValueError):
    """A cluster that cannot be used; the message is one sentence for a person."""


@contextmanager
def on_cluster(address: str, within_s: float = ANSWERS_WITHIN_S) -> Iterator[None]:
    """Everything that joblib runs inside runs on the cluster at `address`, or on one that is started here for it.

    `dask://HOST:PORT` is a Dask scheduler, `ray://HOST:PORT` the head of a Ray cluster; `dask:local` and `ray:local` have
    a process for every core here and end with this context, what ran already runs on. ClusterError where the library is
    not installed or nobody answers within `within_s` seconds.
    """
    with _cluster(address, within_s):
        yield


def _cluster(address: str, within_s: float) -> AbstractContextManager[None]:
    kind, _, place = address.partition(":")
    if kind not in LIBRARIES or not (place == "local" or (place.startswith("//") and len(place) > len("//"))):
        raise ClusterError(
            f"A cluster is named dask://HOST:PORT, ray://HOST:PORT, dask:local or ray:local, not {address}."
        )
    try:
        if kind == "dask":
            module = importlib.import_module("gateways.dask_cluster")
        else:
            module = importlib.import_module("gateways.ray_cluster")
    except ModuleNotFoundError as error:
        if error.name != LIBRARIES[kind]:
            raise
        raise ClusterError(f"{address} needs a library that comes with the extra `{EXTRAS[kind]}`.") from error
    cluster: AbstractContextManager[None] = module.cluster(None if place == "local" else place[2:], within_s)
    return cluster
