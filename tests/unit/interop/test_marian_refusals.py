"""Damaged and contradictory MarianMT directories: refused with a clear error before a model is built."""

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
    """A copy that the test may damage."""
    return Path(shutil.copytree(sound, tmp_path / "marian"))


@pytest.fixture
def refused(marian: Path, tmp_path: Path) -> Callable[[str], None]:
    def check(message: str) -> None:
        before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        with pytest.raises(RegardError, match=message):
            import_marian(marian, tmp_path / "model")
        assert time.process_time() - start < 2
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 20  # kilobytes
        assert not (tmp_path / "model").exists()

    return check


def test_an_undamaged_directory_is_imported(marian: Path, tmp_path: Path) -> None:
    manifest = import_marian(marian, tmp_path / "model")
    assert manifest.details == {"imported_from": "marian marian", "length_exponent": 0.5}
    search = load_model(tmp_path / "model").config.search
    assert (search.beam, search.length_penalty) == (3, 0.5)


SETTINGS: dict[str, tuple[dict[str, object], str]] = {
    "a million layers": ({"encoder_layers": 10**6}, r"layers\.1 are missing"),
    "huge layers": ({"decoder_layers": 10**18}, r"layers\.2 are missing"),
    "fewer layers": ({"decoder_layers": 1}, r"there are weights of model\.decoder\.layers\.1"),
    "no layers": ({"encoder_layers": 0}, "encoder_layers: .*greater than or equal to 1"),
    "huge vocabulary": ({"vocab_size": HUGE, "decoder_vocab_size": HUGE}, rf"should be {HUGE}x8, but is"),
    "two sizes of one vocabulary": ({"vocab_size": 50}, "vocab_size is 50 and decoder_vocab_size"),
    "no width": ({"d_model": 0}, "d_model"),
    "negative width": ({"d_model": -1}, "d_model"),
    "huge width": ({"d_model": HUGE}, "disagree about sizes"),
    "odd width": ({"d_model": 7, "encoder_attention_heads": 7, "decoder_attention_heads": 7}, "d_model: .*multiple"),
    "width as text": ({"d_model": "8"}, "d_model: .*valid integer"),
    "width as a float": ({"d_model": 8.0}, "d_model: .*valid integer"),
    "layers as a boolean": ({"encoder_layers": True}, "encoder_layers: .*valid integer"),
    "heads that do not divide": (
        {"encoder_attention_heads": 3, "decoder_attention_heads": 3},
        "got d_model 8 .* 3",
    ),
    "more heads than width": (
        {"encoder_attention_heads": 16, "decoder_attention_heads": 16},
        "got d_model 8 .* 16",
    ),
    "other feed-forward width": ({"encoder_ffn_dim": HUGE, "decoder_ffn_dim": HUGE}, "disagree about sizes"),
    "unknown activation": ({"activation_function": "gelu_new"}, "got 'gelu_new'"),
    "activation in a list": ({"activation_function": ["relu"]}, "activation_function: .*valid string"),
    "dropout of 1": ({"dropout": 1.0}, "dropout"),
    "huge number of positions": ({"max_position_embeddings": HUGE}, "max_position_embeddings"),
    "another padding": ({"pad_token_id": 5}, "pad_token_id 5"),
    "negative eos": ({"eos_token_id": -1}, "eos_token_id"),
    "another model": ({"model_type": "bart"}, "model_type"),
    "no model type": ({"model_type": ...}, "model_type"),
    "scale as a number": ({"scale_embedding": 1}, "scale_embedding: .*valid boolean"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_impossible_settings_are_refused(marian: Path, refused: Callable[[str], None], name: str) -> None:
    values, message = SETTINGS[name]
    edit_json(marian / "config.json", **values)
    refused(f"(config.json|marian: ).*{message}")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("generation_config.json", "{", "generation_config.json: not valid JSON"),
        ("generation_config.json", "[3]", "generation_config.json: expected .* a JSON object, got a JSON list"),
        ("generation_config.json", '{"num_beams": "3"}', "generation_config.json: .*num_beams"),
        ("generation_config.json", f'{{"num_beams": {HUGE}}}', "generation_config.json: .*num_beams"),
        ("generation_config.json", '{"length_penalty": -1}', "generation_config.json: .*length_penalty"),
        ("config.json", "[" * 100_000, "config.json: not valid JSON"),
        ("config.json", f'{{"d_model": {"9" * 6000}}}', "config.json: not valid JSON"),
        ("config.json", '{"model_type": "marian", "model_type": "marian"}', "duplicate key"),
        ("config.json", POINTER, "config.json: .*Git LFS"),
        ("vocab.json", "{}", "vocab.json: expected the vocabulary of a MarianMT model with an id for <unk>"),
        ("vocab.json", '{"</s>": true}', "vocab.json: .*got True as the id of '</s>'"),
        ("vocab.json", '{"</s>": 0, "x": "1"}', "vocab.json: .*got '1' as the id of 'x'"),
        ("vocab.json", '{"\\ud800": 0}', "vocab.json: not valid JSON"),
        ("vocab.json", POINTER, "vocab.json: .*Git LFS"),
        ("source.spm", POINTER, "source.spm: .*Git LFS"),
        ("target.spm", "", "target.spm: expected a SentencePiece model"),
        ("model.safetensors", POINTER, "model.safetensors: .*Git LFS.*git lfs pull"),
        ("model.safetensors", "", "model.safetensors: .*truncated or damaged"),
        ("model.safetensors", "PK\3\4", "model.safetensors: .*zip archive"),
    ],
)
def test_other_contents_are_refused(
    marian: Path, refused: Callable[[str], None], name: str, content: str, message: str
) -> None:
    (marian / name).write_text(content)
    refused(message)


