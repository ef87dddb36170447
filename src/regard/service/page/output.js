// The translation as running text, in which every word can be pointed at and chosen.
const UNSURE = 0.6, IMPROBABLE = 0.25;  // probabilities below which a word is underlined

/** Where each sentence is in the whole text; null where it cannot be found. */
function locate(text, sentences) {
  let at = 0;
  return sentences.map(({ text: sentence }) => {
    const start = sentence ? text.indexOf(sentence, at) : -1;
    if (start < 0) return null;
    at = start + sentence.length;
    return { start, end: at };
  });
}
/** Where each word is in its sentence. */
function locateWords({ text, words }) { return locate(text, words.map(word => ({ text: word }))); }
const probabilityOf = (sentence, word) => Math.min(1, Math.exp(sentence.word_scores?.[word] ?? 0));
const certainty = probability => probability < IMPROBABLE ? "improbable" : probability < UNSURE ? "unsure" : "sure";
/** The source words that a word is aligned with. */
const alignedWords = ({ alignment = [], source_words: names = [] }, word) =>
  alignment.filter(([, target]) => target === word).map(([source]) => names[source]).filter(name => name !== undefined);

class Output {
  constructor(service) {
    this.service = service;
    this.root = document.getElementById("translation");
    this.legend = document.getElementById("legend");
    this.listen();
  }
  get words() { return [...this.root.querySelectorAll(".run")]; }
  word(sentence, index) { return this.root.querySelector(`.run[data-sentence="${sentence}"][data-index="${index}"]`); }
  show(text, sentences) {
    this.root.replaceChildren(...this.pieces(text, locate(text, sentences), number => {
      const sentence = sentences[number], spans = locateWords(sentence);
      return element("span", { className: "passage" }, ...this.pieces(sentence.text, spans, index => this.run(sentence, number, index)));
    }));
    const first = this.words[0];
    if (first) first.tabIndex = 0;
    this.paintLegend();
  }
  /** The text, with what `make` returns in the place of each span. */
  pieces(text, spans, make) {
    const parts = [];
    let at = 0;
    spans.forEach((span, number) => {
      if (!span) return;
      parts.push(text.slice(at, span.start), make(number));
      at = span.end;
    });
    return [...parts, text.slice(at)].filter(part => part !== "");
  }
  run(sentence, number, index) {
    const probability = probabilityOf(sentence, index), className = `run ${certainty(probability)}`;
    const word = element("span", { className, textContent: sentence.words[index], tabIndex: -1 });
    word.dataset.sentence = number;
    word.dataset.index = index;
    word.setAttribute("role", "button");
    word.setAttribute("aria-haspopup", "dialog");
    word.setAttribute("aria-description", say("probability", { share: percent(probability) }));
    return word;
  }
  paintLegend() {
    const shown = [["unsure", UNSURE], ["improbable", IMPROBABLE]].filter(([kind]) => this.root.querySelector(`.${kind}`));
    this.legend.hidden = !shown.length;
    this.legend.replaceChildren(element("span", { textContent: say("legendTitle") }), ...shown.map(([kind, below]) =>
      element("span", { className: `key ${kind}`, textContent: say("legendUnsure", { share: percent(below) }) })));
  }
  /** Marks the current sentence, and a word of it. */
  mark(sentence, index = null) {
    this.root.querySelectorAll(".passage").forEach((passage, _, all) => {
      const own = Number(passage.querySelector(".run")?.dataset.sentence) === sentence, before = passage.classList.contains("current");
      passage.classList.toggle("current", own && all.length > 1);
      if (own && !before) this.reveal(passage);
    });
    this.root.querySelector(".run.chosen")?.classList.remove("chosen");
    if (index !== null) this.word(sentence, index)?.classList.add("chosen");
  }
  /** Scrolls within the text until a passage is visible; the page itself stays where it is. */
  reveal(passage) {
    const frame = this.root.getBoundingClientRect(), box = passage.getBoundingClientRect(), edge = 12;
    if (box.top < frame.top) this.root.scrollTop += box.top - frame.top - edge;
    else if (box.bottom > frame.bottom) this.root.scrollTop += Math.min(box.bottom - frame.bottom + edge, box.top - frame.top - edge);
  }
  listen() {
    const { root, service } = this;
    const at = event => {
      const word = event.target.closest(".run");
      return word && { word, sentence: Number(word.dataset.sentence), index: Number(word.dataset.index) };
    };
    root.addEventListener("mouseover", event => { if (pointerMoved(event)) service.pointAt(at(event)); });
    root.addEventListener("mouseleave", () => service.pointAt(null));
    root.addEventListener("focusin", event => {
      const place = at(event);
      if (!place) return;
      for (const word of this.words) word.tabIndex = word === place.word ? 0 : -1;
      service.pinWord(place);
    });
    root.addEventListener("click", event => { if (at(event)) service.alternatives.open(at(event)); });
    root.addEventListener("keydown", event => {
      const { words } = this, index = words.indexOf(event.target), ahead = getComputedStyle(root).direction === "rtl" ? -1 : 1;
      const targets = { ArrowRight: index + ahead, ArrowLeft: index - ahead, Home: 0, End: words.length - 1 };
      if (index < 0) return;
      if (event.key in targets) words[clamp(targets[event.key], 0, words.length - 1)].focus();
      else if (event.key === "Enter" || event.key === " ") service.alternatives.open(at(event));
      else return;
      event.preventDefault();
    });
  }
}
