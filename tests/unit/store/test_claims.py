"""Manifests are compared with the files, and sizes with the weights before a model is built."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
import torch
from safetensors.torch import load_file, save_file

from regard.attention.scores import DotScore
from regard.config.schema import Config
from regard.errors import CheckpointError, RegardError
from regard.model.build import build_model
from regard.model.seq2seq import Seq2Seq
from regard.store import load_model, save_model
from regard.store.manifest import MANIFEST, WEIGHTS
from regard.store.model import open_model
from regard.store.tensor_file import map_tensors
from regard.text.subword import Subword


class Made(Protocol):
    """Result of the fixture `make`, see `conftest.py`."""

    model: Seq2Seq
    config: Config
    src_subword: Subword
    tgt_subword: Subword

    def save(self, path: Path) -> Path: ...


Make = Callable[..., Made]


def edit(directory: Path, change: Callable[[dict[str, object]], object]) -> None:
    path = directory / MANIFEST
    tree = json.loads(path.read_text(encoding="utf-8"))
    change(tree)
    path.write_text(json.dumps(tree), encoding="utf-8")


def rehash(directory: Path) -> None:
    """Updates hashes and signature for files that were changed."""

    def change(tree: dict[str, object]) -> None:
        files = tree["files"]
        assert isinstance(files, dict)
        for name in files:
            files[name] = hashlib.sha256((directory / name).read_bytes()).hexdigest()
        parts = [part for part in str(tree["signature"]).split("|") if part[:2] not in ("c:", "w:")]
        parts += [f"c:{files['config.toml'][:8]}", f"w:{files[WEIGHTS][:8]}"]
        tree["signature"] = "|".join(parts)

    edit(directory, change)


def assert_refused(directory: Path, message: str) -> None:
    for read in (open_model, load_model):
        with pytest.raises(RegardError, match=message):
            read(directory)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("num_parameters", 7),
        ("num_parameters", 10**18),
        ("num_parameters", -1),
        ("src_vocabulary", "0" * 64),
        ("tgt_vocabulary", ""),
        ("signature", "regard:0.1.0|model:other"),
        ("signature", ""),
        ("regard_version", "9.9"),
    ],
)
def test_manifests_that_do_not_fit_the_files_are_refused(make: Make, tmp_path: Path, key: str, value: object) -> None:
    directory = make().save(tmp_path / "model")
    edit(directory, lambda tree: tree.update({key: value}))
    reported = "signature" if key == "regard_version" else key
    assert_refused(
        directory, rf"manifest\.json: damaged: {reported} is .*, but the model's files give .*; copy the model again"
    )


@pytest.mark.parametrize("part", ["regard:0", "model:bahdanau", "params:1", "vocab:bpe-310", "seed:2", "c:0", "w:0"])
def test_every_part_of_a_signature_is_compared(make: Make, tmp_path: Path, part: str) -> None:
    directory = make().save(tmp_path / "model")
    key = part.split(":")[0]

    def change(tree: dict[str, object]) -> None:
        parts = str(tree["signature"]).split("|")
        tree["signature"] = "|".join(part if old_part.startswith(f"{key}:") else old_part for old_part in parts)

    edit(directory, change)
    assert_refused(directory, "damaged: signature is")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("num_parameters", "8038"),
        ("num_parameters", 8038.0),
        ("num_parameters", True),
        ("details", {"a": [1]}),
        ("details", {"a": True}),
        ("details", {f"a{n}": n for n in range(1001)}),
        ("details", None),
        ("regard_version", 1),
        ("files", {"config.toml": 7}),
    ],
)
def test_values_of_wrong_types_are_refused(make: Make, tmp_path: Path, key: str, value: object) -> None:
    directory = make().save(tmp_path / "model")
    edit(directory, lambda tree: tree.update({key: value}))
    assert_refused(directory, r"manifest\.json: .*copy the model again|config\.toml: changed|expected 'files' to list")


def test_a_manifest_of_100_000_details_is_refused_quickly(make: Make, tmp_path: Path) -> None:
    directory = make().save(tmp_path / "model")
    edit(directory, lambda tree: tree.update(details={f"detail {n}": "x" * 10 for n in range(100_000)}))
    start = time.process_time()
    assert_refused(directory, r"manifest\.json: expected at most 1,048,576 bytes, found .*: copy the model again")
    assert time.process_time() - start < 2


def test_a_manifest_with_a_duplicate_key_is_refused(make: Make, tmp_path: Path) -> None:
    directory = make().save(tmp_path / "model")
    text = (directory / MANIFEST).read_text(encoding="utf-8")
    (directory / MANIFEST).write_text(text.replace('"num_parameters"', '"signature": "x",\n  "num_parameters"'))
    assert_refused(directory, "duplicate key 'signature'")


def test_details_that_are_not_finite_are_stored_as_text(make: Make, tmp_path: Path) -> None:
    made = make()
    save_model(
        tmp_path / "model", model=made.model, config=made.config,
        src_subword=made.src_subword, tgt_subword=made.tgt_subword, details={"loss": float("nan"), "bleu": 1.5},
    )  # fmt: skip
    assert load_model(tmp_path / "model").manifest.details == {"loss": "nan", "bleu": 1.5}


@pytest.mark.parametrize("details", [{"a": "\ud800"}, {f"a{n}": n for n in range(1001)}, {"a": "x" * 600_000}])
def test_unreadable_details_are_not_written(make: Make, tmp_path: Path, details: dict[str, str | float | int]) -> None:
    made = make()
    with pytest.raises(CheckpointError, match="the argument `details` of save_model"):
        save_model(
            tmp_path / "model", model=made.model, config=made.config,
            src_subword=made.src_subword, tgt_subword=made.tgt_subword, details=details,
        )  # fmt: skip
    assert not list(tmp_path.glob("model/*"))


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("rnn", "encoder_layers", 10**18),
        ("rnn", "decoder_layers", 99_999_999),
        ("transformer", "decoder_layers", 10**18),
        ("transformer", "encoder_layers", 20),
        ("rnn", "hidden_size", 2**62),
        ("rnn", "hidden_size", 2**40),
        ("transformer", "width", 2**62),
        ("transformer", "ff_size", 10**18),
        ("transformer", "ff_size", 2**39),
        ("rnn", "embed_size", 10**12),
    ],
)
def test_sizes_are_checked_before_building(make: Make, tmp_path: Path, kind: str, key: str, value: int) -> None:
    directory = make(kind).save(tmp_path / "model")
    path = directory / "config.toml"
    lines = [f"{key} = {value}" if line.startswith(f"{key} =") else line for line in path.read_text().splitlines()]
    path.write_text("\n".join(lines) + "\n")
    rehash(directory)
    start = time.process_time()
    assert_refused(directory, r"(config\.toml|weights\.safetensors).*")
    assert time.process_time() - start < 2


def test_weights_that_overflow_float32_are_refused(make: Make, tmp_path: Path) -> None:
    directory = make().save(tmp_path / "model")
    tensors = {name: tensor.double() for name, tensor in load_file(directory / WEIGHTS).items()}
    save_file(tensors, directory / WEIGHTS)
    rehash(directory)
    assert load_model(directory).model.output_bias.dtype == torch.float32
    tensors["output_bias"][3] = 1e39
    save_file(tensors, directory / WEIGHTS)
    rehash(directory)
    with pytest.raises(CheckpointError, match=r"finite in float32.*\n  output_bias: 1 of 310"):
        load_model(directory)


def test_weights_of_eight_bits_are_refused(make: Make, tmp_path: Path) -> None:
    directory = make().save(tmp_path / "model")
    tensors = load_file(directory / WEIGHTS)
    tensors["output_bias"] = tensors["output_bias"].to(torch.float8_e5m2)
    save_file(tensors, directory / WEIGHTS)
    rehash(directory)
    with pytest.raises(CheckpointError, match=r"of 16 to 64 bits.*\n  output_bias: torch\.float8_e5m2"):
        load_model(directory)


@pytest.mark.parametrize("name", ["manifest.json", "config.toml", "subword.model", "weights.safetensors"])
@pytest.mark.parametrize("kind", ["pipe", "directory", "device", "loop"])
def test_other_kinds_of_files_are_refused(make: Make, tmp_path: Path, name: str, kind: str) -> None:
    directory = make().save(tmp_path / "model")
    path = directory / name
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if kind == "device" else name)
    found = "cannot be read: Too many levels" if kind == "loop" else f"expected a file, found a {kind}"
    assert_refused(directory, rf"{name}: {found}.*: copy the model again")


def test_a_model_with_a_custom_score_can_be_opened(make: Make, tmp_path: Path) -> None:
    class Scaled(DotScore):
        def __init__(self, query_size: int, key_size: int) -> None:
            super().__init__(query_size, key_size)
            self.custom = torch.nn.Parameter(torch.ones(3))

    made = make()
    sizes = {"src_vocab": len(made.src_subword), "tgt_vocab": len(made.tgt_subword)}
    model = build_model(made.config.model, shared=True, score=Scaled, **sizes)  # type: ignore[arg-type]
    save_model(
        tmp_path / "model", model=model, config=made.config, src_subword=made.src_subword, tgt_subword=made.tgt_subword
    )
    assert load_model(tmp_path / "model", score=Scaled).model.state_dict().keys() == model.state_dict().keys()
    assert open_model(tmp_path / "model").manifest.num_parameters == sum(
        parameter.numel() for parameter in model.parameters()
    )
    with pytest.raises(CheckpointError, match=r"unexpected: decoder\.attention\.attention\.score\.custom"):
        load_model(tmp_path / "model")


# --- tensors -------------------------------------------------------------------------------------------------------


def write(path: Path, header: object, body: bytes = b"") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)
    return path


F4 = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


@pytest.mark.parametrize(
    ("header", "body", "reason"),
    [
        ([], b"", "its header is not a JSON object"),
        ({"a": 1}, b"", "a has no type, shape and offsets"),
        ({"a": {**F4, "more": 1}}, b"1234", "a has no type, shape and offsets"),
        ({"a": {**F4, "dtype": "F33"}}, b"1234", "a is of unknown type 'F33'"),
        ({"a": {**F4, "shape": [-1]}}, b"1234", "a has invalid shape or offsets"),
        ({"a": {**F4, "shape": [1.0]}}, b"1234", "a has invalid shape or offsets"),
        ({"a": {**F4, "shape": [True]}}, b"1234", "a has invalid shape or offsets"),
        ({"a": {**F4, "shape": [1] * 1000}}, b"1234", "a has invalid shape or offsets"),
        ({"a": {**F4, "shape": [0, 10**17]}}, b"", "a has invalid shape or offsets"),
        ({"a": {**F4, "shape": [2]}}, b"1234", "a takes 8 bytes, but has 4"),
        ({"a": {**F4, "data_offsets": [4, 0]}}, b"1234", "a takes 4 bytes, but has -4"),
        ({"a": {**F4, "data_offsets": [4, 8]}}, b"12345678", "bytes of a do not follow"),
        ({"a": F4, "b": F4}, b"1234", "bytes of b do not follow"),
        ({"a": F4}, b"12345", "its tensors take 4 bytes, but 5 follow the header"),
        ({"__metadata__": {"a": 1}, "a": F4}, b"1234", "__metadata__ has values that are not text"),
        (b'{"a": {"dtype":"F32","shape":[1],"data_offsets":[0,4]}, "a": 1}', b"1234", "duplicate key 'a'"),
        (b"[" * 10_000, b"", "too deeply nested"),
        (b"\xff\xfe", b"", "expected text in UTF-8"),
    ],
)
def test_invalid_headers_are_refused(tmp_path: Path, header: object, body: bytes, reason: str) -> None:
    path = write(tmp_path / "a.safetensors", header, body)
    with pytest.raises(CheckpointError, match=rf"a\.safetensors: not a valid safetensors file.*{reason}"):
        map_tensors(path)


def test_tensors_of_every_type_are_read_as_by_safetensors(tmp_path: Path) -> None:
    types = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool]
    saved = {f"{kind}": torch.arange(6).reshape(2, 3).to(kind) for kind in types}
    saved |= {"scalar": torch.tensor(3.5), "empty": torch.zeros(0, 4)}
    save_file(saved, tmp_path / "a", metadata={"key": "value"})
    found, metadata = map_tensors(tmp_path / "a")
    assert metadata == {"key": "value"}
    assert found.keys() == saved.keys()
    for name, tensor in saved.items():
        assert (found[name].dtype, found[name].shape) == (tensor.dtype, tensor.shape)
        assert torch.equal(found[name], tensor)


def test_unaligned_tensors_are_read(tmp_path: Path) -> None:
    entries = {
        "a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},
        "b": {"dtype": "F32", "shape": [2], "data_offsets": [1, 9]},
    }
    path = write(tmp_path / "a", entries, b"\x07" + torch.tensor([1.5, -2.0]).numpy().tobytes())
    found, _ = map_tensors(path)
    assert found["b"].tolist() == [1.5, -2.0]
    assert found["a"].tolist() == [7]


def test_a_git_lfs_pointer_is_recognized(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(CheckpointError, match=r"a Git LFS pointer instead of the file itself: .*git lfs pull"):
        map_tensors(tmp_path / "a")
