"""Imported MarianMT models compared with transformers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import sentencepiece
import torch

from regard.data.collate import collate
from regard.errors import CheckpointError, ConfigError
from regard.interop.marian.importer import import_marian
from regard.store import StoredModel, load_model
from regard.text.normalize import normalize
from regard.translation.translator import Translator

transformers = pytest.importorskip("transformers", reason="needs transformers: pip install 'regard[interop]'")

EN = [
    "a man in a red hat rides a bicycle over the bridge .",
    "two women are reading a newspaper in the park .",
    "the children play near the water , and a dog runs after the ball .",
]
FR = [
    "un homme au chapeau rouge roule à vélo sur le pont .",
    "deux femmes lisent un journal dans le parc .",
    "les enfants jouent près de l' eau , et un chien court après le ballon .",
]
LINES = [
    "the dog reads a newspaper",
    "  two   women ride ",
    "the ﬁrst ｄｏｇ №1 — 日本語 \u200b😀!",  # a ligature, full width, what no piece has
    ">>fra<< a man",
    ">>xyz<< a man",
    "un chien",
    "<pad> </s> ▁x",
]

Make = Callable[..., Path]
pytestmark = pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses")


def _train(lines: list[str], kind: str, prefix: Path, size: int) -> sentencepiece.SentencePieceProcessor:
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines * 10), model_prefix=str(prefix), vocab_size=size, model_type=kind,
        hard_vocab_limit=False, character_coverage=0.98, minloglevel=3,
    )  # fmt: skip
    prefix.with_suffix(".model").rename(prefix.with_suffix(".spm"))
    return sentencepiece.SentencePieceProcessor(model_file=str(prefix.with_suffix(".spm")))


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Writes a random MarianMT model with these options, in the layout of transformers and OPUS-MT."""

    def made(*, kind: str = "unigram", separate: bool = False, seed: int = 0, **options: object) -> Path:
        directory = tmp_path / f"marian-{seed}"
        directory.mkdir()
        processors = [_train(lines, kind, directory / side, 120) for lines, side in ((EN, "source"), (FR, "target"))]
        pieces = [{spm.id_to_piece(i) for i in range(spm.get_piece_size())} - {"<s>"} for spm in processors]
        vocabularies = []
        for listed in pieces if separate else [pieces[0] | pieces[1]]:
            rest = sorted(listed - {"</s>", "<unk>"})
            rest.remove("▁a") if not separate else None  # as in real models, a piece without an id
            vocabularies.append({text: i for i, text in enumerate(["</s>", "<unk>", "<pad>", *rest, ">>fra<<"])})
        for name, vocabulary in zip(("vocab.json", "target_vocab.json"), vocabularies, strict=False):
            (directory / name).write_text(json.dumps(vocabulary), encoding="utf-8")
        src_size, tgt_size = len(vocabularies[0]), len(vocabularies[-1])
        tokenizer = {"source_lang": "en", "target_lang": "fr", "separate_vocabs": separate}
        (directory / "tokenizer_config.json").write_text(json.dumps(tokenizer))
        settings: dict[str, object] = {
            "vocab_size": src_size, "decoder_vocab_size": tgt_size, "d_model": 32, "encoder_layers": 2,
            "decoder_layers": 3, "encoder_attention_heads": 4, "decoder_attention_heads": 4, "encoder_ffn_dim": 48,
            "decoder_ffn_dim": 48, "activation_function": "swish", "scale_embedding": True,
            "max_position_embeddings": 64, "pad_token_id": 2, "eos_token_id": 0,
            "decoder_start_token_id": 2, "forced_eos_token_id": None,
            "share_encoder_decoder_embeddings": not separate, "tie_word_embeddings": True,
        }  # fmt: skip
        torch.manual_seed(seed)
        model = transformers.MarianMTModel(transformers.MarianConfig(**{**settings, **options})).eval()
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if "embed_positions" not in name:  # biases and norms too, so that an import cannot omit them
                    spread = 0.3 if parameter.dim() == 1 else 1.5 * parameter.shape[-1] ** -0.5
                    norm = 1.0 if "norm.weight" in name else 0.0
                    parameter.copy_(torch.randn_like(parameter) * spread + norm)
            model.final_logits_bias.copy_(torch.randn_like(model.final_logits_bias))
        model.save_pretrained(directory)
        return directory

    return made


