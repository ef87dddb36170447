/** A translation of one's own: scored word by word by the model, with the source words that each is aligned with. */
class OwnTranslation {
  constructor(service) {
    this.service = service;
    Object.assign(this, elements({ side: "own-side", label: "own-label", field: "own", words: "own-words", score: "own-score",
      mode: "own-mode", other: "model-side" }));
    this.mode.addEventListener("click", () => this.active ? this.leave() : this.enter(service.attention.sentence));
    this.field.addEventListener("input", () => { clearTimeout(this.timer); this.timer = setTimeout(() => this.update(), 250); });
  }
  get active() { return !this.side.hidden; }
  enter(number) {
    const sentence = this.service.sentences[number];
    if (!sentence) return;
    this.number = number;
    this.service.alternatives.close();
    this.label.textContent = say("yourTranslation", { sentence: shorten(sentence.source, 80) });
    this.field.value = sentence.text;
    this.show(true);
    this.paint(sentence);
    this.field.focus();
  }
  leave() {
    if (!this.active) return;
    clearTimeout(this.timer);
    this.request?.abort();
    this.show(false);
    this.service.attention.load(this.service.sentences, this.number);
  }
  show(own) {
    this.side.hidden = !own;
    this.other.hidden = own;
    this.mode.setAttribute("aria-pressed", own);
    this.relabel();
    this.service.output.legend.hidden = own || !this.service.output.legend.childElementCount;
  }
  relabel() { this.mode.textContent = say(this.active ? "backToModel" : "yourOwn"); }
  async update() {
    this.request?.abort();
    const { service, number } = this, translation = this.field.value.trim(), request = this.request = new AbortController();
    if (!translation) return this.paint(null);
    const scored = await service.score(number, translation, request.signal);
    if (scored && request === this.request) this.paint(scored);
  }
  paint(scored) {
    const model = this.service.sentences[this.number], total = sentence => (sentence.word_scores ?? []).reduce((sum, score) => sum + score, 0);
    this.words.replaceChildren(...(scored?.words ?? []).map((word, index) => {
      const probability = probabilityOf(scored, index), from = alignedWords(scored, index);
      return element("li", {}, element("span", { className: `${certainty(probability)} glossed`, textContent: word, dir: "auto" }),
        element("span", { className: "number", textContent: percent(probability) }),
        element("span", { className: "from", textContent: from.join(" ") || "\u2013", dir: "auto" }));
    }));
    this.score.textContent = "";
    if (!scored) return;
    const own = total(scored), other = total(model);
    const numbers = say("ownScore", { own: formatNumber(own, 1), model: formatNumber(other, 1) });
    const isSame = scored.text === model.text, verdict = say(own > other ? "ownBetter" : "ownWorse");
    this.score.textContent = isSame ? say("ownSame") : `${numbers} ${verdict}`;
    this.service.attention.load(this.service.sentences.with(this.number, scored), this.number);
  }
}
