/** Whether the pointer itself moved: what scrolls beneath it says nothing of what someone points at. */
const pointer = { x: null, y: null };
function moved({ screenX, screenY }) {
  if (pointer.x === screenX && pointer.y === screenY) return false;
  [pointer.x, pointer.y] = [screenX, screenY];
  return true;
}

/** One model's view of the sentence. Several of them stand side by side. */
class Panel {
  constructor(app, model, number) {
    Object.assign(this, { app, model, layer: MEAN, head: MEAN, kept: null, over: null, cell: null, readings: new Map() });
    this.root = document.getElementById("panel").content.firstElementChild.cloneNode(true);
    for (const one of this.root.querySelectorAll("[data-id]")) one.id = `${one.dataset.id}-${number}`;
    for (const one of this.root.querySelectorAll("[data-labeledby]"))
      one.setAttribute("aria-labeledby", `${one.dataset.labeledby}-${number}`);
    document.getElementById("panels").append(this.root);
    this.find("model").textContent = model.name;
    this.find("model").hidden = !model.name;
    this.root.setAttribute("aria-label", model.name || "Attention");
    this.parts = [this.sentences, this.heads, this.matrix, this.ranking] =
      [new Sentences(this), new Heads(this), new Matrix(this), new Ranking(this)];
    let width = this.root.clientWidth;
    new ResizeObserver(() => { if (this.root.clientWidth !== width) { width = this.root.clientWidth; this.layOut(); } }).observe(this.root);
  }
  find(name) { return this.root.querySelector(`.${name}`); }
  say(text) { this.find("spoken").textContent = text; }
  get choice() { return this.over ?? this.kept; }
  /** Whether a word of the other panel is the same word here. */
  shares(side, other) {
    const own = this.view.labels(side), theirs = other.view.labels(side);
    return own.length === theirs.length && own.every((one, place) => one === theirs[place]);
  }
  look(over, cell = null) { this.app.look(this, over, cell); }
  keep(kept) { if (kept) this.app.keep(this, kept); }
  chooseHead(layer, head) {
    [this.layer, this.head] = [layer, head];
    this.view = this.reading.view(layer, head, this.app.level);
    this.over = this.cell = null;
    this.entitle();
    this.heads.paint();
    this.paint();
  }
  entitle() {
    const caption = this.reading.caption(this.layer, this.head);
    this.find("caption").textContent = caption ? caption[0].toUpperCase() + caption.slice(1) : "Attention";
  }
  /** Draws another sentence, or the same one cut otherwise. */
  show() {
    const { sentence, level } = this.app;
    if (!this.readings.has(sentence)) this.readings.set(sentence, new Reading(this.model.records[sentence]));
    this.reading = this.readings.get(sentence);
    const { layers } = this.reading;
    // One layer needs no mean over layers; a layer or head that this sentence lacks is no longer chosen.
    if (this.layer >= layers.length) this.layer = this.head = MEAN;
    if (layers.length === 1) this.layer = 0;
    if (this.head >= layers[Math.max(this.layer, 0)].heads) this.head = MEAN;
    this.view = this.reading.view(this.layer, this.head, level);
    this.over = this.cell = this.kept = null;
    this.entitle();
    this.sentences.build();
    this.heads.build();
  }
  layOut() {
    for (const part of this.parts) part.layOut?.();
    if (this.choice) this.reveal(this.choice);
    this.paint();
  }
  /** Scrolls to what is chosen and to what it is most bound to, or to the cell that is pointed at. */
  reveal(choice, cell) {
    this.sentences.reveal(choice);
    const { side, index } = choice, bound = this.view.strongest(choice);
    this.matrix.reveal(cell ?? (side === "tgt" ? { t: index, s: bound } : { t: bound, s: index }));
  }
  paint() { for (const part of [this.sentences, this.matrix, this.ranking]) part.paint(); }
}