def logits_agree(directory: Path, stored: StoredModel) -> None:
    theirs = transformers.MarianMTModel.from_pretrained(directory).eval()
    num_src, num_tgt = len(stored.src_subword), len(stored.tgt_subword)
    generator = torch.Generator().manual_seed(3)
    draw = [torch.randint(3, min(num_src, num_tgt), (n,), generator=generator).tolist() for n in (9, 1, 5)]
    batch = collate(draw, draw[::-1], specials=stored.tgt_subword.specials)
    mask = torch.arange(batch.src_ids.shape[1]) < batch.src_len[:, None]
    with torch.inference_mode():
        expected = theirs(
            input_ids=batch.src_ids, attention_mask=mask.long(), decoder_input_ids=batch.tgt_in_ids
        ).logits
        found = stored.model.project(stored.model(batch).hidden)
    real = torch.arange(batch.tgt_in_ids.shape[1]) < batch.tgt_len[:, None]
    assert expected[real].std() > 0.5
    assert (found - expected)[real].abs().max() <= 1e-4


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"activation_function": "relu", "scale_embedding": False},
        {"activation_function": "gelu", "separate": True},
        {"kind": "bpe", "tie_word_embeddings": False},
    ],
    ids=lambda options: "-".join(map(str, options.values())) or "default",
)
def test_logits_and_segmentation_are_those_of_transformers(
    make: Make, tmp_path: Path, options: dict[str, object]
) -> None:
    directory = make(**options)
    import_marian(directory, tmp_path / "model")
    stored = load_model(tmp_path / "model")
    logits_agree(directory, stored)
    tokenizer = transformers.MarianTokenizer.from_pretrained(directory)
    for line in LINES:
        text = normalize(line)
        if "▁" not in text and ">>xyz" not in text and "<pad>" not in text:
            expected = [tokenizer._convert_token_to_id(piece) for piece in tokenizer._tokenize(text)]
            assert list(stored.src_subword.encode(text).ids) == expected
            assert stored.src_subword.encode_ids([text]) == [expected]
    target = tokenizer(text_target=FR).input_ids
    for ids, line in zip(target, FR, strict=True):
        assert list(stored.tgt_subword.encode(line).ids) == ids[:-1]
        assert stored.tgt_subword.decode(ids).text == " ".join(tokenizer.decode(ids, skip_special_tokens=True).split())


def test_greedy_translations_are_those_of_transformers(make: Make, tmp_path: Path) -> None:
    directory = make(seed=2, max_position_embeddings=256)
    _edit(directory / "generation_config.json", num_beams=3)
    import_marian(directory, tmp_path / "model")
    theirs = transformers.MarianMTModel.from_pretrained(directory).eval()
    tokenizer = transformers.MarianTokenizer.from_pretrained(directory)
    translator = Translator.of([load_model(tmp_path / "model")])
    assert translator.search.beam == 3
    for line, ours in zip(EN, translator.translate(EN, beam=1), strict=True):
        source = tokenizer(line, return_tensors="pt")
        limit = 2 * source.input_ids.shape[1] + 20
        pad = tokenizer.pad_token_id
        with torch.inference_mode():
            ids = theirs.generate(**source, num_beams=1, max_new_tokens=limit, bad_words_ids=[[pad]], do_sample=False)
        assert ours.tokens == tuple(
            tokenizer.convert_ids_to_tokens(i) for i in ids[0, 1:].tolist() if i not in (0, pad)
        )


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_spans_of_pieces_cover_the_text(make: Make, tmp_path: Path, kind: str) -> None:
    import_marian(make(kind=kind), tmp_path / "model")
    subword = load_model(tmp_path / "model").src_subword
    for line in [*LINES, *EN, ""]:
        text = normalize(line)
        encoding = subword.encode(text)
        assert len(encoding.spans) == len(encoding.ids) == len(encoding.pieces)
        starts = [start for start, _ in encoding.spans]
        assert starts == sorted(starts)
        assert all(0 <= start <= end <= len(text) for start, end in encoding.spans)
        covered = {i for start, end in encoding.spans for i in range(start, end)}
        assert all(text[i] == " " or not text[i].isprintable() for i in set(range(len(text))) - covered)
        for piece, (start, end) in zip(encoding.pieces, encoding.spans, strict=True):
            if piece.strip("▁").isascii() and piece not in ("<unk>",) and text.isascii():
                assert text[start:end] == piece.strip("▁")
    spans = subword.encode(">>fra<< a man").spans
    assert (spans[0], spans[1][0]) == ((0, 7), 8)


