/** What is displayed: the current sentence and unit (words or subwords), and one panel per model. */
class Display {
  constructor(models) {
    Object.assign(this, { models, sentence: 0, level: "word", colors: new Colors() });
    this.panels = models.map((model, number) => new Panel(this, model, number));
    document.getElementById("panels").classList.toggle("several", models.length > 1);
  }
  show({ sentence = this.sentence, level = this.level } = {}) {
    Object.assign(this, { sentence, level });
    for (const panel of this.panels) panel.show();
    this.pinInitialWord();
    for (const panel of this.panels) panel.layOut();
  }
  /** Pins a long word initially, so that the page shows attention at once. */
  pinInitialWord() {
    const side = this.panels.length > 1 || this.panels[0].view.rows === 0 ? "src" : "tgt", labels = this.panels[0].view.labels(side);
    const length = text => text === END ? 0 : [...text].length;
    const index = labels.reduce((best, text, index) => length(text) > length(labels[best]) ? index : best, 0);
    for (const panel of this.panels) if (panel.sharesWords(side, this.panels[0])) panel.pinned = { side, index };
  }
  /** Called when the pointer moves to a word; highlights the word in every panel that has it. */
  hover(from, word, cell = null) {
    const same = (first, second) => JSON.stringify(first) === JSON.stringify(second);
    if (same(from.hovered, word) && same(from.cell, cell)) return;
    this.highlight(from, word, cell);
  }
  highlight(from, word, cell) {
    for (const panel of this.panels) {
      const hasWord = word && (panel === from || panel.sharesWords(word.side, from));
      panel.hovered = hasWord ? word : null;
      panel.cell = panel === from || hasWord && panel.sharesWords(otherSide(word.side), from) ? cell : null;
      if (hasWord) panel.reveal(word, panel.cell);
      panel.paint();
    }
  }
  pin(from, pinned) {
    for (const panel of this.panels) if (panel === from || panel.sharesWords(pinned.side, from)) {
      panel.pinned = pinned;
      panel.reveal(pinned);
    }
    this.highlight(from, null, null);
  }
  /** Switches between light and dark, or follows the system as long as nothing was chosen. */
  listenForTheme(button, changed = () => {}) {
    const root = document.documentElement, system = matchMedia("(prefers-color-scheme: dark)");
    button.addEventListener("click", () => {
      root.dataset.theme = (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark" ? "light" : "dark";
      changed(root.dataset.theme);
      this.recolor();
    });
    system.addEventListener("change", () => this.recolor());
  }
  recolor() {
    this.colors = new Colors();
    for (const panel of this.panels) if (panel.view) { panel.heads.redrawVisible(); panel.paint(); }
  }
}
