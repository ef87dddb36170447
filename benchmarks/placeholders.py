"""What a model should read in the place of a placeholder: nothing, or a name that it copies?

    python benchmarks/placeholders.py model --src val.en --tgt val.fr

A name or number that stands once in a sentence and once in its reference becomes a placeholder. The translations, in
which it takes the place of the placeholder again, are compared with the references, which show where it belongs.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

import sacrebleu

import regard
from regard.translation.documents import as_sentence, find_stand_ins
from regard.translation.markup.document import parse
from regard.translation.markup.markup_options import DEFAULT_MARKUP, MarkupOptions
from regard.translation.options import TranslateOptions
from regard.translation.translator import Translator

WORD = re.compile(r"(?<!\w)(?:[A-Z][a-z]{2,}|\d[\d.,:]*\d|\d)(?!\w)")
OPTIONS = TranslateOptions(beam=4, alignment=True, scores=False)


def choose(sources: Sequence[str], references: Sequence[str]) -> list[tuple[str, str, str]]:
    """Pairs with a word that both sides have once, which is not the first word unless it is a name elsewhere."""
    inner = {match[0] for source in sources for match in WORD.finditer(source) if match.start()}
    chosen = []
    for source, reference in zip(sources, references, strict=True):
        for match in WORD.finditer(source):
            word = match[0]
            whole = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
            if word in inner and len(whole.findall(source)) == len(whole.findall(reference)) == 1:
                chosen.append((source, reference, word))
                break
    return chosen


def translate(translator: Translator, texts: Sequence[str], options: MarkupOptions) -> list[str]:
    """Translations of texts with placeholders."""
    documents = [parse(text, "text", options) for text in texts]
    sentences = [sentence for document in documents for sentence in document.sentences]
    found = iter([as_sentence(result) for result in translator.translate_lines(sentences, OPTIONS)])
    return [document.render([next(found) for _ in document.sentences]) for document in documents]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--src", type=Path, required=True)
    parser.add_argument("--tgt", type=Path, required=True)
    options = parser.parse_args()
    sources, references = (path.read_text(encoding="utf-8").splitlines() for path in (options.src, options.tgt))
    translator = regard.load(options.model)
    chosen = choose(sources, references)
    words = [word for _, _, word in chosen]
    marks = ["%d" if word[0].isdigit() else "{name}" for word in words]
    texts = [
        re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", mark, source)
        for (source, _, word), mark in zip(chosen, marks, strict=True)
    ]
    stand_ins = find_stand_ins(translator)
    print(f"{len(chosen)} sentences; the model copies {', '.join((*stand_ins.names, *stand_ins.numbers))}\n")
    print("| the model reads | BLEU | chrF | placeholder once |\n|---|---|---|---|")
    rows = {
        "the sentence without the placeholder": DEFAULT_MARKUP,
        "a name or number in its place": MarkupOptions(stand_ins=stand_ins),
    }
    for name, markup in rows.items():
        outputs = translate(translator, texts, markup)
        once = sum(output.count(mark) == 1 for output, mark in zip(outputs, marks, strict=True))
        restored = [output.replace(mark, word) for output, mark, word in zip(outputs, marks, words, strict=True)]
        _print(name, restored, [reference for _, reference, _ in chosen], f"{once} of {len(chosen)}")
    original = [result.text for result in translator.translate_lines([source for source, _, _ in chosen], OPTIONS)]
    _print("the original sentence", original, [reference for _, reference, _ in chosen], "")


def _print(name: str, outputs: Sequence[str], references: Sequence[str], once: str) -> None:
    bleu = sacrebleu.corpus_bleu(outputs, [references]).score
    chrf = sacrebleu.corpus_chrf(outputs, [references]).score
    print(f"| {name} | {bleu:.1f} | {chrf:.1f} | {once} |", flush=True)


if __name__ == "__main__":
    main()
