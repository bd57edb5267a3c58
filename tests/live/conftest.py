"""The shared modules are in tests/lib."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.fixtures import lab, pytest_runtest_makereport, swept  # noqa: E402,F401
