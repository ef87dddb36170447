"""Runs `regard` with a search that sleeps before each step: `slow_serve.py SECONDS serve ...`."""

import sys
import time
from collections.abc import Callable

from regard.cli.main import app
from regard.service.decoder import Decoder
from regard.service.jobs import Batch

SECONDS = float(sys.argv.pop(1))
_BEFORE = Decoder._before_step


def _slow_before_step(self: Decoder, batch: Batch) -> Callable[[], None]:
    before_step = _BEFORE(self, batch)

    def slow() -> None:
        time.sleep(SECONDS)
        before_step()

    return slow


Decoder._before_step = _slow_before_step  # type: ignore[method-assign]
app()
