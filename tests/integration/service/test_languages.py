"""The service with a model of several target languages: the target of a request chooses the language."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from toy_training import Toy

from regard.config.schema import Config
from regard.recipes.training import train
from regard.service.catalog import parse_model
from regard.service.forced import Forced
from regard.service.metrics import Metrics
from regard.service.requests import TextRequest
from regard.service.server import build_service
from regard.service.settings import ServiceSettings
from regard.translation.loading import load
from regard.translation.options import TranslateOptions


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model trained on en-fr, en-de and de-es."""
    toy = Toy(tmp_path)
    config = toy.config(files=("val_src", "val_tgt"))
    texts = {"src": str(toy.directory / "train.en"), "tgt": str(toy.directory / "train.fr")}
    data = {"corpora": [{**texts, "langs": langs} for langs in ("en-fr", "en-de", "de-es")]}
    return train(Config.model_validate({**config.model_dump(exclude_none=True), "data": data}), tmp_path / "m").path


def test_the_target_of_a_request_chooses_the_language(model: Path) -> None:
    translator = load(model)
    entries = parse_model(str(model))
    assert [entry.name for entry in entries] == ["en-fr", "en-de", "de-es"]
    service = build_service(entries, ServiceSettings(), Metrics(), threads=1)

    async def work() -> None:
        for target in ("fr", "de"):
            [expected] = translator.translate("one dog sees", to=target, beam=2)
            request = TextRequest(("one dog sees",), "en", target, TranslateOptions(beam=2))
            [result] = await service.translate(request, client="a")
            assert (result.text, result.path) == (expected.text, ("en", target))
            [sentence] = result.sentences
            assert sentence.score == pytest.approx(expected.score, rel=1e-4)
            assert not any("never trained" in warning for warning in sentence.warnings)
            pairs = [("one dog", "un chien")]
            [scored] = await Forced(service).score("en", target, pairs, client="a")
            own = translator.for_target(target).score("one dog", "un chien")[0]
            assert scored.score == pytest.approx(own.score, rel=1e-4)
        [result] = await service.translate(TextRequest(("ein",), "de", "fr", TranslateOptions()), client="a")
        assert "never trained to translate from German to French" in result.sentences[0].warnings[0]
        assert service.catalog.num_loaded == 1

    async def main() -> None:
        service.start()
        try:
            await asyncio.wait_for(work(), 120)
        finally:
            await service.stop()

    asyncio.run(main())
