"""Subwords: every text survives a round trip, and every subword has its characters."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.errors import CheckpointError, DataError
from regard.text.normalize import normalize
from regard.text.subword import Subword
from regard.text.vocabulary import Kind
from regard.text.words import words_of
from regard.values import Specials

HOSTILE = [
    "",
    "▁",
    "a▁b ▁▁ c",
    "<s> </s> <unk> <pad> <0x41>",
    "▅▅",
    "été e\u0301 \u0301",
    "안녕하세요 고양이 뷁",
    "👩\u200d👩\u200d👧 🇫🇷 😀",
    "\ufffe\U0010ffff\U0010fffc",
    "\u202eright to left\u202c שלום",
    "the" * 3000,
    "क्षत्रिय ไม่มีช่องว่าง 漢字かな交じり文",
]
ANY = st.one_of(
    st.text(),
    st.text(st.characters(exclude_categories=())),  # surrogates too
    st.lists(st.sampled_from([*"aé한 \t▁<>", "the ", "cat", "  ", "e\u0301", "😀", "</s>"])).map("".join),
)


@given(text=ANY)
def test_round_trip_of_any_text(subword: Subword, text: str) -> None:
    text = normalize(text).replace("\U0010fffd", "▁")  # see below
    encoding = subword.encode(text)
    decoding = subword.decode(encoding.ids)
    assert decoding.text == text
    assert decoding == encoding


def test_the_only_character_that_changes_in_a_round_trip(subword: Subword) -> None:
    """It is the escape character for `▁` (docs/text-and-batches.md)."""
    encoding = subword.encode("a\U0010fffdb")
    assert subword.decode(encoding.ids).text == "a▁b"


@pytest.mark.parametrize("text", HOSTILE)
def test_round_trip_of_hostile_texts(subword: Subword, text: str) -> None:
    text = normalize(text)
    encoding = subword.encode(text)
    assert subword.decode(encoding.ids) == encoding
    assert encoding.text == text


@given(text=ANY, alpha=st.sampled_from([0.0, 0.3]))
def test_spans_cover_the_text_in_order(subword: Subword, text: str, alpha: float) -> None:
    encoding = subword.encode(text, sample_alpha=alpha)  # not normalized: offsets hold for any text
    assert encoding.text == text
    assert len(encoding.ids) == len(encoding.pieces) == len(encoding.spans)
    end = 0
    shared = (0, 0)
    for piece, (start, stop) in zip(encoding.pieces, encoding.spans, strict=True):
        assert 0 <= start <= stop <= len(text)
        if piece.startswith("<0x"):
            assert stop == start + 1
            assert (start, stop) == shared or start >= end
            shared = (start, stop)
        else:
            assert start >= end
        assert set(text[end:start]) <= {" "}  # only spaces are between spans
        end = stop
    assert set(text[end:]) <= {" "}


def test_ordinary_pieces_are_what_their_spans_show(subword: Subword) -> None:
    encoding = subword.encode("the small cat sees très 고양이 ?")
    assert not any(piece.startswith("<0x") for piece in encoding.pieces)
    shown = [encoding.text[start:end] for start, end in encoding.spans]
    assert shown == [piece.lstrip("▁") for piece in encoding.pieces]


def test_the_bytes_of_one_character_share_its_span(subword: Subword) -> None:
    encoding = subword.encode("cat 😀뷁")
    spans = [span for piece, span in zip(encoding.pieces, encoding.spans, strict=True) if piece.startswith("<0x")]
    assert spans == [(4, 5)] * 4 + [(5, 6)] * 3


@given(st.lists(ANY, max_size=5))
def test_batches_are_tokenized_like_single_texts(subword: Subword, texts: list[str]) -> None:
    assert subword.encode_ids(texts) == [list(subword.encode(text).ids) for text in texts]


@given(st.lists(st.integers(0, 299)))
def test_any_ids_decode_to_one_line(subword: Subword, ids: list[int]) -> None:
    decoding = subword.decode(ids)
    assert decoding.text == normalize(decoding.text) or "\u0301" in decoding.text
    assert decoding.ids == tuple(ids)
    specials = {0, 1, 2, 3}
    assert all(start == end for i, (start, end) in zip(ids, decoding.spans, strict=True) if i in specials)


def test_specials(subword: Subword) -> None:
    assert subword.specials == Specials(unk=0, pad=1, bos=2, eos=3)
    assert subword.decode([2, *subword.encode("a cat").ids, 3, 1]).text == "a cat"
    assert subword.specials.unk not in {i for text in HOSTILE for i in subword.encode(text).ids}


@pytest.mark.parametrize("wrong", [-1, 5000])
def test_ids_out_of_range_are_reported(unigram: Subword, wrong: int) -> None:
    with pytest.raises(DataError, match=rf"expected subword ids below {len(unigram)}, .*got {wrong}"):
        unigram.decode([5, wrong])


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_sampling_varies_and_repeats(kind: Kind) -> None:
    texts = ["how was your day", "the weather is good"] * 20
    more = [f"the weather {n} was good, how was your day number {n * n} ?" for n in range(200)]
    subword = Subword.train(more, vocab_size=330, kind=kind)
    first = subword.encode_ids(texts, sample_alpha=0.1, seed=5)
    assert subword.encode_ids(texts, sample_alpha=0.1, seed=6) != first
    assert subword.encode_ids(texts, sample_alpha=0.1, seed=5) == first
    assert len({tuple(ids) for ids in first[::2]}) > 3
    assert [subword.decode(ids).text for ids in first] == texts
    encoding = subword.encode(texts[0], sample_alpha=0.1, seed=5)
    assert subword.encode(texts[0], sample_alpha=0.1, seed=5) == encoding
    assert subword.decode(encoding.ids) == encoding
    assert encoding.ids == tuple(first[0])
    code = (
        "from regard.text.subword import Subword\n"
        f"print(Subword(bytes.fromhex({subword.to_bytes().hex()!r})).encode_ids({texts!r}, sample_alpha=0.1, seed=5))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == str(first)  # in another process, too
    assert subword.encode_ids(texts[:2], seed=5) == subword.encode_ids(texts[:2], seed=6)  # no sampling


def test_saving_and_loading(unigram: Subword, tmp_path: Path) -> None:
    unigram.save(tmp_path / "subword.model")
    for again in (Subword.load(tmp_path / "subword.model"), Subword.from_bytes(unigram.to_bytes())):
        assert again.encode("the cat 😀") == unigram.encode("the cat 😀")
        assert len(again) == len(unigram)
        assert again.fingerprint() == unigram.fingerprint()
    assert unigram.fingerprint() == hashlib.sha256((tmp_path / "subword.model").read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected a SentencePiece model, got 0 bytes that are not one"),
        (b"no model at all", "expected a SentencePiece model, got 15 bytes that are not one"),
        (None, "no such file: expected the vocabulary that regard wrote"),
    ],
)
def test_files_of_other_types_are_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], content: bytes | None, message: str
) -> None:
    path = tmp_path / "subword.model"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointError, match=f"{path}: {message}"):
        Subword.load(path)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"normalization_rule_name": "nmt_nfkc"}, "normalizes the text"),
        ({"remove_extra_whitespaces": True}, "normalizes the text"),
        ({"split_by_whitespace": False}, "normalizes the text"),
        ({"byte_fallback": False}, "has no piece for some byte"),
        ({"pad_id": -1}, "expected the SentencePiece model to define each of unk, pad, bos and eos"),
    ],
)
def test_models_with_unsuitable_options_are_refused(changes: dict[str, object], message: str) -> None:
    import io

    import sentencepiece

    model = io.BytesIO()
    options: dict[str, object] = {
        "pad_id": 1,
        "bos_id": 2,
        "eos_id": 3,
        "byte_fallback": True,
        "normalization_rule_name": "identity",
    }
    options |= {"remove_extra_whitespaces": False, "vocab_size": 300, "hard_vocab_limit": False, "minloglevel": 3}
    train: Callable[..., None] = sentencepiece.SentencePieceTrainer.train  # takes these options as keywords, untyped
    train(
        sentence_iterator=iter(["a cat is a cat", "a dog is a cat is a dog"] * 9),
        model_writer=model,
        **(options | changes),
    )
    with pytest.raises(CheckpointError, match=message):
        Subword(model.getvalue())


def test_a_very_long_line(subword: Subword) -> None:
    text = "catdog😀" * 20_000
    encoding = subword.encode(text)
    assert encoding.spans[-1][1] == len(text)
    assert subword.decode(encoding.ids).text == text


def test_text_needs_no_torch() -> None:
    modules = ["readers", "subword", "words", "normalize", "vocabulary", "tokenizers"]
    code = "".join(f"import regard.text.{name}\n" for name in modules) + "import sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_round_trip_of_zero_width_spaces() -> None:
    line = "ខ្ញុំ\u200bទៅ\u200bសាលារៀន ថ្ងៃនេះ"
    for subword in (Subword.train([line] * 30, vocab_size=330), Subword.train(["plain text"] * 30, vocab_size=300)):
        encoding = subword.encode(normalize(line))
        assert subword.decode(encoding.ids).text == line
        assert words_of(line) == ("ខ្ញុំ\u200bទៅ\u200bសាលារៀន", "ថ្ងៃនេះ")


@pytest.mark.parametrize(
    ("piece", "message"),
    [
        ("how", "has pieces that are not valid UTF-8 .*: copy the model again"),
        ("<0x41>", "expected a SentencePiece model"),
    ],
)
def test_pieces_that_are_not_utf_8(piece: str, message: str) -> None:
    """SentencePiece loads a piece such as half a character, and fails whenever the piece is read."""
    data = Subword.train(["how was your day baba dede"] * 20, vocab_size=300).to_bytes()
    start = data.index(piece.encode())
    with pytest.raises(CheckpointError, match=message):
        Subword(data[: start + len(piece) - 2] + b"\xc3" + data[start + len(piece) - 1 :])


def test_a_vocabulary_without_a_space_piece_is_refused() -> None:
    data = Subword.train(["how was your day baba dede"] * 20, vocab_size=300).to_bytes()
    alone = b"\x0a\x03\xe2\x96\x81"
    assert data.count(alone) == 1
    with pytest.raises(CheckpointError, match="has no piece for some byte"):
        Subword(data.replace(alone, b"\x0a\x03\xe2\x96\x82"))
