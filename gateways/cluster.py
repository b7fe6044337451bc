"""Where parallel work runs when this machine is not enough: a Dask cluster, one that runs already or a local one."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from distributed import Client, LocalCluster
from joblib import parallel_config

SCHEME = "dask:"
LOCAL = "dask:local"
LOOPBACK = "127.0.0.1"
ANSWERS_WITHIN_S = 10

# the library's own constructors carry no types
_start_local: Callable[..., LocalCluster] = LocalCluster
_connect: Callable[..., Client] = Client


class ClusterError(ValueError):
    """A cluster that cannot be used; the message is one sentence for a person."""


@contextmanager
def on_cluster(address: str) -> Iterator[None]:
    """Everything that joblib runs inside runs on the cluster at `dask://HOST:PORT`, or on a local one for `dask:local`.

    A local cluster has a process for every core and ends with this context; one that ran already runs on.
    """
    with ExitStack() as stack:
        client = stack.enter_context(_client(address, stack))
        stack.enter_context(parallel_config(backend="dask", client=client, n_jobs=-1))
        yield


def _client(address: str, stack: ExitStack) -> Client:
    if address == LOCAL:
        local = _start_local(host=LOOPBACK, threads_per_worker=1, dashboard_address=None)
        return _connect(stack.enter_context(local))
    if not address.startswith(f"{SCHEME}//"):
        raise ClusterError(f"A cluster is named {SCHEME}//HOST:PORT or {LOCAL}, not {address}.")
    try:
        return _connect(f"tcp://{address.removeprefix(f'{SCHEME}//')}", timeout=ANSWERS_WITHIN_S)
    except (OSError, ValueError) as error:
        raise ClusterError(f"No Dask scheduler answers at {address} within {ANSWERS_WITHIN_S} s.") from error
