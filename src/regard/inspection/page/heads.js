// Thumbnails of all heads, one row per layer, for selection. Each is drawn when it scrolls into view.
class Heads {
  constructor(panel) {
    this.panel = panel;
    this.card = panel.find("heads");
    this.grid = panel.find("tiles");
    this.sight = new IntersectionObserver(entries => {
      for (const { isIntersecting, target } of entries) if (isIntersecting) this.draw(target);
    }, { rootMargin: "200px" });
    this.grid.addEventListener("click", event => { const tile = event.target.closest("button"); if (tile) this.choose(tile); });
    this.grid.addEventListener("keydown", event => this.move(event));
    addEventListener("beforeprint", () => this.tiles.forEach(tile => this.draw(tile)));
    panel.find("larger").addEventListener("click", event => {
      const large = panel.root.classList.toggle("large-heads");
      event.target.setAttribute("aria-pressed", large);
      panel.layOut();
    });
  }
  build() {
    const { reading } = this.panel, { layers } = reading, most = Math.max(...layers.map(layer => layer.heads));
    this.card.hidden = !reading.hasSeveralMatrices;
    this.sight.disconnect();
    this.tiles = [];
    if (this.card.hidden) return this.grid.replaceChildren();
    const several = layers.length > 1, numbers = Array.from({ length: most }, (_, head) => head);
    const title = text => element("span", { className: "number", textContent: text });
    const name = text => element("span", { className: "layer", textContent: shorten(text, 14), title: text }), gap = () => element("span");
    const parts = [gap(), title(say("meanColumn")), ...most > 1 ? numbers.map(head => title(head + 1)) : []];
    if (several) parts.push(name(say("allRow")), this.tile(MEAN, MEAN, 0), ...most > 1 ? numbers.map(gap) : []);
    layers.forEach((layer, number) => {
      const heads = layer.heads > 1 ? numbers.map(head => head < layer.heads ? this.tile(number, head, number + 1) : gap()) : numbers.slice(1).map(gap);
      parts.push(name(layerName(layer.name)), this.tile(number, MEAN, number + 1), ...heads);
    });
    this.across = most > 1 ? most + 1 : 1;
    this.panel.root.classList.toggle("many-heads", most > 5);
    this.grid.style.setProperty("--across", this.across);
    this.grid.replaceChildren(...parts);
    for (const tile of this.tiles) this.sight.observe(tile);
  }
  tile(layer, head, row) {
    const { reading } = this.panel, caption = reading.caption(layer, head);
    const tile = element("button", { type: "button", role: "radio", title: caption, tabIndex: -1 }, element("canvas"));
    tile.setAttribute("aria-label", caption);
    Object.assign(tile, { layer, head, row, column: head + 1 });
    this.tiles.push(tile);
    return tile;
  }
  layOut() {
    if (this.card.hidden) return;
    const { view } = this.panel, names = 52, frame = 8;
    const room = (this.grid.clientWidth - names) / this.across - frame;
    const side = clamp(Math.floor(room), 24, this.panel.root.classList.contains("large-heads") ? 120 : 64);
    this.grid.style.setProperty("--side", `${side}px`);
    this.grid.style.setProperty("--tall", `${Math.round(side * clamp(view.rows / view.columns, 0.7, 1.4))}px`);
    this.paint();
  }
  draw(tile) {
    const { panel } = this, key = `${panel.app.level} ${panel.app.colors.fills[200]}`;
    if (tile.drawn === key) return;
    tile.drawn = key;
    const picture = pixels(panel.reading.view(tile.layer, tile.head, panel.app.level), panel.app.colors);
    picture.classList.toggle("coarse", picture.width < 40);
    tile.firstChild.replaceWith(picture);
  }
  /** Discards the thumbnails; visible ones are redrawn at once. */
  redrawVisible() {
    for (const tile of this.tiles) { this.sight.unobserve(tile); this.sight.observe(tile); }
  }
  paint() {
    for (const tile of this.tiles) {
      const chosen = tile.layer === this.panel.layer && tile.head === this.panel.head;
      tile.setAttribute("aria-checked", chosen);
      tile.tabIndex = chosen ? 0 : -1;
    }
  }
  choose(tile) {
    this.panel.chooseHead(tile.layer, tile.head);
    tile.focus({ focusVisible: false, preventScroll: true });
  }
  move(event) {
    const at = event.target.closest("button"), step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    if (!at || !step) return;
    event.preventDefault();
    // The mean of all layers has no heads in its row, so moving up or down falls back to the mean of a layer.
    const to = this.tiles.find(tile => tile.row === at.row + step[0] && tile.column === at.column + step[1])
      ?? (step[0] ? this.tiles.find(tile => tile.row === at.row + step[0] && tile.column === 0) : undefined);
    if (!to) return;
    this.panel.chooseHead(to.layer, to.head);
    to.focus();
  }
}
