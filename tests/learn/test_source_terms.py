"""A model that was trained with terms in its sources uses the terms of a glossary.

Every word of the toy language has two translations, of which the training pairs have either at random. So a model can
only know by the term which one is asked for.
"""

from __future__ import annotations

import random

import torch
from torch.nn import functional as F

from regard.config.schema import Config, RNNConfig
from regard.data.corpus import Corpus
from regard.data.guided_links import GuidedLinks
from regard.data.source_terms import SourceTerms
from regard.data.stream import BatchStream
from regard.model.build import build_model
from regard.model.seq2seq import Seq2Seq
from regard.store import StoredModel
from regard.text.source_terms import TERM_SYMBOLS
from regard.text.subword import Subword
from regard.translation.glossary import Glossary, GlossaryEntry
from regard.translation.term_use import count_terms
from regard.translation.translator import Translator
from regard.values import Pair

WORDS = {f"{first}{last}": (f"{first}u{last}", f"{first}i{last}") for first in "bdgk" for last in "aeo"}
"""Translations of each word."""
REQUIRED, ENOUGH = 0.85, 0.95
"""Share of terms that must be met, and at which training stops."""
MAX_STEPS = 2000
"""Limit of training steps; about 400 are needed."""


def pairs(count: int, seed: int) -> list[Pair]:
    choose = random.Random(seed)
    sentences = [choose.choices(sorted(WORDS), k=choose.randint(3, 6)) for _ in range(count)]
    return [
        Pair(" ".join(words), " ".join(choose.choice(WORDS[word]) for word in words), line)
        for line, words in enumerate(sentences, start=1)
    ]


def share_met(translator: Translator, *, in_source: bool) -> float:
    """Share of terms that are met in unseen sentences, each with a term for either translation of one word."""
    num_met = num_matched = 0
    sources = [pair.src for pair in pairs(40, seed=2)]
    for variant in (0, 1):
        glossary = Glossary(GlossaryEntry((word,), (WORDS[word][variant],)) for word in sorted(WORDS)[::3])
        options = {"glossary": glossary, "terms_in_source": True} if in_source else {}
        found = translator.translate(sources, beam=1, **options)  # type: ignore[arg-type]  # of two types
        texts = [translation.text for translation in found]
        for count in count_terms(glossary, zip(sources, texts, strict=True)).counts:
            num_met, num_matched = num_met + count.met, num_matched + count.matched
    return num_met / num_matched


def test_a_trained_model_takes_terms_over() -> None:
    training = pairs(1000, seed=1)
    subword = Subword.train(
        [side for pair in training for side in (pair.src, pair.tgt)], vocab_size=330, tags=TERM_SYMBOLS
    )
    corpus = Corpus.encode(training, subword, subword, max_len=60)
    links = GuidedLinks.from_links(
        [tuple((word, word) for word in range(pair.src.count(" ") + 1)) for pair in training], subword, subword
    )
    stream = BatchStream(
        corpus, batch_tokens=800, seed=1, specials=subword.specials, terms=SourceTerms(0.7, links, subword, 60)
    )
    config = Config(
        model=RNNConfig.model_validate({"decoder": "luong", "embed_size": 32, "hidden_size": 64, "dropout": 0.0})
    )
    torch.manual_seed(1)
    model = build_model(config.model, src_vocab=len(subword), tgt_vocab=len(subword), shared=True)
    translator = trained(model, StoredModel(model, config, subword, subword, None), stream)  # type: ignore[arg-type]  # no manifest
    assert share_met(translator, in_source=True) >= REQUIRED
    assert 0.3 < share_met(translator, in_source=False) < 0.7


def trained(model: Seq2Seq, stored: StoredModel, stream: BatchStream) -> Translator:
    """Trains until enough terms are met, or up to `MAX_STEPS` steps."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=8e-3, betas=(0.9, 0.98), fused=True)
    for step in range(1, MAX_STEPS + 1):
        batch = next(stream)
        logits = model.project(model(batch).hidden)
        loss = F.cross_entropy(logits.flatten(0, 1), batch.tgt_out_ids.flatten(), ignore_index=stream.specials.pad)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        if step % 50 == 0:
            translator = Translator.of([stored])
            model.eval()
            enough = share_met(translator, in_source=True) >= ENOUGH
            model.train()
            if enough:
                break
    model.eval()
    return Translator.of([stored])
