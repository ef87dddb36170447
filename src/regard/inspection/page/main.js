/** The page: which sentence, words or subwords, and the panels that show it. */
class App {
  constructor(models) {
    Object.assign(this, { models, sentence: 0, level: "word", colors: new Colors() });
    this.panels = models.map((model, number) => new Panel(this, model, number));
    document.getElementById("panels").classList.toggle("several", models.length > 1);
    this.finder = new Finder(this);
    this.listen();
    this.show();
  }
  show({ sentence = this.sentence, level = this.level } = {}) {
    Object.assign(this, { sentence, level });
    for (const panel of this.panels) panel.show();
    this.start();
    this.finder.settle();
    for (const panel of this.panels) panel.layOut();
  }
  /** A long word is chosen at first, so that the page says at once what it is about. */
  start() {
    const side = this.panels.length > 1 || this.panels[0].view.rows === 0 ? "src" : "tgt", labels = this.panels[0].view.labels(side);
    const length = text => text === END ? 0 : [...text].length;
    const index = labels.reduce((best, text, place) => length(text) > length(labels[best]) ? place : best, 0);
    for (const panel of this.panels) if (panel.shares(side, this.panels[0])) panel.kept = { side, index };
  }
  /** Where the pointer is. The same word lights up in every panel that has it. */
  look(from, over, cell = null) {
    const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
    if (same(from.over, over) && same(from.cell, cell)) return;
    this.light(from, over, cell);
  }
  light(from, over, cell) {
    for (const panel of this.panels) {
      const known = over && (panel === from || panel.shares(over.side, from));
      panel.over = known ? over : null;
      panel.cell = panel === from || known && panel.shares(otherSide(over.side), from) ? cell : null;
      if (known) panel.reveal(over, panel.cell);
      panel.paint();
    }
  }
  keep(from, kept) {
    for (const panel of this.panels) if (panel === from || panel.shares(kept.side, from)) {
      panel.kept = kept;
      panel.reveal(kept);
    }
    this.light(from, null, null);
  }
  listen() {
    const on = (id, act) => document.getElementById(id).addEventListener("click", act);
    document.getElementById("controls").addEventListener("submit", event => event.preventDefault());
    document.getElementById("level").addEventListener("change", event => this.show({ level: event.target.value }));
    on("png", () => savePng(this));
    on("svg", () => saveSvg(this));
    const root = document.documentElement, system = matchMedia("(prefers-color-scheme: dark)");
    on("theme", () => {
      root.dataset.theme = (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark" ? "light" : "dark";
      this.recolor();
    });
    system.addEventListener("change", () => this.recolor());
  }
  recolor() {
    this.colors = new Colors();
    for (const panel of this.panels) { panel.heads.renew(); panel.paint(); }
  }
}
const app = new App(JSON.parse(document.getElementById("data").textContent));
