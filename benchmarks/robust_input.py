"""chrF of translations whose sources are in capitals, in title case, in lower case, without final marks, or with typos.

    python benchmarks/robust_input.py MODEL val.en val.fr --sentences 500

Each variant of the sources is translated with and without `recase`. Capitals are compared with the reference in
capitals, since their translation is put into capitals; other variants with the reference as it stands. A second figure
compares both sides in lower case without final marks, so that it shows the words alone.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Callable
from pathlib import Path

import sacrebleu

import regard
from regard.data.source_noise import alter

VARIANTS: dict[str, Callable[[str, random.Random], str]] = {
    "normal": lambda text, _: text,
    "capitals": lambda text, generator: alter(text, "capitals", generator),
    "title case": lambda text, generator: alter(text, "title", generator),
    "lower case": lambda text, generator: alter(text, "lower", generator),
    "no final mark": lambda text, generator: alter(text, "unpunctuated", generator),
    "typos": lambda text, generator: alter(text, "typos", generator),
    "double spaces": lambda text, _: text.replace(" ", "  "),
}


def words_only(text: str) -> str:
    """A text in lower case without final marks."""
    return re.sub(r" ?[.!?…]+$", "", text.lower())


def main() -> None:
    """Translates each variant of the sources, and prints a row per variant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("src", type=Path)
    parser.add_argument("ref", type=Path)
    parser.add_argument("--sentences", type=int, default=500)
    parser.add_argument("--beam", type=int, default=5)
    options = parser.parse_args()
    sources = options.src.read_text(encoding="utf-8").splitlines()[: options.sentences]
    references = options.ref.read_text(encoding="utf-8").splitlines()[: options.sentences]
    translator, chrf = regard.load(options.model), sacrebleu.CHRF()
    print(f"{'variant':15} recase  chrF   words  recased  signature {translator.signature}")
    for name, change in VARIANTS.items():
        generator = random.Random(1)
        changed = [change(source, generator) for source in sources]
        for recase in (False, True):
            translations = translator.translate(changed, beam=options.beam, recase=recase)
            texts = [translation.text for translation in translations]
            num_recased = sum(bool(translation.read_as) for translation in translations)
            expected = [text.upper() for text in references] if name == "capitals" and recase else references
            score = chrf.corpus_score(texts, [expected]).score
            words = chrf.corpus_score(list(map(words_only, texts)), [list(map(words_only, references))]).score
            print(f"{name:15} {recase!s:6} {score:5.2f}  {words:5.2f}  {num_recased:6}", flush=True)


if __name__ == "__main__":
    main()
