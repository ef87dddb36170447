"""Other toolkits as contenders, as `contender.py` is for regard.

Each is used through its own public model and loss, with plain Adam in float32, as documented. A toolkit that is not
installed is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Protocol

import torch
from contender import RATE, SPECIALS, VOCAB, ForeignBatch
from opennmt import OpenNMT, OpenNMTWithoutFeeding
from torch import Tensor, nn
from torch.nn import functional as F


class Peer(Protocol):
    """Interface of a contender."""

    @property
    def model(self) -> nn.Module:
        """The trained model."""
        ...

    def train_step(self, batch: ForeignBatch) -> float:
        """Forward, backward and update; returns the mean loss per target token."""
        ...


class PlainTorch:
    """`torch.nn.Transformer` with embeddings, output layer and masks added; only T1."""

    def __init__(self, task: str) -> None:
        self.model = nn.ModuleDict(
            {
                "embedding": nn.Embedding(VOCAB, 256, padding_idx=SPECIALS.pad),
                "positions": nn.Embedding(256, 256),
                "body": nn.Transformer(256, 4, 3, 3, 1024, 0.1, batch_first=True, norm_first=True),
            }
        )
        nn.init.normal_(self.model["embedding"].get_parameter("weight"), std=256**-0.5)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=RATE)

    def _embed(self, ids: Tensor) -> Tensor:
        words: Tensor = self.model["embedding"](ids) * 16.0 + self.model["positions"](torch.arange(ids.shape[1]))
        return F.dropout(words, 0.1, self.model.training)

    def train_step(self, batch: ForeignBatch) -> float:
        """See `Peer.train_step`."""
        self.model.train()
        src, tgt_in, tgt_out = batch["src"], batch["tgt"][:, :-1], batch["tgt"][:, 1:]
        padding = src == SPECIALS.pad
        future = nn.Transformer.generate_square_subsequent_mask(tgt_in.shape[1], dtype=torch.bool)
        states = self.model["body"](
            self._embed(src), self._embed(tgt_in), tgt_mask=future, tgt_is_causal=True,
            src_key_padding_mask=padding, memory_key_padding_mask=padding, tgt_key_padding_mask=tgt_in == SPECIALS.pad,
        )  # fmt: skip
        logits = states @ self.model["embedding"].get_parameter("weight").t()
        loss = F.cross_entropy(logits.flatten(0, 1), tgt_out.flatten(), ignore_index=SPECIALS.pad)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())


class HuggingFaceMarian:
    """`transformers.MarianMTModel`, which supports only post-norm; only T1."""

    def __init__(self, task: str) -> None:
        from transformers import MarianConfig, MarianMTModel

        config = MarianConfig(
            vocab_size=VOCAB, d_model=256, dropout=0.1, activation_dropout=0.1, activation_function="relu",
            max_position_embeddings=256, scale_embedding=True, pad_token_id=SPECIALS.pad, bos_token_id=SPECIALS.bos,
            eos_token_id=SPECIALS.eos, decoder_start_token_id=SPECIALS.bos, forced_eos_token_id=None,
            encoder_layers=3, encoder_attention_heads=4, encoder_ffn_dim=1024,
            decoder_layers=3, decoder_attention_heads=4, decoder_ffn_dim=1024,
        )  # fmt: skip
        self.model = MarianMTModel(config)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=RATE)

    def train_step(self, batch: ForeignBatch) -> float:
        """See `Peer.train_step`."""
        self.model.train()
        labels = batch["tgt"][:, 1:]
        loss = self.model(
            input_ids=batch["src"],
            attention_mask=batch["src"].ne(SPECIALS.pad).long(),
            decoder_input_ids=batch["tgt"][:, :-1],
            labels=labels.masked_fill(labels == SPECIALS.pad, -100),
        ).loss
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())


class JoeyNMT:
    """JoeyNMT's own models and loss for all three tasks; its RNNs always have input feeding."""

    def __init__(self, task: str) -> None:
        from joeynmt.model import build_model
        from joeynmt.vocabulary import Vocabulary

        special = {"unk": 0, "pad": 1, "bos": 2, "eos": 3}
        names = {f"{name}_token": f"<{name}>" for name in special} | {
            f"{name}_id": number for name, number in special.items()
        }
        words = [f"w{number}" for number in range(len(special), VOCAB)]
        vocabulary = Vocabulary(words, SimpleNamespace(**names, sep_token=None, sep_id=None, lang_tags=[]))
        self.model = build_model(_joey_config(task), vocabulary, vocabulary)
        self.model.loss_function = ("crossentropy", 0.0)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=RATE)

    def train_step(self, batch: ForeignBatch) -> float:
        """See `Peer.train_step`."""
        from joeynmt.batch import Batch

        self.model.train()
        joey_batch = Batch(
            batch["src"], batch["src_len"], None, batch["tgt"], None, torch.arange(len(batch["src"])),
            torch.device("cpu"), SPECIALS.pad, SPECIALS.eos, is_train=True,
        )  # fmt: skip
        joey_batch.sort_by_src_length()
        loss = joey_batch.normalize(self.model(return_type="loss", **vars(joey_batch))[0], normalization="tokens")
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())


def _joey_config(task: str) -> dict[str, object]:
    if task == "T1":
        side = {
            "type": "transformer", "num_layers": 3, "num_heads": 4, "hidden_size": 256, "ff_size": 1024,
            "dropout": 0.1, "layer_norm": "pre", "embeddings": {"embedding_dim": 256, "scale": True, "dropout": 0.1},
        }  # fmt: skip
        return {"encoder": dict(side), "decoder": dict(side), "tied_embeddings": True, "tied_softmax": True}
    shared = {
        "type": "recurrent", "rnn_type": "lstm", "num_layers": 1, "dropout": 0.1,
        "embeddings": {"embedding_dim": 256, "scale": False, "dropout": 0.1},
    }  # fmt: skip
    decoder = {
        "hidden_size": 512, "hidden_dropout": 0.1, "input_feeding": True, "init_hidden": "bridge",
        "attention": "bahdanau" if task == "T2" else "luong",
    }  # fmt: skip
    return {"encoder": shared | {"hidden_size": 256, "bidirectional": True}, "decoder": shared | decoder}


PEERS: dict[str, tuple[str, Callable[[str], Peer], tuple[str, ...]]] = {
    "torch.nn.Transformer": ("torch", PlainTorch, ("T1",)),
    "Hugging Face Marian": ("transformers", HuggingFaceMarian, ("T1",)),
    "JoeyNMT": ("joeynmt", JoeyNMT, ("T1", "T2", "T3")),
    "OpenNMT-py": ("onmt", OpenNMT, ("T1", "T2", "T3")),
    "OpenNMT-py without feeding": ("onmt", OpenNMTWithoutFeeding, ("T2", "T3")),
}
"""By name: the package it needs, its class, and the tasks that it supports."""


def installed(task: str) -> list[str]:
    """Names of the installed peers for a task."""
    return [name for name, (package, _, tasks) in PEERS.items() if task in tasks and find_spec(package)]