@pytest.mark.parametrize("name", ["config.json", "generation_config.json", "vocab.json", "source.spm", "target.spm",
                                  "model.safetensors"])  # fmt: skip
@pytest.mark.parametrize("kind", ["pipe", "directory", "loop", "device"])
def test_pipes_directories_and_devices_are_refused(
    marian: Path, refused: Callable[[str], None], name: str, kind: str
) -> None:
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
def test_a_missing_file_is_named(marian: Path, refused: Callable[[str], None], name: str) -> None:
    (marian / name).unlink()
    refused(f"{name}: no such file")


@pytest.mark.parametrize("invalid", [b"\xff\xfe\x80", b"\xed\xa0\x80"])
def test_pieces_that_are_not_utf_8_are_refused(marian: Path, refused: Callable[[str], None], invalid: bytes) -> None:
    path = marian / "source.spm"
    data = path.read_bytes()
    offset = data.index("▁".encode())
    path.write_bytes(data[:offset] + invalid + data[offset + 3 :])
    refused("source.spm: expected a SentencePiece model, got another or a damaged file .*utf-8")


def test_a_vocabulary_of_another_model_is_refused(marian: Path, refused: Callable[[str], None]) -> None:
    ids = json.loads((marian / "vocab.json").read_text(encoding="utf-8"))
    specials = ("</s>", "<unk>", "<pad>")
    write_json(
        marian / "vocab.json", {text if text in specials else f"x{number}": number for text, number in ids.items()}
    )
    refused("of source.spm have no id: the files belong to different models")


