"""Validation: the loss of all pairs, the scores of some, each pair with its own translation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from typing import Protocol

import pytest
import torch
from torch import Tensor
from toy_training import Toy

from regard.errors import DataError
from regard.evaluate.scores import corpus_bleu
from regard.model.build import build_model
from regard.model.seq2seq import Seq2Seq
from regard.recipes import validator
from regard.recipes.prepare import Prepared, load_prepared, prepare
from regard.recipes.validator import TranslatingValidator
from regard.train.interrupt import Interrupt, Interrupted
from regard.train.validation import corpus_loss
from regard.values import Batch, Hypothesis, Specials

WORDS = ("one", "dog", "cat", "sees", "big", "and", "runs")


def network(prepared: Prepared) -> Seq2Seq:
    size = len(prepared.tgt_subword)
    return build_model(prepared.config.model, src_vocab=size, tgt_vocab=size, shared=True).eval()


def nothing() -> None:
    """Requests no stop."""


class Search(Protocol):
    """The type of `greedy_search`, for the arguments that validation gives."""

    def __call__(
        self, model: Seq2Seq, src_ids: Tensor, src_len: Tensor, *, max_len: Tensor, specials: Specials
    ) -> list[Hypothesis]: ...


def oracle(prepared: Prepared) -> Search:
    """A search that returns the references, which it looks up by the ids of the sources."""
    corpus, eos = prepared.val, prepared.tgt_subword.specials.eos
    known = {tuple(corpus.src[row].tolist()): corpus.tgt[row].tolist() for row in range(len(corpus))}

    def search(
        model: Seq2Seq, src_ids: Tensor, src_len: Tensor, *, max_len: Tensor, specials: Specials
    ) -> list[Hypothesis]:
        references = [
            tuple(known[tuple(ids[: length - 1])])
            for ids, length in zip(src_ids.tolist(), src_len.tolist(), strict=True)
        ]
        assert (max_len == 2 * src_len + 20).all()
        return [Hypothesis((*ids, eos), 0.0, (0.0,) * (len(ids) + 1)) for ids in references]

    return search


@pytest.mark.parametrize("at_once", [5, 100])
def test_right_translations_get_full_scores(toy: Toy, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    toy.write("val", 30, seed=5)
    prepared = prepare(toy.config(), toy.directory / "t")
    monkeypatch.setattr(validator, "greedy_search", oracle(prepared))
    monkeypatch.setattr(validator, "SENTENCES_AT_ONCE", at_once)
    validate = TranslatingValidator(prepared.val, prepared.tgt_subword, config=prepared.config, device="cpu")
    validation = validate(network(prepared), check=nothing)
    assert validation.bleu == pytest.approx(100.0)
    assert validation.chrf == pytest.approx(100.0)
    assert len(validation.samples) == 3
    assert all(sample.translation == sample.reference for sample in validation.samples)
    assert all(sample.src in {pair.src for pair in prepared.val.pairs} for sample in validation.samples)


@pytest.mark.parametrize(
    ("tokenizer", "space", "targets"),
    [
        ("zh", "", ["一", "狗", "猫", "看见", "大", "和", "跑"]),
        ("char", "", ["いち", "いぬ", "ねこ", "見る", "大きい", "と", "走る"]),
        ("char", "", ["หนึ่ง", "หมา", "แมว", "เห็น", "ใหญ่", "และ", "วิ่ง"]),
        ("13a", " ", ["하나", "개", "고양이", "본다", "크다", "와", "달린다"]),
    ],
    ids=["zh", "ja", "th", "ko"],
)
def test_right_translations_get_full_scores_without_spaces_too(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, tokenizer: str, space: str, targets: list[str]
) -> None:
    monkeypatch.setattr("regard.evaluate.tokenizers.find_spec", lambda name: None)  # as where no MeCab is installed
    for name, count in (("train", 120), ("val", 12)):
        toy.write(name, count, seed=count, words=dict(zip(WORDS, targets, strict=True)), space=space)
    prepared = prepare(toy.config(), toy.directory / "t")
    monkeypatch.setattr(validator, "greedy_search", oracle(prepared))
    validate = TranslatingValidator(prepared.val, prepared.tgt_subword, config=prepared.config, device="cpu")
    validation = validate(network(prepared), check=nothing)
    assert validation.bleu == pytest.approx(100.0)
    assert prepared.config.train.bleu_tokenize == validate.tokenizer == tokenizer
    notes = [note for note in prepared.notes if note.startswith("train.bleu_tokenize")]
    assert notes == [f"train.bleu_tokenize = {tokenizer}, for the script of the validation targets"] * (space == "")
    assert load_prepared(toy.directory / "t").config.train.bleu_tokenize == tokenizer


def test_a_tokenizer_that_is_missing_is_refused_before_anything_is_learned(toy: Toy) -> None:
    if find_spec("mecab_ko") is not None:
        pytest.skip("mecab-ko is installed here")
    with pytest.raises(DataError, match="ko-mecab cannot be used here"):
        prepare(toy.config("train.bleu_tokenize=ko-mecab"), toy.directory / "t")
    assert not (toy.directory / "t").exists()
    assert prepare(toy.config("train.bleu_tokenize=char"), toy.directory / "t").config.train.bleu_tokenize == "char"


def test_the_loss_is_over_all_and_the_scores_over_some(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = prepare(toy.config("train.validate_sentences=4"), toy.directory / "t")
    seen: list[Batch] = []
    scored: list[int] = []
    inner: Callable[..., object] = corpus_loss

    def noted_loss(model: Seq2Seq, batches: Iterable[Batch], **options: object) -> object:
        seen.extend(read := list(batches))
        return inner(model, read, **options)

    def noted_bleu(translations: list[str], references: list[str], tokenize: str) -> float:
        scored.append(len(translations))
        return 1.0

    monkeypatch.setattr(validator, "corpus_loss", noted_loss)
    monkeypatch.setattr(validator, "corpus_bleu", noted_bleu)
    validate = TranslatingValidator(prepared.val, prepared.tgt_subword, config=prepared.config, device="cpu")
    validation = validate(network(prepared), check=nothing)
    assert sum(len(batch.src_len) for batch in seen) == 12
    assert scored == [4]
    assert validation.nll < validation.loss + 1
    assert validation.seconds > 0


def test_it_draws_no_random_numbers(toy: Toy) -> None:
    prepared = prepare(toy.config(), toy.directory / "t")
    model = network(prepared)
    validate = TranslatingValidator(prepared.val, prepared.tgt_subword, config=prepared.config, device="cpu")
    before = torch.get_rng_state()
    first = validate(model, check=nothing)
    assert torch.equal(before, torch.get_rng_state())
    second = validate(model, check=nothing)
    assert (first.loss, first.bleu, first.samples) == (second.loss, second.bleu, second.samples)


def test_it_can_be_left(toy: Toy) -> None:
    prepared = prepare(toy.config(), toy.directory / "t")
    validate = TranslatingValidator(prepared.val, prepared.tgt_subword, config=prepared.config, device="cpu")
    interrupt = Interrupt()
    interrupt.request()
    with pytest.raises(Interrupted):
        validate(network(prepared), check=interrupt.check)


def test_the_sharpness_of_attention_is_measured_if_there_is_any(toy: Toy) -> None:
    prepared = prepare(toy.config(), toy.directory / "t")
    validate = TranslatingValidator(prepared.val, prepared.tgt_subword, config=prepared.config, device="cpu")
    validation = validate(network(prepared), check=nothing)
    assert validation.entropy is not None
    assert validation.sharpness is not None
    # An untrained model attends almost uniformly; if padding counted, entropy would exceed the log of the length.
    mean_ln = sum(math.log(len(prepared.val.src[row]) + 1) * (len(prepared.val.tgt[row]) + 1) for row in range(12))
    tokens = sum(len(prepared.val.tgt[row]) + 1 for row in range(12))
    assert validation.entropy == pytest.approx(mean_ln / tokens, rel=0.02)
    assert validation.sharpness < 0.02
    plain = prepare(toy.config("model.decoder=plain"), toy.directory / "p")
    validate = TranslatingValidator(plain.val, plain.tgt_subword, config=plain.config, device="cpu")
    without_attention = validate(network(plain), check=nothing)
    assert (without_attention.entropy, without_attention.sharpness) == (None, None)


def test_translations_are_no_longer_than_the_positions(toy: Toy) -> None:
    model = ["model.kind=transformer", "model.width=8", "model.heads=2", "model.position=learned"]
    prepared = prepare(toy.config(*model, "model.max_positions=13", "data.max_len=12"), toy.directory / "t")
    validate = TranslatingValidator(prepared.val, prepared.tgt_subword, config=prepared.config, device="cpu")
    assert int(prepared.val.src_lens.max()) + 1 < 13 < int(prepared.val.src_lens.min()) + 20
    translations = {sample.translation for sample in validate(network(prepared), check=nothing).samples}
    assert len(translations) > 0


def test_each_target_language_has_scores(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.write("val", 20, seed=5)
    lines = (toy.directory / "val.en").read_text(encoding="utf-8").splitlines()
    tagged = [f">>{'fr' if number % 4 else 'de'}<< {line}\n" for number, line in enumerate(lines)]
    (toy.directory / "val.en").write_text("".join(tagged), encoding="utf-8")
    prepared = prepare(toy.config(), toy.directory / "t")
    monkeypatch.setattr(validator, "greedy_search", oracle(prepared))
    validate = TranslatingValidator(prepared.val, prepared.tgt_subword, config=prepared.config, device="cpu")
    counts: list[int] = []

    def counted_bleu(hypotheses: list[str], references: list[str], tokenize: str) -> float:
        counts.append(len(hypotheses))
        return corpus_bleu(hypotheses, references, tokenize=tokenize)

    monkeypatch.setattr(validator, "corpus_bleu", counted_bleu)
    validation = validate(network(prepared), check=nothing)
    assert [language for language, _, _ in validation.by_language] == ["de", "fr"]
    assert all(scores == pytest.approx((100.0, 100.0)) for _, *scores in validation.by_language)
    assert counts == [20, 5, 15]
