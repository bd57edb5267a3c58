"""Fixtures of all tests that run real programs; the conftest of each folder imports them."""

import pytest

from lib import lab as labs
from lib import process


@pytest.fixture(scope="session", autouse=True)
def swept():
    """Remove the namespaces of earlier runs that were killed."""
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
    """Add the logs of all running programs to the report of a failure."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for program in process.running:
            report.sections.append((f"log of {program.name}", program.log()))
