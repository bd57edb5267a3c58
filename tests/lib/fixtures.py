"""What every test that runs real programs begins and ends with; imported by the conftest of each folder."""

import pytest

from lib import lab as labs
from lib import process


@pytest.fixture(scope="session", autouse=True)
def swept():
    """Earlier runs that were killed left their namespaces."""
    labs.sweep()


@pytest.fixture
def lab():
    """A lab for one test."""
    with labs.Lab() as one:
        yield one


@pytest.fixture(scope="module")
def module_lab():
    """A lab that the tests of a file share."""
    with labs.Lab() as one:
        yield one


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Show a failure the logs of all that runs."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for program in process.running:
            report.sections.append((f"log of {program.name}", program.log()))
