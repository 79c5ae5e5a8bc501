"""What every simulation needs."""

import logging
import sys
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture
def quiet() -> Iterator[None]:
    """Nobody reads a million log lines; and tracing for coverage takes as long as all the rest (others cover it)."""
    before, tracing = structlog.get_config(), sys.gettrace()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    sys.settrace(None)
    yield
    sys.settrace(tracing)
    structlog.configure(**before)
