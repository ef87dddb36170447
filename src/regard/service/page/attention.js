/** The attention of the current sentence, displayed as in the one-file page. */
class Attention extends Display {
  constructor(service) {
    super([{ name: "", records: [] }]);
    Object.assign(this, { service, sentences: [], panel: this.panels[0] });
    this.panel.root.removeAttribute("aria-label");  // the section around it has the same
    Object.assign(this, elements({ section: "attention", steps: "steps", place: "place", previous: "previous", next: "next",
      note: "attention-note", hint: "attention-hint", root: "panels" }));
    const on = (id, act) => document.getElementById(id).addEventListener("click", act);
    document.getElementById("level").addEventListener("change", event => { this.level = event.target.value; this.select(this.sentence); });
    on("png", () => savePng(this));
    on("svg", () => saveSvg(this));
    on("previous", () => service.selectSentence(this.sentence - 1));
    on("next", () => service.selectSentence(this.sentence + 1));
  }
  load(sentences, number) {
    this.sentences = sentences;
    this.panel.readings.clear();
    this.models[0].records = sentences.map(sentence => sentence.attention);
    this.section.hidden = !sentences.length;
    if (sentences.length) return this.select(clamp(number, 0, sentences.length - 1));
    this.request?.abort();
  }
  /** Selects a sentence; its attention is asked for if the translation came without. */
  async select(number) {
    this.request?.abort();
    this.sentence = number;
    this.paintSteps();
    const { sentences, service } = this, sentence = sentences[number];
    if (!sentence.attention && !service.isPivoted && sentence.text.trim()) {
      this.root.setAttribute("aria-busy", true);
      const request = this.request = new AbortController(), scored = await service.score(number, sentence.text, request.signal);
      if (request !== this.request || sentences !== this.sentences) return;
      if (scored?.attention) sentences[number] = { ...sentence, attention: this.models[0].records[number] = scored.attention };
    }
    this.root.removeAttribute("aria-busy");
    this.showRecord(sentences[number].attention);
  }
  showRecord(record) {
    const { path = [] } = this.service.answer ?? {};
    this.root.hidden = this.hint.hidden = !record;
    this.note.hidden = !!record;
    for (const id of ["level", "png", "svg"]) document.getElementById(id).hidden = !record;
    this.note.textContent = record ? "" : this.service.isPivoted ? say("viaPivot", { name: languageName(path[1]) }) : say("noAttention");
    if (record) this.show();
    this.service.output.mark(this.sentence, this.chosenWord);
  }
  show(changes) {
    const { view, pinned } = this.panel;
    this.before = view && pinned && { ...pinned, text: view.labels(pinned.side)[pinned.index] };
    super.show(changes);
  }
  /** Keeps the pinned word as long as the sentence has it, so that the picture stays calm while someone types. */
  pinInitialWord() {
    super.pinInitialWord();
    const { before, panel } = this, labels = before && panel.view.labels(before.side);
    if (!labels) return;
    const index = labels[before.index] === before.text ? before.index : labels.indexOf(before.text);
    if (index >= 0) panel.pinned = { side: before.side, index };
  }
  /** The word of the translation that is chosen here; null if there is none, or if subwords are displayed. */
  get chosenWord() {
    const { choice } = this.panel;
    return this.level === "word" && choice?.side === "tgt" ? choice.index : null;
  }
  highlight(from, word, cell) {
    super.highlight(from, word, cell);
    this.service.output.mark(this.sentence, this.chosenWord);
  }
  /** Whether a word of the running text is also in the panel. */
  has(sentence, index) { return sentence === this.sentence && this.level === "word" && !this.root.hidden && index < this.panel.view?.rows; }
  paintSteps() {
    const { length } = this.sentences;
    this.steps.hidden = length < 2;
    this.place.textContent = say("placeOf", { number: formatNumber(this.sentence + 1), count: formatNumber(length) });
    this.previous.disabled = this.sentence === 0;
    this.next.disabled = this.sentence === length - 1;
  }
  /** Shows everything again in another language of the interface. */
  relabel() {
    localize(this.panel.root);
    if (this.sentences.length) { this.paintSteps(); this.showRecord(this.sentences[this.sentence].attention); }
  }
}
