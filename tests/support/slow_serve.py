"""Runs `regard` with a slow search, and a word that breaks it: `slow_serve.py SECONDS serve ...`.

The search sleeps before each step. A text with the word `break-inside` raises an exception that quotes the text.
"""

import sys
import time
from collections.abc import Callable

from regard.cli.main import app
from regard.service.decoder import Decoder
from regard.service.jobs import Batch
from regard.service.requests import TextRequest, TextResult
from regard.service.service import TranslationService

_BEFORE, _TRANSLATE = Decoder._before_step, TranslationService.translate


def _slowed(seconds: float) -> Callable[[Decoder, Batch], Callable[[], None]]:
    def slow_before_step(self: Decoder, batch: Batch) -> Callable[[], None]:
        before_step = _BEFORE(self, batch)

        def slow() -> None:
            time.sleep(seconds)
            before_step()

        return slow

    return slow_before_step


async def _translate(
    self: TranslationService,
    request: TextRequest,
    *,
    client: str,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[TextResult]:
    if any("break-inside" in text for text in request.texts):
        try:
            raise KeyError(request.texts[0])
        except KeyError as error:
            raise RuntimeError(f"cannot translate {request.texts}") from error
    return await _TRANSLATE(self, request, client=client, on_progress=on_progress)


if __name__ == "__main__":
    Decoder._before_step = _slowed(float(sys.argv.pop(1)))  # type: ignore[method-assign, assignment]  # what this program is for
    TranslationService.translate = _translate  # type: ignore[method-assign]  # as above
    app()
