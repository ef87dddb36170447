// The chosen word, with the words of the highest and lowest attention weights.
const NUM_LISTED = 3;

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
    const weights = view.weightsOf(choice), names = view.labels(otherSide(choice.side)), isTarget = choice.side === "tgt";
    const isEnd = index => names[index] === END && index === names.length - 1;
    const ranked = weights.map((weight, index) => ({ weight, name: names[index], index })).filter(word => !isEnd(word.index))
      .sort((a, b) => b.weight - a.weight);
    const item = ({ weight, name }) => {
      const bar = element("i");
      bar.style.setProperty("--share", `${(100 * Math.min(1, weight)).toFixed(1)}%`);
      return element("li", {}, element("span", { textContent: name, dir: "auto" }),
        element("span", { className: "number", textContent: percent(weight, 1) }), bar);
    };
    const most = ranked.slice(0, NUM_LISTED), least = ranked.slice(NUM_LISTED).slice(-NUM_LISTED).reverse(), end = weights.at(-1) ?? 0;
    const word = view.labels(choice.side)[choice.index];
    this.direction.textContent = say(isTarget ? "attendedTo" : "attendedBy");
    this["most-name"].textContent = say("highest");
    this["least-name"].textContent = say("lowest");
    this["least-name"].hidden = least.length === 0;
    this.name.textContent = word;
    this.most.replaceChildren(...most.map(item));
    this.least.replaceChildren(...least.map(item));
    this.rest.textContent = isTarget && end >= 0.0005 ? say("restOnEnd", { weight: percent(end, 1), end: END }) : "";
    if (!this.panel.cell) this.panel.announce(`${word}: ` + most.map(({ name, weight }) => `${name} ${percent(weight)}`).join(", "));
  }
}