WEIGHTS: dict[str, tuple[Callable[[dict[str, torch.Tensor]], object], str]] = {
    "int8 matrices": (
        lambda tensors: tensors.update(
            {name: tensor.mul(99).to(torch.int8) for name, tensor in tensors.items() if tensor.dim() == 2}
        ),
        "expected floating-point weights, got 'final_logits_bias' .int8.",
    ),
    "8-bit floats": (
        lambda tensors: tensors.update({"final_logits_bias": tensors["final_logits_bias"].to(torch.float8_e4m3fn)}),
        "expected floating-point weights, got 'final_logits_bias' .float8_e4m3fn.",
    ),
    "scales of quantized weights": (
        lambda tensors: tensors.update({"scale": torch.ones(3)}),
        "expected only weights of a MarianMT model, found 'scale'",
    ),
    "a missing bias": (lambda tensors: tensors.pop("model.encoder.layers.0.fc1.bias"), "fc1.bias are missing"),
    "a transposed matrix": (
        lambda tensors: tensors.update({"model.encoder.layers.0.fc1.weight": torch.zeros(8, 12)}),
        "fc1.weight should be 12x8, but is 8x12",
    ),
    "beyond float32": (
        lambda tensors: tensors.update({"final_logits_bias": tensors["final_logits_bias"].double() * 1e60}),
        "NaN or infinite",
    ),
    "two embeddings": (
        lambda tensors: tensors.update({"model.encoder.embed_tokens.weight": tensors["model.shared.weight"] + 1}),
        "should be equal according to config.json, but differ",
    ),
    "another output layer": (
        lambda tensors: tensors.update({"lm_head.weight": tensors["model.shared.weight"] + 1}),
        "lm_head.weight and .* should be equal according to config.json",
    ),
    "positions of another length": (
        lambda tensors: tensors.update({"model.encoder.embed_positions.weight": torch.zeros(31, 8)}),
        "embed_positions.weight should be 32x8, but is 31x8",
    ),
    "learned positions": (
        lambda tensors: tensors.update({"model.encoder.embed_positions.weight": torch.zeros(32, 8)}),
        "to be the sinusoidal table that regard computes",
    ),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_that_do_not_fit_are_refused(marian: Path, refused: Callable[[str], None], name: str) -> None:
    change, message = WEIGHTS[name]
    path = marian / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)
    refused(message)


