from collections.abc import AsyncIterator

import pytest

from tests.fakes.call import FakeFactory
from tests.web.site import Site, running_site


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A server with fake calls behind it."""
    async with running_site(FakeFactory()) as running_one:
        yield running_one
