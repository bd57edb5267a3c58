"""The shared modules are in tests/lib."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.fixtures import lab, module_lab, pytest_runtest_makereport, swept  # noqa: E402,F401
from lib.lab import Lab  # noqa: E402
from lib.sites import SITE1, SITE2, TwoSites  # noqa: E402


def pytest_collection_modifyitems(items):
    """Run the test that waits 30 seconds last; its gateway starts first."""
    items.sort(key=lambda item: "silent_peer" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session", autouse=True)
def early_start(request, swept):    # noqa: F811
    """Start to wait for the silent peer at once, if a test of this session needs it."""
    if any("silent_peer" in getattr(item, "fixturenames", ()) for item in request.session.items):
        request.getfixturevalue("silent_peer_of_session")


@pytest.fixture(scope="session")
def silent_peer_of_session():
    """Site 1's gateway, which has just begun to negotiate with a peer that is not there, and a capture of its wire."""
    with Lab() as session_lab:
        sites = TwoSites(session_lab)
        capture = sites.capture("silent")
        gateway = sites.gateway(SITE1).start()
        sites.lan1.ping(SITE2.lan4(10), count=1, wait=0.1)
        yield gateway, capture


@pytest.fixture
def sites(lab):
    """The namespaces; the test starts the gateways."""
    return TwoSites(lab)


@pytest.fixture
def connected(sites):
    """Both gateways up, with an SA."""
    sites.start()
    sites.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)
    sites.gateway2.wait_for_sa()
    return sites
