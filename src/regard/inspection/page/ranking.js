// The chosen word, and the words that it is most and least bound to.
const LISTED = 3;

class Ranking {
  constructor(panel) {
    this.panel = panel;
    for (const name of ["ranking", "direction", "name", "most-name", "most", "least-name", "least", "rest"])
      this[name] = panel.find(name);
  }
  paint() {
    const { view, choice } = this.panel;
    this.ranking.hidden = !choice;
    if (!choice) return;
    const weights = view.of(choice), names = view.labels(otherSide(choice.side)), gave = choice.side === "tgt";
    const isEnd = index => names[index] === END && index === names.length - 1;
    const ranked = weights.map((weight, index) => ({ weight, name: names[index], index })).filter(one => !isEnd(one.index))
      .sort((a, b) => b.weight - a.weight);
    const item = ({ weight, name }) => {
      const bar = element("i");
      bar.style.setProperty("--share", `${(100 * Math.min(1, weight)).toFixed(1)}%`);
      return element("li", {}, element("span", { textContent: name, dir: "auto" }),
        element("span", { className: "number", textContent: percent(weight, 1) }), bar);
    };
    const most = ranked.slice(0, LISTED), least = ranked.slice(LISTED).slice(-LISTED).reverse(), end = weights.at(-1) ?? 0;
    const word = view.labels(choice.side)[choice.index];
    this.direction.textContent = gave ? "What this word looked at" : "Which words looked at this one";
    this["most-name"].textContent = gave ? "Most attended" : "Looked most";
    this["least-name"].textContent = gave ? "Least attended" : "Looked least";
    this["least-name"].hidden = least.length === 0;
    this.name.textContent = word;
    this.most.replaceChildren(...most.map(item));
    this.least.replaceChildren(...least.map(item));
    this.rest.textContent = gave && end >= 0.0005 ? `${percent(end, 1)} went to ${END}, the end of the sentence.` : "";
    if (!this.panel.cell) this.panel.say(`${word}: ` + most.map(one => `${one.name} ${percent(one.weight)}`).join(", "));
  }
}
