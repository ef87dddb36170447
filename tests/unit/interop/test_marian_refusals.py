"""Directories of MarianMT that are not as they should be: refused in words, before anything is built."""

from __future__ import annotations

import json
import os
import resource
import shutil
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from foreign import edit_json, marian_tensors, write_json, write_marian
from safetensors.torch import load_file, save_file

from regard.errors import CheckpointError, RegardError
from regard.interop.foreign_weights import read_weights
from regard.interop.marian.importer import import_marian
from regard.interop.marian.vocabulary import read_ids
from regard.store import load_model

HUGE = 10**12
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 298763\n"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("sound") / "marian"
    write_marian(directory)
    return directory


@pytest.fixture
def marian(sound: Path, tmp_path: Path) -> Path:
    """A directory of its own, to be spoilt."""
    return Path(shutil.copytree(sound, tmp_path / "marian"))


@pytest.fixture
def refused(marian: Path, tmp_path: Path) -> Callable[[str], None]:
    def check(told: str) -> None:
        before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        with pytest.raises(RegardError, match=told):
            import_marian(marian, tmp_path / "model")
        assert time.process_time() - start < 2
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 20  # kilobytes
        assert not (tmp_path / "model").exists()

    return check


def test_the_sound_one_is_taken(marian: Path, tmp_path: Path) -> None:
    manifest = import_marian(marian, tmp_path / "model")
    assert manifest.details == {"imported_from": "marian marian", "length_exponent": 0.5}
    search = load_model(tmp_path / "model").config.search
    assert (search.beam, search.length_penalty) == (3, 0.5)


SETTINGS = {
    "layers without end": ({"encoder_layers": 10**6}, r"layers\.1 are missing"),
    "huge layers": ({"decoder_layers": 10**18}, r"layers\.2 are missing"),
    "fewer layers": ({"decoder_layers": 1}, r"there are weights of model\.decoder\.layers\.1"),
    "no layers": ({"encoder_layers": 0}, "encoder_layers: .*greater than or equal to 1"),
    "huge vocabulary": ({"vocab_size": HUGE, "decoder_vocab_size": HUGE}, rf"should be {HUGE}x8, but is"),
    "two sizes of one vocabulary": ({"vocab_size": 50}, "vocab_size is 50 and decoder_vocab_size"),
    "no width": ({"d_model": 0}, "d_model"),
    "negative width": ({"d_model": -1}, "d_model"),
    "huge width": ({"d_model": HUGE}, "have different sizes"),
    "odd width": ({"d_model": 7, "encoder_attention_heads": 7, "decoder_attention_heads": 7}, "d_model: .*multiple"),
    "width in words": ({"d_model": "8"}, "d_model: .*valid integer"),
    "width as a float": ({"d_model": 8.0}, "d_model: .*valid integer"),
    "width as a truth": ({"encoder_layers": True}, "encoder_layers: .*valid integer"),
    "heads that do not divide": ({"encoder_attention_heads": 3, "decoder_attention_heads": 3}, "divides, got 8 and 3"),
    "more heads than width": ({"encoder_attention_heads": 16, "decoder_attention_heads": 16}, "divides, got 8 and 16"),
    "other feed-forward width": ({"encoder_ffn_dim": HUGE, "decoder_ffn_dim": HUGE}, "have different sizes"),
    "unknown curve": ({"activation_function": "gelu_new"}, "got 'gelu_new'"),
    "no curve": ({"activation_function": ["relu"]}, "activation_function: .*valid string"),
    "dropout of everything": ({"dropout": 1.0}, "dropout"),
    "endless positions": ({"max_position_embeddings": HUGE}, "max_position_embeddings"),
    "padding elsewhere": ({"pad_token_id": 5}, "padding 5"),
    "negative end": ({"eos_token_id": -1}, "eos_token_id"),
    "another model": ({"model_type": "bart"}, "model_type"),
    "no model type": ({"model_type": ...}, "model_type"),
    "other curve of a scale": ({"scale_embedding": 1}, "scale_embedding: .*valid boolean"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_cannot_be(marian: Path, refused: Callable[[str], None], name: str) -> None:
    values, told = SETTINGS[name]
    edit_json(marian / "config.json", **values)
    refused(f"(config.json|marian: ).*{told}")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("generation_config.json", "{", "generation_config.json: not valid JSON"),
        ("generation_config.json", "[3]", "generation_config.json: expected .* an object, got a list"),
        ("generation_config.json", '{"num_beams": "3"}', "generation_config.json: .*num_beams"),
        ("generation_config.json", f'{{"num_beams": {HUGE}}}', "generation_config.json: .*num_beams"),
        ("generation_config.json", '{"length_penalty": -1}', "generation_config.json: .*length_penalty"),
        ("config.json", "[" * 100_000, "config.json: not valid JSON"),
        ("config.json", f'{{"d_model": {"9" * 6000}}}', "config.json: not valid JSON"),
        ("config.json", '{"model_type": "marian", "model_type": "marian"}', "twice"),
        ("config.json", POINTER, "config.json: .*Git LFS"),
        ("vocab.json", "{}", "vocab.json: expected an id for <unk>, found none"),
        ("vocab.json", '{"</s>": true}', "vocab.json: .*got True of '</s>'"),
        ("vocab.json", '{"</s>": 0, "x": "1"}', "vocab.json: .*got '1' of 'x'"),
        ("vocab.json", '{"\\ud800": 0}', "vocab.json: not valid JSON"),
        ("vocab.json", POINTER, "vocab.json: .*Git LFS"),
        ("source.spm", POINTER, "source.spm: .*Git LFS"),
        ("target.spm", "", "target.spm: expected a SentencePiece model"),
        ("model.safetensors", POINTER, "model.safetensors: .*Git LFS.*git lfs pull"),
        ("model.safetensors", "", "model.safetensors: .*cut short or damaged"),
        ("model.safetensors", "PK\3\4", "model.safetensors: .*zip archive"),
    ],
)
def test_contents_that_are_something_else(
    marian: Path, refused: Callable[[str], None], name: str, content: str, told: str
) -> None:
    (marian / name).write_text(content)
    refused(told)


