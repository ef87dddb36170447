"""How much chrF does minimum Bayes risk decoding gain over a beam, with which samples, and at which cost?

    python benchmarks/mbr.py --model model --src test.en --ref test.fr
    python benchmarks/mbr.py --model model --src test.en --ref test.fr --samples 16 64 256 --epsilon 0 0.02 \
        --temperature 0.7 1.0

Each setting is compared with the beam by sacreBLEU's paired bootstrap (Koehn 2004). The cost is CPU time relative to
the beam. `--no-beam` leaves the results of the beam out of the candidates.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable
from pathlib import Path

import torch
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.significance import PairedTest

import regard
from regard.search.sample import SampleOptions
from regard.translation.mbr import by_expected_chrf
from regard.translation.translator import Translator


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="directory of a model")
    parser.add_argument("--src", type=Path, required=True, help="source sentences")
    parser.add_argument("--ref", type=Path, required=True, help="reference translations")
    parser.add_argument("--lines", type=int, help="number of lines, from the first; all by default")
    parser.add_argument("--beam", type=int, default=5)
    parser.add_argument("--samples", type=int, nargs="+", default=[64])
    parser.add_argument("--epsilon", type=float, nargs="+", default=[0.02])
    parser.add_argument("--temperature", type=float, nargs="+", default=[1.0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-beam", action="store_true", help="choose from the samples only")
    options = parser.parse_args()
    sources = options.src.read_text(encoding="utf-8").splitlines()[: options.lines]
    references = options.ref.read_text(encoding="utf-8").splitlines()[: options.lines]
    translator = regard.load(options.model)
    translator.translate(sources[:5], beam=options.beam)
    print(f"{len(sources)} sentences, {torch.get_num_threads()} threads, {translator.signature}")
    print("| samples | epsilon | temperature | BLEU | chrF | chrF - beam | p | CPU time |\n" + "|---" * 8 + "|")

    def by_beam() -> list[str]:
        return [translation.text for translation in translator.translate(sources, beam=options.beam)]

    beam, beam_seconds = timed(by_beam)
    bleu, chrf, _, _ = compared(beam, beam, references)
    print(f"| beam {options.beam} | | | {bleu:.1f} | {chrf:.2f} | | | 1 |")
    for num_samples, epsilon, temperature in itertools.product(options.samples, options.epsilon, options.temperature):
        samples = SampleOptions(num_samples, temperature=temperature, epsilon=epsilon, seed=options.seed)

        def by_mbr(samples: SampleOptions = samples) -> list[str]:
            if options.no_beam:
                return samples_only(translator, sources, samples)
            return [own.text for own in translator.translate(sources, beam=options.beam, mbr=samples)]

        found, seconds = timed(by_mbr)
        bleu, chrf, difference, p_value = compared(found, beam, references)
        print(
            f"| {num_samples} | {epsilon:g} | {temperature:g} | {bleu:.1f} | {chrf:.2f} | {difference:+.2f} "
            f"| {p_value:.3f} | {seconds / beam_seconds:.1f} |",
            flush=True,
        )


def samples_only(translator: Translator, sources: list[str], samples: SampleOptions) -> list[str]:
    """Minimum Bayes risk decoding without the results of a beam."""
    drawn = translator.translate(sources, sample=samples)
    return [by_expected_chrf([], own.n_best or [own])[0].text for own in drawn]


def timed(work: Callable[[], list[str]]) -> tuple[list[str], float]:
    """A result, and the CPU time in seconds that it took."""
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def compared(found: list[str], beam: list[str], references: list[str]) -> tuple[float, float, float, float]:
    """BLEU, chrF, difference of chrF from the beam, and its p value in the paired bootstrap."""
    bleu = BLEU().corpus_score(found, [references]).score
    chrf, base = (CHRF().corpus_score(texts, [references]).score for texts in (found, beam))
    if found == beam:
        return bleu, chrf, 0.0, 1.0
    test = PairedTest(
        [("beam", beam), ("mbr", found)], {"chrF": CHRF(references=[references])}, None, test_type="bs", n_samples=1000
    )
    _, scores = test()
    [of_chrf] = [results for name, results in scores.items() if name.startswith("chrF")]
    p_value = getattr(of_chrf[1], "p_value", None)
    return bleu, chrf, chrf - base, float(p_value or 0.0)


if __name__ == "__main__":
    main()