class WritesFile:
    """Would write a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.path), "w")


def test_a_pickle_is_not_executed_and_the_error_does_not_advise_it(
    marian: Path, refused: Callable[[str], None], tmp_path: Path
) -> None:
    (marian / "model.safetensors").unlink()
    path = marian / "pytorch_model.bin"
    message = "pytorch_model.bin: expected a file with only tensors"
    for content in (
        torch.nn.Linear(2, 2),
        {"model.shared.weight": WritesFile(tmp_path / "ran")},
        [WritesFile(tmp_path / "ran")],
    ):
        torch.save(content, path)
        refused(message)
        with pytest.raises(CheckpointError) as raised:
            read_weights(marian)
        assert not any(word in str(raised.value) for word in ("weights_only", "torch.load", "\x1b", "arbitrary"))
        assert not (tmp_path / "ran").exists()
    for data in (b"", b"junk", POINTER.encode(), path.read_bytes()[:-40], b"PK\3\4" + b"\0" * 60):
        path.write_bytes(data)
        refused("pytorch_model.bin: ")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("archive/data/0", b"\0" * (64 << 20))
    refused("pytorch_model.bin: .*compressed .zip archive")


def test_tensors_larger_than_their_storage_are_refused(marian: Path, refused: Callable[[str], None]) -> None:
    (marian / "model.safetensors").unlink()
    tensors = marian_tensors(len(json.loads((marian / "vocab.json").read_text(encoding="utf-8"))))
    edit_json(marian / "config.json", d_model=10**6)
    for name, tensor in tensors.items():
        tensors[name] = torch.zeros(()).expand([10**6 if size == 8 else size for size in tensor.shape])
    torch.save(tensors, marian / "pytorch_model.bin")
    refused("pytorch_model.bin: expected a dict from names to tensors")


@pytest.mark.parametrize("older", [False, True])
def test_weights_of_pytorch_are_imported(marian: Path, tmp_path: Path, older: bool) -> None:
    expected = import_marian(marian, tmp_path / "first")
    tensors = load_file(marian / "model.safetensors")
    (marian / "model.safetensors").unlink()
    torch.save(tensors, marian / "pytorch_model.bin", _use_new_zipfile_serialization=not older)
    assert import_marian(marian, tmp_path / "second").signature == expected.signature


@pytest.mark.parametrize("kind", ["safetensors", "bin"])
def test_weights_in_several_files_are_imported(marian: Path, tmp_path: Path, kind: str) -> None:
    expected = import_marian(marian, tmp_path / "first")
    tensors = load_file(marian / "model.safetensors")
    (marian / "model.safetensors").unlink()
    stem = "model" if kind == "safetensors" else "pytorch_model"
    names = sorted(tensors)
    files = {f"{stem}-0000{shard + 1}-of-00003.{kind}": names[shard::3] for shard in range(3)}
    for file, shard_names in files.items():
        write = save_file if kind == "safetensors" else torch.save
        write({name: tensors[name] for name in shard_names}, marian / file)
    index = marian / f"{'model.safetensors' if kind == 'safetensors' else 'pytorch_model.bin'}.index.json"
    weight_map = {name: file for file, shard_names in files.items() for name in shard_names}
    write_json(index, {"metadata": {"total_size": 1}, "weight_map": weight_map})
    assert import_marian(marian, tmp_path / "second").signature == expected.signature
    first, *rest = files
    for wrong, message in (
        ({**weight_map, names[0]: rest[0]}, "the tensors listed for .* are not the tensors in that file"),
        ({**weight_map, "another": first}, "the tensors listed for .* are not the tensors in that file"),
        (dict.fromkeys(weight_map, f"../{first}"), "expected weight_map to name at most"),
        (dict.fromkeys(weight_map, f"gone.{kind}"), f"gone.{kind}: no such file"),
        ([], "expected a weight_map"),
    ):
        write_json(index, {"weight_map": wrong})
        with pytest.raises(CheckpointError, match=message):
            import_marian(marian, tmp_path / "third")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tf_model.h5", "found neither, but tf_model.h5, which is for TensorFlow"),
        ("flax_model.msgpack", "found neither, but flax_model.msgpack, which is for Flax"),
        ("README.md", "found neither; copy the whole directory"),
    ],
)
def test_weights_of_other_toolkits_are_named(
    marian: Path, refused: Callable[[str], None], name: str, message: str
) -> None:
    (marian / "model.safetensors").rename(marian / name)
    refused(message)


def test_models_in_marians_own_format_are_named(tmp_path: Path) -> None:
    (tmp_path / "native").mkdir()
    (tmp_path / "native" / "model.npz").write_bytes(b"PK")
    (tmp_path / "native" / "vocab.yml").touch()
    for path in (tmp_path / "native", tmp_path / "native" / "model.npz"):
        with pytest.raises(CheckpointError, match=r"Marian itself: convert it with convert_marian_to_pytorch\.py"):
            import_marian(path, tmp_path / "model")
    with pytest.raises(CheckpointError, match=r"nowhere: expected a directory of transformers .* found nothing"):
        import_marian(tmp_path / "nowhere", tmp_path / "model")


def test_a_directory_name_that_is_not_utf_8_is_imported(marian: Path, tmp_path: Path) -> None:
    torch.save(load_file(marian / "model.safetensors"), marian / "pytorch_model.bin")
    (marian / "model.safetensors").unlink()
    renamed = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    marian.rename(renamed)
    assert import_marian(renamed, tmp_path / "model").details["imported_from"] == "marian caf\ufffd"


def test_an_embedding_with_mostly_unused_rows_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "vocab.json", {"</s>": 0, "<unk>": 1, "<pad>": 2})
    with pytest.raises(CheckpointError, match="ids for most of the 10000000 rows of the embedding, found only 3"):
        read_ids(tmp_path / "vocab.json", size=10**7)
