"""Clusters on loopback: work goes there and comes back, and an address that leads nowhere is told in a sentence."""

import os
from importlib.util import find_spec

import pytest
from distributed import LocalCluster
from joblib import Parallel, delayed

from engine.vocabulary import BookKind
from gateways.cluster import ClusterError, on_cluster
from gateways.dask_cluster import ANY_PORT, LOOPBACK
from services.replay import BTC
from services.walk_forward import walk_forward
from storage.book import Book
from tests.services.test_replay import BEGIN_MS, PARAMS
from tests.services.test_walk_forward import NOW_MS, bars, book, kept

__all__ = ["book"]
needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="the extra `ray` is not installed")


@pytest.mark.long
@pytest.mark.parametrize("address", ["dask:local", pytest.param("ray:local", marks=needs_ray)])
def test_a_walk_forward_on_a_local_cluster_comes_to_what_one_process_does(book: Book, address: str):
    with on_cluster(address):
        spread = walk_forward(book, [bars(BTC)], PARAMS, months=1, now_ms=NOW_MS)
    with Book.temporary(BookKind.LIVE, now_ms=BEGIN_MS) as other:
        alone = walk_forward(other, [bars(BTC)], PARAMS, months=1, now_ms=NOW_MS, processes=1)
        expected = kept(other, alone.run_id)

    assert spread.metrics == alone.metrics
    assert kept(book, spread.run_id) == expected
    assert len(expected) > 20


@pytest.mark.long
def test_a_cluster_that_runs_already_does_the_work_in_its_own_processes_and_runs_on():
    with LocalCluster(n_workers=2, threads_per_worker=1, host=LOOPBACK, dashboard_address=ANY_PORT) as running:
        address = running.scheduler_address.replace("tcp://", "dask://")
        for _ in range(2):
            with on_cluster(address):
                processes = set(Parallel()(delayed(os.getpid)() for _ in range(3)))
            assert os.getpid() not in processes


@pytest.mark.parametrize("address", ["ray:remote", "dask:remote", "tcp://127.0.0.1:1", "dask://", "local"])
def test_an_address_of_another_kind_is_refused(address: str):
    with pytest.raises(ClusterError), on_cluster(address):
        pass


def test_a_scheduler_that_does_not_answer_is_told_of():
    nobody = "dask://127.0.0.1:1"
    with pytest.raises(ClusterError, match=f"No Dask scheduler answers at {nobody} "), on_cluster(nobody, within_s=0.5):
        pass


@needs_ray
def test_a_ray_cluster_that_does_not_answer_is_told_of():
    nobody = "ray://127.0.0.1:1"
    with pytest.raises(ClusterError, match=f"No Ray cluster answers at {nobody} "), on_cluster(nobody, within_s=0.5):
        pass


@pytest.mark.skipif(find_spec("ray") is not None, reason="the extra `ray` is installed")
def test_a_cluster_whose_library_is_missing_names_the_extra():
    extra = "ray:local needs a library that comes with the extra `ray`"
    with pytest.raises(ClusterError, match=extra), on_cluster("ray:local"):
        pass