def test_an_imported_model_supports_beams_attention_and_scores(make: Make, tmp_path: Path) -> None:
    import_marian(make(), tmp_path / "model")
    translator = Translator.of([load_model(tmp_path / "model")])
    translations = translator.translate([*LINES, "a dog " * 90, ""], beam=2, attention=True)
    assert len(translations) == len(LINES) + 2
    assert all(translation.attention is not None for translation in translations[: len(LINES)])
    assert "segments" in translations[-2].warnings[0]
    assert translator.score(EN, FR)[0].alignment


def test_pytorch_weights_are_imported_without_running_code(make: Make, tmp_path: Path) -> None:
    directory = make()
    state = transformers.MarianMTModel.from_pretrained(directory).state_dict()  # positions among them
    (directory / "model.safetensors").unlink()
    torch.save(state, directory / "pytorch_model.bin")
    import_marian(directory, tmp_path / "model")
    imported = load_model(tmp_path / "model")
    torch.save({**state, "model.encoder.embed_positions.weight": torch.randn(64, 32)}, directory / "pytorch_model.bin")
    with pytest.raises(ConfigError, match="to be the sinusoidal table"):
        import_marian(directory, tmp_path / "other")
    touched = tmp_path / "touched"
    torch.save({"model.shared.weight": _WritesFile(str(touched))}, directory / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="expected a file with only tensors"):
        import_marian(directory, tmp_path / "other")
    assert not touched.exists()
    (directory / "pytorch_model.bin").unlink()
    torch.manual_seed(0)
    transformers.MarianMTModel(transformers.MarianConfig.from_pretrained(directory)).load_state_dict(state)
    assert imported.manifest.details["imported_from"] == "marian marian-0"


class _WritesFile:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (self.path, "w")


def _edit(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **values}), encoding="utf-8")


def test_mistakes_raise_errors_that_name_them(make: Make, tmp_path: Path) -> None:
    directory, out = make(), tmp_path / "model"
    config = (directory / "config.json").read_bytes()
    for values, error, message in (
        ({"model_type": "bart"}, CheckpointError, "model_type"),
        ({"decoder_ffn_dim": 64}, ConfigError, "48 and 64"),
        ({"decoder_attention_heads": 2}, ConfigError, "4 and 2"),
        ({"activation_function": "gelu_new"}, ConfigError, "got 'gelu_new'"),
        ({"decoder_layers": 4}, CheckpointError, r"layers\.3.* missing"),
        ({"eos_token_id": 5}, CheckpointError, "eos_token_id 5, but"),
        ({"decoder_start_token_id": 7}, CheckpointError, " at id 7"),
        ({"d_model": 64}, CheckpointError, "should be"),
        ({"vocab_size": 30}, CheckpointError, "vocab_size is 30 and decoder_vocab_size 65"),
        ({"vocab_size": 30, "decoder_vocab_size": 30}, CheckpointError, "should be 30x32, but is 65x32"),
    ):
        _edit(directory / "config.json", **values)
        with pytest.raises(error, match=message):
            import_marian(directory, out)
        (directory / "config.json").write_bytes(config)
    spm = (directory / "source.spm").read_bytes()
    for damaged in (b"", b"nothing of the kind", spm[: len(spm) // 2]):
        (directory / "source.spm").write_bytes(damaged)
        with pytest.raises(CheckpointError, match=r"source\.spm"):
            import_marian(directory, out)
    (directory / "source.spm").write_bytes(spm)
    for text in ("[]", "{", '{"a": "b"}', '{"a": 0, "b": 0}', '{"a": 0}'):
        (directory / "vocab.json").write_text(text)
        with pytest.raises(CheckpointError, match=r"vocab\.json"):
            import_marian(directory, out)
    with pytest.raises(CheckpointError, match="transformers"):
        import_marian(tmp_path, out)
    assert not out.exists()
