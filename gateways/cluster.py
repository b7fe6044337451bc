"""Where parallel work runs when this machine is not enough: a Dask cluster, one that runs already or a local one."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from distributed import Client, LocalCluster
from joblib import parallel_config

SCHEME = "dask:"
LOCAL = "dask:local"
LOOPBACK = "127.0.0.1"
ANY_PORT = f"{LOOPBACK}:0"
ANSWERS_WITHIN_S = 10.0

# the library's own constructors carry no types
_start_local: Callable[..., LocalCluster] = LocalCluster
_connect: Callable[..., Client] = Client


class ClusterError(ValueError):
    """A cluster that cannot be used; the message is one sentence for a person."""


@contextmanager
def on_cluster(address: str, within_s: float = ANSWERS_WITHIN_S) -> Iterator[None]:
    """Everything that joblib runs inside runs on the cluster at `dask://HOST:PORT`, or on a local one for `dask:local`.

    A local cluster has a process for every core and ends with this context; one that ran already runs on. ClusterError
    where no scheduler answers within `within_s` seconds.
    """
    with ExitStack() as stack:
        client = stack.enter_context(_client(address, within_s, stack))
        stack.enter_context(parallel_config(backend="dask", client=client, n_jobs=-1))
        yield


def _client(address: str, within_s: float, stack: ExitStack) -> Client:
    if address == LOCAL:
        local = _start_local(host=LOOPBACK, threads_per_worker=1, dashboard_address=ANY_PORT)
        return _connect(stack.enter_context(local))
    if not address.startswith(f"{SCHEME}//"):
        raise ClusterError(f"A cluster is named {SCHEME}//HOST:PORT or {LOCAL}, not {address}.")
    try:
        return _connect(f"tcp://{address.removeprefix(f'{SCHEME}//')}", timeout=within_s)
    except (OSError, ValueError) as error:
        raise ClusterError(f"No Dask scheduler answers at {address} within {within_s:g} s.") from error