@pytest.mark.parametrize("name", ["config.json", "generation_config.json", "vocab.json", "source.spm", "target.spm",
                                  "model.safetensors"])  # fmt: skip
@pytest.mark.parametrize("kind", ["pipe", "directory", "loop", "device"])
def test_what_is_no_file_is_not_waited_for(marian: Path, refused: Callable[[str], None], name: str, kind: str) -> None:
    path = marian / name
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to(name if kind == "loop" else "/dev/zero")
    refused(f"{name}: (expected a file, found a|cannot be read)")


@pytest.mark.parametrize("name", ["config.json", "vocab.json", "source.spm", "target.spm"])
def test_a_missing_file_is_missing(marian: Path, refused: Callable[[str], None], name: str) -> None:
    (marian / name).unlink()
    refused(f"{name}: no such file")


@pytest.mark.parametrize("spoilt", [b"\xff\xfe\x80", b"\xed\xa0\x80"])
def test_pieces_that_are_no_utf_8(marian: Path, refused: Callable[[str], None], spoilt: bytes) -> None:
    path = marian / "source.spm"
    data = path.read_bytes()
    place = data.index("▁".encode())
    path.write_bytes(data[:place] + spoilt + data[place + 3 :])
    refused("source.spm: expected a SentencePiece model, got something else: .*utf-8")


def test_vocabularies_of_other_models(marian: Path, refused: Callable[[str], None]) -> None:
    ids = json.loads((marian / "vocab.json").read_text(encoding="utf-8"))
    kept = ("</s>", "<unk>", "<pad>")
    write_json(marian / "vocab.json", {text if text in kept else f"x{number}": number for text, number in ids.items()})
    refused("of source.spm have no id: the files belong to different models")


