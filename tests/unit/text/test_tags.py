"""A tag is one subword wherever it stands, and no other text changes because of it."""

from __future__ import annotations

import pytest

from regard.errors import ConfigError
from regard.text.subword import Subword
from regard.text.tags import check_tag
from regard.text.vocabulary import Kind

TEXTS = ["the cat sat on the mat <and> then it ran away!", "le chat est assis sur le tapis"] * 40
TAGS = ["<web>", ">>fr<<", "<web2>"]


@pytest.fixture(params=["unigram", "bpe"])
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_a_tag_is_one_subword_also_when_segmentations_are_sampled(kind: Kind, alpha: float) -> None:
    subword = Subword.train(TEXTS, vocab_size=330, kind=kind, tags=TAGS)
    assert subword.tags == tuple(TAGS)
    for tag in TAGS:
        for seed in range(20):
            pieces = subword.encode(f"{tag} the cat", sample_alpha=alpha, seed=seed)
            assert pieces.pieces[0] == f"▁{tag}"
            assert pieces.pieces.count(f"▁{tag}") == 1
            assert pieces.spans[0] == (0, len(tag))
            assert subword.decode(pieces.ids).text == f"{tag} the cat"
    assert f"▁{TAGS[0]}" not in subword.encode("the cat<web>").pieces  # a tag is a word


def test_sampling_follows_the_same_distribution_with_tags(kind: Kind) -> None:
    """Tags have no probability and no rank: with them, BPE would be mistaken for unigram."""
    plain, tagged = (Subword.train(TEXTS, vocab_size=330 + len(tags), kind=kind, tags=tags) for tags in ([], TAGS))
    text = "the cat sat on the tapis"
    for seed in range(30):
        first, second = (subword.encode(text, sample_alpha=0.2, seed=seed) for subword in (plain, tagged))
        assert first.pieces == second.pieces


def test_best_and_sampled_segmentation_split_after_a_tag_alike() -> None:
    subword = Subword.train(TEXTS, vocab_size=330, tags=TAGS)
    for text in ("<web>cat", "<web2>cat", "cat <web> <web>", "<web"):
        best, sampled = subword.encode(text).pieces, subword.encode(text, sample_alpha=100.0).pieces
        assert [piece for piece in sampled if piece[1:] in TAGS] == [piece for piece in best if piece[1:] in TAGS]


@pytest.mark.parametrize(
    "tag",
    ["", "<>", "<a b>", "web", "<web", "web>", "<a,b>", '<"a">', "<▁a>", "<" + "a" * 31 + ">", "<e\u0301>", "<>!"],
)
def test_words_that_cannot_be_tags_are_refused(tag: str) -> None:
    with pytest.raises(ConfigError, match="expected a tag such as <web>"):
        check_tag(tag)


@pytest.mark.parametrize("tag", ["<s>", "</s>", "<unk>", "<pad>", "<0x0A>"])
def test_names_of_special_tokens_are_refused(tag: str) -> None:
    with pytest.raises(ConfigError, match="expected a tag that is not a special token"):
        check_tag(tag)


@pytest.mark.parametrize("tag", ["<web>", ">>fr<<", "[news]", "<2fr>", "__bt__", "«été»"])
def test_usual_tags_are_accepted_and_learned(tag: str) -> None:
    subword = Subword.train(TEXTS, vocab_size=330, tags=[check_tag(tag)])
    assert subword.encode(f"{tag} cat").pieces[0] == f"▁{tag}"
