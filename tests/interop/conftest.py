"""Fixtures: a cluster for the whole run, and the black-box suite's lab."""

import importlib.util
import itertools
import os

import pytest

from cluster import Cluster
from tenant import Tenant

numbers = itertools.count(1)


def load_blackbox():
    """The other suite's fixtures, which live in a file named as this one."""
    here = os.path.dirname(os.path.abspath(__file__))
    spec = importlib.util.spec_from_file_location(
        "blackbox_fixtures",
        os.path.join(here, "..", "blackbox", "conftest.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


blackbox = load_blackbox()
authority = blackbox.authority
lab = blackbox.lab
pytest_runtest_makereport = blackbox.pytest_runtest_makereport


@pytest.fixture(scope="session")
def cluster_of_this_run(tmp_path_factory):
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    yield made
    made.stop()


@pytest.fixture
def cluster(cluster_of_this_run):
    """The cluster, up, whatever the test before did to it."""
    cluster_of_this_run.start_api()
    return cluster_of_this_run


@pytest.fixture
def tenant(cluster, tmp_path):
    return Tenant(cluster, tmp_path, f"t{next(numbers)}")