WEIGHTS: dict[str, tuple[Callable[[dict[str, torch.Tensor]], object], str]] = {
    "int8 matrices": (
        lambda all_: all_.update({name: one.mul(99).to(torch.int8) for name, one in all_.items() if one.dim() == 2}),
        "expected floating-point weights, got 'final_logits_bias' .int8.",
    ),
    "8-bit floats": (
        lambda all_: all_.update({"final_logits_bias": all_["final_logits_bias"].to(torch.float8_e4m3fn)}),
        "expected floating-point weights, got 'final_logits_bias' .float8_e4m3fn.",
    ),
    "scales beside": (
        lambda all_: all_.update({"scale": torch.ones(3)}),
        "hold more than a MarianMT model has: 'scale'",
    ),
    "a missing bias": (lambda all_: all_.pop("model.encoder.layers.0.fc1.bias"), "fc1.bias are missing"),
    "a turned matrix": (
        lambda all_: all_.update({"model.encoder.layers.0.fc1.weight": torch.zeros(8, 12)}),
        "fc1.weight should be 12x8, but is 8x12",
    ),
    "beyond float32": (
        lambda all_: all_.update({"final_logits_bias": all_["final_logits_bias"].double() * 1e60}),
        "NaN or infinite",
    ),
    "two embeddings": (
        lambda all_: all_.update({"model.encoder.embed_tokens.weight": all_["model.shared.weight"] + 1}),
        "are one tensor by config.json, but have different numbers",
    ),
    "another output layer": (
        lambda all_: all_.update({"lm_head.weight": all_["model.shared.weight"] + 1}),
        "lm_head.weight and .* are one tensor by config.json",
    ),
    "positions of another length": (
        lambda all_: all_.update({"model.encoder.embed_positions.weight": torch.zeros(31, 8)}),
        "embed_positions.weight should be 32x8, but is 31x8",
    ),
    "learned positions": (
        lambda all_: all_.update({"model.encoder.embed_positions.weight": torch.zeros(32, 8)}),
        "not the sinusoidal table",
    ),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_that_are_not_the_models(marian: Path, refused: Callable[[str], None], name: str) -> None:
    spoil, told = WEIGHTS[name]
    path = marian / "model.safetensors"
    tensors = load_file(path)
    spoil(tensors)
    save_file(tensors, path)
    refused(told)


class Runs:
    """Would write a file while it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.path), "w")


def test_a_pickle_is_not_run_and_nobody_is_advised_to(
    marian: Path, refused: Callable[[str], None], tmp_path: Path
) -> None:
    (marian / "model.safetensors").unlink()
    path = marian / "pytorch_model.bin"
    told = "pytorch_model.bin: not a file of weights alone"
    for content in (torch.nn.Linear(2, 2), {"model.shared.weight": Runs(tmp_path / "ran")}, [Runs(tmp_path / "ran")]):
        torch.save(content, path)
        refused(told)
        with pytest.raises(CheckpointError) as raised:
            read_weights(marian)
        assert not any(word in str(raised.value) for word in ("weights_only", "torch.load", "\x1b", "arbitrary"))
        assert not (tmp_path / "ran").exists()
    for data in (b"", b"junk", POINTER.encode(), path.read_bytes()[:-40], b"PK\3\4" + b"\0" * 60):
        path.write_bytes(data)
        refused("pytorch_model.bin: ")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("archive/data/0", b"\0" * (64 << 20))
    refused("pytorch_model.bin: .*another .zip archive")


def test_tensors_that_claim_more_than_they_hold(marian: Path, refused: Callable[[str], None]) -> None:
    (marian / "model.safetensors").unlink()
    tensors = marian_tensors(len(json.loads((marian / "vocab.json").read_text(encoding="utf-8"))))
    edit_json(marian / "config.json", d_model=10**6)
    for name, tensor in tensors.items():
        tensors[name] = torch.zeros(()).expand([10**6 if size == 8 else size for size in tensor.shape])
    torch.save(tensors, marian / "pytorch_model.bin")
    refused("pytorch_model.bin: expected tensors by their names")


@pytest.mark.parametrize("older", [False, True])
def test_weights_of_pytorch_are_taken(marian: Path, tmp_path: Path, older: bool) -> None:
    expected = import_marian(marian, tmp_path / "first")
    tensors = load_file(marian / "model.safetensors")
    (marian / "model.safetensors").unlink()
    torch.save(tensors, marian / "pytorch_model.bin", _use_new_zipfile_serialization=not older)
    assert import_marian(marian, tmp_path / "second").signature == expected.signature


@pytest.mark.parametrize("kind", ["safetensors", "bin"])
def test_weights_in_several_files_are_taken(marian: Path, tmp_path: Path, kind: str) -> None:
    expected = import_marian(marian, tmp_path / "first")
    tensors = load_file(marian / "model.safetensors")
    (marian / "model.safetensors").unlink()
    stem = "model" if kind == "safetensors" else "pytorch_model"
    names = sorted(tensors)
    files = {f"{stem}-0000{one + 1}-of-00003.{kind}": names[one::3] for one in range(3)}
    for file, part in files.items():
        write = save_file if kind == "safetensors" else torch.save
        write({name: tensors[name] for name in part}, marian / file)
    index = marian / f"{'model.safetensors' if kind == 'safetensors' else 'pytorch_model.bin'}.index.json"
    listed = {name: file for file, part in files.items() for name in part}
    write_json(index, {"metadata": {"total_size": 1}, "weight_map": listed})
    assert import_marian(marian, tmp_path / "second").signature == expected.signature
    first, *rest = files
    for spoilt, told in (
        ({**listed, names[0]: rest[0]}, "lists other tensors for"),
        ({**listed, "another": first}, "lists other tensors for"),
        (dict.fromkeys(listed, f"../{first}"), "expected files of this directory"),
        (dict.fromkeys(listed, f"gone.{kind}"), f"gone.{kind}: no such file"),
        ([], "expected a weight_map"),
    ):
        write_json(index, {"weight_map": spoilt})
        with pytest.raises(CheckpointError, match=told):
            import_marian(marian, tmp_path / "third")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("tf_model.h5", "found neither, but tf_model.h5, which is for TensorFlow"),
        ("flax_model.msgpack", "found neither, but flax_model.msgpack, which is for Flax"),
        ("README.md", "found neither; copy the whole directory"),
    ],
)
def test_other_weights_are_named(marian: Path, refused: Callable[[str], None], name: str, told: str) -> None:
    (marian / "model.safetensors").rename(marian / name)
    refused(told)


def test_a_model_of_marian_itself_is_named(tmp_path: Path) -> None:
    (tmp_path / "native").mkdir()
    (tmp_path / "native" / "model.npz").write_bytes(b"PK")
    (tmp_path / "native" / "vocab.yml").touch()
    for place in (tmp_path / "native", tmp_path / "native" / "model.npz"):
        with pytest.raises(CheckpointError, match=r"Marian itself: convert it with convert_marian_to_pytorch\.py"):
            import_marian(place, tmp_path / "model")
    with pytest.raises(CheckpointError, match=r"nowhere: expected a directory of transformers .* found nothing"):
        import_marian(tmp_path / "nowhere", tmp_path / "model")


def test_a_name_that_is_no_utf_8_is_written_down(marian: Path, tmp_path: Path) -> None:
    torch.save(load_file(marian / "model.safetensors"), marian / "pytorch_model.bin")
    (marian / "model.safetensors").unlink()
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    marian.rename(odd)
    assert import_marian(odd, tmp_path / "model").details["imported_from"] == "marian caf\ufffd"


def test_a_large_vocabulary_has_pieces_for_most_rows(tmp_path: Path) -> None:
    write_json(tmp_path / "vocab.json", {"</s>": 0, "<unk>": 1, "<pad>": 2})
    with pytest.raises(CheckpointError, match="an id for most of the 10000000 rows of the embedding, found 3"):
        read_ids(tmp_path / "vocab.json", size=10**7)
