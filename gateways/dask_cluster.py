"""joblib on a Dask cluster, one that runs already or a local one."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from distributed import Client, LocalCluster
from joblib import parallel_config

from gateways.cluster import ClusterError

LOOPBACK = "127.0.0.1"
ANY_PORT = f"{LOOPBACK}:0"

# the library's own constructors carry no types
_start_local: Callable[..., LocalCluster] = LocalCluster
_connect: Callable[..., Client] = Client


@contextmanager
def cluster(scheduler: str | None, within_s: float) -> Iterator[None]:
    """joblib works at the scheduler HOST:PORT, or here with a process for every core; see `on_cluster`."""
    with ExitStack() as stack:
        client = stack.enter_context(_client(scheduler, within_s, stack))
        stack.enter_context(parallel_config(backend="dask", client=client, n_jobs=-1))
        yield


def _client(scheduler: str | None, within_s: float, stack: ExitStack) -> Client:
    if scheduler is None:
        local = _start_local(host=LOOPBACK, threads_per_worker=1, dashboard_address=ANY_PORT)
        return _connect(stack.enter_context(local))
    try:
        return _connect(f"tcp://{scheduler}", timeout=within_s)
    except (OSError, ValueError) as error:
        raise ClusterError(f"No Dask scheduler answers at dask://{scheduler} within {within_s:g} s.") from error
