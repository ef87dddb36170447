/** The glossary to translate with, and its terms in the translation: those that were used, and those that are not met. */
class Terms {
  constructor(changed) {
    Object.assign(this, elements({ picker: "glossary", note: "terms-note" }));
    this.picker.addEventListener("change", () => { lasting.write("glossary", this.picker.value); changed(); });
  }
  /** Offers the glossaries of the server; without any, nothing is shown. */
  load(names) {
    this.names = names;
    this.picker.hidden = !names.length;
    this.relabel();
    const kept = lasting.read("glossary", "");
    this.picker.value = names.includes(kept) ? kept : "";
  }
  relabel() {
    const { value } = this.picker, option = ([name, label]) => element("option", { value: name, textContent: label });
    this.picker.replaceChildren(option(["", say("noGlossary")]), ...(this.names ?? []).map(name => option([name, name])));
    this.picker.value = value;
  }
  /** What a request says of terms. */
  get fields() { return this.picker.value ? { glossary: this.picker.value } : {}; }
  /** Marks the words of the translation that are terms, and lists the terms that are not met. */
  show(sentences, output) {
    const unmet = [];
    sentences.forEach((sentence, number) => {
      const spans = locateWords(sentence), terms = sentence.terms ?? [];
      for (const { source, targets, forbidden, met, target_spans: places } of terms) {
        if (!met) unmet.push(say(forbidden ? "termForbidden" : "termUnmet", { source: source || "*", target: targets[0] }));
        spans.forEach((span, index) => {
          if (!span || !places.some(([start, end]) => characterIndex(sentence.text, start) < span.end && span.start < characterIndex(sentence.text, end))) return;
          const word = output.word(number, index);
          word?.classList.add(forbidden ? "forbidden-term" : "term");
          if (word) word.title = say(forbidden ? "termForbidden" : "termUsed", { source: source || "*", target: targets[0] });
        });
      }
    });
    this.note.hidden = !unmet.length;
    this.note.textContent = unmet.length ? `${say("termsUnmet")} ${unmet.join("; ")}` : "";
  }
}
/** Index in UTF-16 of a character that the server counts in code points. */
function characterIndex(text, place) { return [...text].slice(0, place).join("").length; }
