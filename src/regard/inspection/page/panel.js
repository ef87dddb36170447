/** Whether the pointer itself moved; content that scrolls beneath it must not count as hovering. */
const pointer = { x: null, y: null };
function pointerMoved({ screenX, screenY }) {
  if (pointer.x === screenX && pointer.y === screenY) return false;
  [pointer.x, pointer.y] = [screenX, screenY];
  return true;
}

/** The panel of one model. Several panels are side by side. */
class Panel {
  constructor(app, model, number) {
    Object.assign(this, { app, model, layer: MEAN, head: MEAN, pinned: null, hovered: null, cell: null, readings: new Map() });
    this.root = document.getElementById("panel").content.firstElementChild.cloneNode(true);
    for (const node of this.root.querySelectorAll("[data-id]")) node.id = `${node.dataset.id}-${number}`;
    for (const node of this.root.querySelectorAll("[data-labelledby]"))  // spelled as in the ARIA specification
      node.setAttribute("aria-labelledby", `${node.dataset.labelledby}-${number}`);
    document.getElementById("panels").append(this.root);
    this.find("model").textContent = model.name;
    this.find("model").hidden = !model.name;
    this.root.setAttribute("aria-label", model.name || capitalized(say("attention")));
    this.parts = [this.sentences, this.heads, this.matrix, this.ranking] =
      [new Sentences(this), new Heads(this), new Matrix(this), new Ranking(this)];
    let width = this.root.clientWidth;
    new ResizeObserver(() => { if (this.view && this.root.clientWidth && this.root.clientWidth !== width) { width = this.root.clientWidth; this.layOut(); } }).observe(this.root);
  }
  find(name) { return this.root.querySelector(`.${name}`); }
  announce(text) { this.find("spoken").textContent = text; }
  get choice() { return this.hovered ?? this.pinned; }
  /** Whether a side has the same words in another panel. */
  sharesWords(side, other) {
    const own = this.view.labels(side), theirs = other.view.labels(side);
    return own.length === theirs.length && own.every((word, index) => word === theirs[index]);
  }
  hover(word, cell = null) { this.app.hover(this, word, cell); }
  pin(pinned) { if (pinned) this.app.pin(this, pinned); }
  chooseHead(layer, head) {
    [this.layer, this.head] = [layer, head];
    this.view = this.reading.view(layer, head, this.app.level);
    this.hovered = this.cell = null;
    this.updateCaption();
    this.heads.paint();
    this.paint();
  }
  updateCaption() {
    const caption = this.reading.caption(this.layer, this.head);
    this.find("caption").textContent = capitalized(caption || say("attention"));
  }
  /** Shows another sentence, or the same sentence in another unit. */
  show() {
    const { sentence, level } = this.app;
    if (!this.readings.has(sentence)) this.readings.set(sentence, new Reading(this.model.records[sentence]));
    this.reading = this.readings.get(sentence);
    const { layers } = this.reading;
    // A single layer needs no mean over layers; a layer or head that this sentence lacks is deselected.
    if (this.layer >= layers.length) this.layer = this.head = MEAN;
    if (layers.length === 1) this.layer = 0;
    if (this.head >= layers[Math.max(this.layer, 0)].heads) this.head = MEAN;
    this.view = this.reading.view(this.layer, this.head, level);
    this.hovered = this.cell = this.pinned = null;
    this.updateCaption();
    this.sentences.build();
    this.heads.build();
  }
  layOut() {
    for (const part of this.parts) part.layOut?.();
    if (this.choice) this.reveal(this.choice);
    this.paint();
  }
  /** Scrolls to the chosen word and its highest weight, or to the hovered cell. */
  reveal(choice, cell) {
    this.sentences.reveal(choice);
    const { side, index } = choice, strongest = this.view.strongest(choice);
    this.matrix.reveal(cell ?? (side === "tgt" ? { t: index, s: strongest } : { t: strongest, s: index }));
  }
  paint() { for (const part of [this.sentences, this.matrix, this.ranking]) part.paint(); }
}
