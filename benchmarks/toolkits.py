"""Training and translation with four toolkits, as each documents it, for `time_to_quality.py`.

Every toolkit gets the Transformer of the preset `transformer-tiny`, the subwords of regard's SentencePiece model, and
batches of about 4,096 tokens (see below). Each is started with the commands of its documentation or, if it is a
library, with a script as its documentation recommends. Configurations are written as JSON, a subset of YAML. Commands
resume from the last checkpoint if there is one.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from quality_plan import (
    DROPOUT,
    FACTOR,
    FEW,
    FF_SIZE,
    HEADS,
    LAYERS,
    PEAK,
    WARMUP,
    WIDTH,
    Plan,
    newest,
    numbered,
    run,
    write_lines,
)

from regard.config.load import parse_config
from regard.config.schema import Config
from regard.data.corpora.pairs import read_pairs
from regard.data.corpus import Corpus
from regard.data.stream import BatchStream
from regard.model.build import build_model
from regard.store import save_model
from regard.store.checkpoint import load_state
from regard.store.weights import copy_tensors
from regard.text.readers import read_lines

OPENNMT_TOKENS = 4480
"""Each toolkit limits the padded tokens of the longer side. With 4,096, regard fills 92 % of them with target words,
and OpenNMT-py, which sorts by source length, 83 %; with this limit its updates have as many target words as
regard's."""
JOEYNMT_TOKENS = 4096
"""JoeyNMT does not sort by length and fills 45 %. This is not corrected: twice as many would make its updates as large
as the others', but halve the number of updates per minute, and it would take longer to reach the target."""

MARIAN_TOKENS = 3760
"""Hugging Face's trainer counts sentences: batches have as many as contain regard's target words on average. The
library has only the post-norm Transformer."""


