"""OpenNMT-py 3 as a contender: its own options, model and loss, with plain Adam in float32.

It imports spacy and fasttext for two text filters that no training step here needs. If they are not installed, empty
modules replace them during the import.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from types import ModuleType

import torch
from contender import RATE, SPECIALS, VOCAB, ForeignBatch

SHARED = "-data {} -src_vocab none -save_model none -dropout 0.1 -attention_dropout 0.1"
TRANSFORMER = (
    "-encoder_type transformer -decoder_type transformer -layers 3 -hidden_size 256 -word_vec_size 256 -heads 4"
    " -transformer_ff 1024 -position_encoding -share_embeddings -share_decoder_embeddings"
    " -param_init 0 -param_init_glorot"
)
RNN = "-encoder_type brnn -decoder_type rnn -rnn_type LSTM -layers 1 -hidden_size 512 -word_vec_size 256"
SCORES = {"T2": "mlp", "T3": "general"}


def options_of(task: str, *, feed: bool) -> list[str]:
    """OpenNMT-py's command line options for the model of a task.

    Args:
        task: `T1`, `T2` or `T3`.
        feed: Whether the RNN decoder has input feeding; ignored for the Transformer.
    """
    if task == "T1":
        return SHARED.split() + TRANSFORMER.split()
    return SHARED.split() + RNN.split() + ["-global_attention", SCORES[task], "-input_feed", str(int(feed))]


def _import() -> None:
    absent = [name for name in ("spacy", "fasttext") if find_spec(name) is None]
    sys.modules.update({name: ModuleType(name) for name in absent})
    try:
        import onmt
        import onmt.model_builder
        import onmt.opts
        import onmt.utils.loss  # noqa: F401
    finally:
        for name in absent:
            del sys.modules[name]


class OpenNMT:
    """OpenNMT-py for all three tasks; the RNNs have input feeding."""

    feed = True

    def __init__(self, task: str) -> None:
        _import()
        from onmt.inputters.inputter import dict_to_vocabs
        from onmt.model_builder import build_base_model
        from onmt.opts import train_opts
        from onmt.utils.loss import LossCompute
        from onmt.utils.parse import ArgumentParser

        parser = ArgumentParser()
        train_opts(parser)
        options = parser.parse_args(options_of(task, feed=self.feed))
        ArgumentParser.update_model_opts(options)
        ArgumentParser.validate_model_opts(options)
        words = ["<unk>", "<blank>", "<s>", "</s>", *(f"w{number}" for number in range(4, VOCAB))]
        vocabularies = dict_to_vocabs(
            {"src": words, "tgt": words, "data_task": "seq2seq", "decoder_start_token": "<s>"}
        )  # fmt: skip
        assert vocabularies["src"]["<blank>"] == SPECIALS.pad
        assert len(vocabularies["tgt"]) == VOCAB
        self.model = build_base_model(options, vocabularies)
        self._initialize(options.param_init)
        self.loss = LossCompute.from_opts(options, self.model, vocabularies["tgt"])
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=RATE)

    def _initialize(self, spread: float) -> None:
        """Sets the initial weights as OpenNMT-py's trainer does with `-param_init` and `-param_init_glorot`."""
        for name, weight in self.model.named_parameters():
            if spread:
                torch.nn.init.uniform_(weight, -spread, spread)
            elif weight.dim() > 1:
                torch.nn.init.xavier_uniform_(weight)
            elif name.endswith("bias"):
                torch.nn.init.zeros_(weight)

    def train_step(self, batch: ForeignBatch) -> float:
        """Forward, backward and update; returns the mean loss per target token."""
        self.model.train()
        src, tgt = batch["src"][..., None], batch["tgt"][..., None]
        opennmt_batch = {"src": src, "tgt": tgt, "srclen": batch["src_len"]}
        self.optimizer.zero_grad(set_to_none=True)
        states, attentions = self.model(src, tgt, batch["src_len"], bptt=False, with_align=False)
        loss, _ = self.loss(opennmt_batch, states, attentions, trunc_start=0, trunc_size=tgt.shape[1])
        loss = loss / batch["ntok"]
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())


class OpenNMTWithoutFeeding(OpenNMT):
    """OpenNMT-py's RNNs without input feeding: attention follows the recurrence."""

    feed = False
