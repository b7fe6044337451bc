"""joblib on a Ray cluster, one that runs already or a local one."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import ray
from joblib import parallel_config
from ray.util.joblib import register_ray

from gateways.cluster import ClusterError

SCHEME = "ray://"
LOOPBACK = "127.0.0.1"


@contextmanager
def cluster(head: str | None, within_s: float) -> Iterator[None]:
    """joblib works at the head HOST:PORT of a Ray cluster, or here with a process for every core; see `on_cluster`."""
    _begin(head, within_s)
    try:
        register_ray()
        with parallel_config(backend="ray", n_jobs=-1):
            yield
    finally:
        ray.shutdown()


def _begin(head: str | None, within_s: float) -> None:
    if head is None:
        ray.init(num_cpus=os.cpu_count(), include_dashboard=False, log_to_driver=False, _node_ip_address=LOOPBACK)
        return
    host, _, port = head.rpartition(":")
    try:
        socket.create_connection((host, int(port)), within_s).close()  # Ray itself would wait for minutes
        ray.init(f"{SCHEME}{head}", log_to_driver=False)
    except (OSError, ValueError, OverflowError) as error:
        raise ClusterError(f"No Ray cluster answers at {SCHEME}{head} within {within_s:g} s.") from error