class Regard:
    """regard with its default options, except for the interval and number of checkpoints."""

    name = "regard"

    def __init__(self, plan: Plan) -> None:
        self.plan, self.home = plan, plan.out / self.name
        self.training = self.home / "model" / "training"

    def prepare(self) -> None:
        """Writes the few pairs for validation during training."""
        for side in (0, 1):
            few = list(read_lines(self.plan.text("val", side)))[:FEW]
            write_lines(self.home / f"few.{self.plan.languages[side]}", few)

    def command(self) -> list[str]:
        """Command that starts or resumes training."""
        plan = self.plan
        start = [str(Path(sys.executable).with_name("regard")), "train"]
        if self.checkpoints():
            return [*start, "--resume", "--out", str(self.home / "model")]
        limit = {} if plan.steps is None else {"train.steps": plan.steps}
        settings = {"train.threads": plan.threads, "train.validate_every": plan.every, "train.keep": 1000, **limit}
        files = {
            "--src": plan.text("train", 0), "--tgt": plan.text("train", 1),
            "--val-src": self.home / f"few.{plan.languages[0]}", "--val-tgt": self.home / f"few.{plan.languages[1]}",
            "--out": self.home / "model",
        }  # fmt: skip
        words = [word for option, file in files.items() for word in (option, str(file))]
        words += [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        return [*start, "--preset", "transformer-tiny", *words]

    def checkpoints(self) -> dict[int, Path]:
        """Existing checkpoints, by number of updates."""
        return numbered(self.training.glob("step-*.safetensors"))

    def translate(self, checkpoint: Path) -> list[str]:
        """Translates the validation set greedily."""
        plan, subword = self.plan, self.plan.subword()
        config = self._config()
        model = build_model(
            config.model, src_vocab=len(subword), tgt_vocab=len(subword), shared=True, specials=subword.specials
        )
        copy_tensors(model, load_state(checkpoint)[0])
        folder = self.home / checkpoint.stem
        save_model(folder, model=model, config=config, src_subword=subword, tgt_subword=subword)
        command = [str(Path(sys.executable).with_name("regard")), "translate", str(folder), "--beam", "1"]
        done = run([*command, "--input", str(plan.text("val", 0))], plan)
        return done.splitlines()

    def num_parameters(self) -> int:
        """Number of trained parameters."""
        tensors = load_state(max(self.checkpoints().items())[1])[0]
        return sum(tensor.numel() for tensor in tensors.values())

    def tokens_per_update(self) -> float:
        """Mean target tokens per update, without padding, `</s>` included."""
        config = self._config()
        pairs = read_pairs(self.plan.text("train", 0), self.plan.text("train", 1)).pairs
        subword, tokens = self.plan.subword(), config.train.batch_tokens or 4096
        corpus = Corpus.encode(pairs, subword, subword, max_len=config.data.max_len)
        stream = BatchStream(corpus, batch_tokens=tokens, seed=config.train.seed, specials=subword.specials)
        count = stream.batches_per_epoch
        return sum(next(stream).num_tgt_tokens for _ in range(count)) / count

    def _config(self) -> Config:
        """The configuration that regard resolved."""
        return parse_config((self.training / "config.toml").read_text(encoding="utf-8"), where="config.toml")


class OpenNMT:
    """OpenNMT-py 3: `onmt_build_vocab`, `onmt_train`, `onmt_translate`."""

    name = "OpenNMT-py"

    def __init__(self, plan: Plan) -> None:
        self.plan, self.home = plan, plan.out / self.name
        self.config = self.home / "config.yaml"

    def prepare(self) -> None:
        """Writes the configuration and, by its own command, the vocabulary."""
        plan, vocabulary = self.plan, str(self.home / "vocabulary")
        corpus = {"path_src": str(plan.pieces("train", 0)), "path_tgt": str(plan.pieces("train", 1))}
        config = {
            "data": {"corpus_1": corpus}, "save_data": str(self.home), "overwrite": True,
            "src_vocab": vocabulary, "tgt_vocab": vocabulary, "share_vocab": True,
            "bucket_size": 32768, "num_workers": 0, "seed": 1,
            "encoder_type": "transformer", "decoder_type": "transformer", "position_encoding": True,
            "layers": LAYERS, "hidden_size": WIDTH, "word_vec_size": WIDTH, "heads": HEADS, "transformer_ff": FF_SIZE,
            "dropout": [DROPOUT], "attention_dropout": [0.0], "add_qkvbias": True, "add_ffnbias": True,
            "share_embeddings": True, "share_decoder_embeddings": True, "param_init": 0.0, "param_init_glorot": True,
            "batch_type": "tokens", "batch_size": OPENNMT_TOKENS, "accum_count": [1], "normalization": "tokens",
            "optim": "adam", "adam_beta1": 0.9, "adam_beta2": 0.98, "max_grad_norm": 1.0, "label_smoothing": 0.1,
            "decay_method": "noam", "warmup_steps": WARMUP, "learning_rate": FACTOR,
            "train_steps": plan.steps or 100_000, "save_checkpoint_steps": plan.every, "keep_checkpoint": -1,
            "report_every": min(50, plan.every), "save_model": str(self.home / "model"),
        }  # fmt: skip
        self.config.write_text(json.dumps(config, indent=1), encoding="utf-8")
        (self.home / "stubs").mkdir(exist_ok=True)
        for module in ("spacy", "fasttext"):  # imported for two text filters that are not used here
            (self.home / "stubs" / f"{module}.py").touch()
        run([*self._tool("onmt_build_vocab"), "-config", str(self.config), "-n_sample", "-1"], plan)

    def _tool(self, name: str) -> list[str]:
        return ["env", f"PYTHONPATH={self.home / 'stubs'}", str(self.plan.peers / "bin" / name)]

    def command(self) -> list[str]:
        """Command that starts or resumes training."""
        last = newest(self.checkpoints())
        resume = ["-train_from", str(last)] if last else []
        return [*self._tool("onmt_train"), "-config", str(self.config), *resume]

    def checkpoints(self) -> dict[int, Path]:
        """Existing checkpoints, by number of updates."""
        return numbered(self.home.glob("model_step_*.pt"))

    def translate(self, checkpoint: Path) -> list[str]:
        """Translates the validation set greedily."""
        output = checkpoint.with_suffix(".out")
        files = ["-model", str(checkpoint), "-src", str(self.plan.pieces("val", 0)), "-output", str(output)]
        run([*self._tool("onmt_translate"), *files, "-beam_size", "1", "-batch_size", "64"], self.plan)
        return self.plan.joined(read_lines(output))

    def num_parameters(self) -> int:
        """Number of trained parameters, from its log."""
        return int(re.findall(r"number of parameters: (\d+)", self._log())[0])

    def tokens_per_update(self) -> float:
        """Mean target tokens per update, without padding, `</s>` included, from its log."""
        sizes = [int(size) for size in re.findall(r"bsz:\s*\d+/\s*(\d+)/", self._log())]
        return sum(sizes) / len(sizes)

    def _log(self) -> str:
        return (self.home / "log").read_text(encoding="utf-8")


class JoeyNMT:
    """JoeyNMT 2: `python -m joeynmt train`, `python -m joeynmt test`."""

    name = "JoeyNMT"

    def __init__(self, plan: Plan) -> None:
        self.plan, self.home = plan, plan.out / self.name

    def _config(self, dev: str, checkpoint: Path | None = None) -> dict[str, object]:
        plan = self.plan
        layers = {
            "type": "transformer", "num_layers": LAYERS, "num_heads": HEADS, "hidden_size": WIDTH, "ff_size": FF_SIZE,
            "dropout": DROPOUT, "layer_norm": "pre",
            "embeddings": {"embedding_dim": WIDTH, "scale": True, "dropout": DROPOUT},
        }  # fmt: skip
        side = {"level": "word", "voc_file": str(plan.out / "pieces" / "vocabulary")}
        training = {
            "random_seed": 1, "optimizer": "adam", "adam_betas": [0.9, 0.98], "clip_grad_norm": 1.0,
            "normalization": "tokens", "label_smoothing": 0.1, "loss": "crossentropy",
            "batch_type": "token", "batch_size": JOEYNMT_TOKENS, "batch_multiplier": 1, "shuffle": True,
            "scheduling": "noam", "learning_rate": 1e-4, "learning_rate_factor": FACTOR,
            "learning_rate_warmup": WARMUP, "learning_rate_min": 0.0,
            "epochs": 10_000, "updates": plan.steps or 100_000, "validation_freq": plan.every,
            "logging_freq": min(50, plan.every), "keep_best_ckpts": -1, "overwrite": True,
        }  # fmt: skip
        testing: dict[str, object] = {"batch_type": "sentence", "batch_size": 64, "beam_size": 1, "eval_metrics": []}
        if checkpoint is not None:
            testing["load_model"] = str(checkpoint)
        return {
            "name": "tiny", "joeynmt_version": "2.3.0", "model_dir": str(self.home / "model"), "use_cuda": False,
            "data": {
                "train": str(plan.pieces("train", 0).with_suffix("")), "dev": str(plan.out / "pieces" / dev),
                "dataset_type": "plain", "src": {"lang": plan.languages[0], **side},
                "trg": {"lang": plan.languages[1], **side},
            },
            "training": training, "testing": testing,
            "model": {
                "initializer": "xavier_uniform", "embed_initializer": "xavier_uniform", "bias_initializer": "zeros",
                "tied_embeddings": True, "tied_softmax": True, "encoder": layers, "decoder": layers,
            },
        }  # fmt: skip

    def prepare(self) -> None:
        """Writes the configuration."""
        (self.home / "config.yaml").write_text(json.dumps(self._config("few"), indent=1), encoding="utf-8")

    def _tool(self, mode: str, config: Path) -> list[str]:
        return [str(self.plan.peers / "bin" / "python"), "-m", "joeynmt", mode, str(config)]

    def command(self) -> list[str]:
        """Command that starts or resumes training."""
        config, last = self.home / "config.yaml", newest(self.checkpoints())
        if last:
            config = self.home / "resume.yaml"
            settings = json.loads((self.home / "config.yaml").read_text(encoding="utf-8"))
            settings["training"] |= {"load_model": str(last), "overwrite": False}
            config.write_text(json.dumps(settings, indent=1), encoding="utf-8")
        return [*self._tool("train", config), "--skip-test"]

    def checkpoints(self) -> dict[int, Path]:
        """Existing checkpoints, by number of updates."""
        return numbered(path for path in (self.home / "model").glob("*.ckpt") if path.stem.isdigit())

    def translate(self, checkpoint: Path) -> list[str]:
        """Translates the validation set greedily."""
        config, output = self.home / "test.yaml", self.home / f"{checkpoint.stem}.out"
        config.write_text(json.dumps(self._config("val", checkpoint)), encoding="utf-8")
        run([*self._tool("test", config), "--output-path", str(output)], self.plan)
        return self.plan.joined(read_lines(f"{output}.dev"))

    def num_parameters(self) -> int:
        """Number of trained parameters, from its log."""
        return int(re.findall(r"Total params: (\d+)", self._log())[0])

    def tokens_per_update(self) -> float:
        """Mean target tokens per update over finished epochs, without padding, `</s>` included, from its log."""
        text = self._log()
        tokens = [int(count) for count in re.findall(r"num\. of tokens: (\d+)", text)]
        done = text[: text.rfind("num. of tokens:")] if tokens else ""
        steps = re.findall(r"Step:\s+(\d+), Batch Loss", done)
        # The last report before the end of an epoch comes half an interval before it, on average.
        return sum(tokens) / (int(steps[-1]) + min(50, self.plan.every) / 2) if steps else float("nan")

    def _log(self) -> str:
        return (self.home / "log").read_text(encoding="utf-8")


class Marian:
    """Hugging Face's MarianMT and `Seq2SeqTrainer`, run by `marian_trainer.py`."""

    name = "Marian (Hugging Face)"

    def __init__(self, plan: Plan) -> None:
        self.plan, self.home = plan, plan.out / "Marian"
        self.config = self.home / "config.json"

    def prepare(self) -> None:
        """Writes the configuration."""
        plan = self.plan
        config = {
            "src": str(plan.pieces("train", 0)), "tgt": str(plan.pieces("train", 1)),
            "vocabulary": str(plan.out / "pieces" / "vocabulary"), "out": str(self.home / "model"), "seed": 1,
            "layers": LAYERS, "width": WIDTH, "heads": HEADS, "ff_size": FF_SIZE, "dropout": DROPOUT,
            "tokens": MARIAN_TOKENS, "rate": PEAK, "warmup": WARMUP,
            "steps": plan.steps or 100_000, "every": plan.every,
        }  # fmt: skip
        self.config.write_text(json.dumps(config, indent=1), encoding="utf-8")

    def _tool(self, mode: str, *rest: Path) -> list[str]:
        script = Path(__file__).with_name("marian_trainer.py")
        return [str(self.plan.peers / "bin" / "python"), str(script), mode, str(self.config), *map(str, rest)]

    def command(self) -> list[str]:
        """Command that starts or resumes training."""
        last = newest(self.checkpoints())
        return self._tool("train", *([last.parent] if last else []))

    def checkpoints(self) -> dict[int, Path]:
        """Last file of each existing checkpoint, by number of updates."""
        paths = (self.home / "model").glob("checkpoint-*/trainer_state.json")
        return dict(sorted((int(path.parent.name.split("-")[1]), path) for path in paths))

    def translate(self, checkpoint: Path) -> list[str]:
        """Translates the validation set greedily."""
        output = self.home / f"{checkpoint.parent.name}.out"
        run(self._tool("translate", checkpoint.parent, self.plan.pieces("val", 0), output), self.plan)
        return self.plan.joined(read_lines(output))

    def num_parameters(self) -> int:
        """Number of trained parameters, from the log of the script."""
        return int(self._number_in_log("parameters"))

    def tokens_per_update(self) -> float:
        """Mean target tokens per update, without padding, `</s>` included, from the log of the script."""
        return float(self._number_in_log("tokens per update"))

    def _number_in_log(self, name: str) -> str:
        numbers: list[str] = re.findall(rf"{name} ([\d.]+)", (self.home / "log").read_text(encoding="utf-8"))
        return numbers[-1]


Toolkit = Regard | OpenNMT | JoeyNMT | Marian
TOOLKITS: dict[str, type[Regard] | type[OpenNMT] | type[JoeyNMT] | type[Marian]] = {
    toolkit.name: toolkit for toolkit in (Regard, OpenNMT, JoeyNMT, Marian)
}
