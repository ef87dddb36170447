// Source and target sentence, with links between their words.
const FROM_THE_RIGHT = /^\P{L}*[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;
const MIN_FAINT = 0.1, MIN_SHOWN = 0.02, MIN_SHOWN_WRAPPED = 0.08, MIN_LABELED = 0.03;  // smallest weights that are drawn

class Sentences {
  constructor(panel) {
    this.panel = panel;
    for (const name of ["stage", "links", "src", "tgt"]) this[name] = panel.find(name);
    for (const side of ["src", "tgt"]) this.listen(side);
  }
  build() {
    for (const side of ["src", "tgt"]) {
      const labels = this.panel.view.labels(side), words = labels.map((text, index) => {
        const word = element("li", { className: "word", textContent: text, role: "option", tabIndex: -1, dir: "auto" });
        word.dataset.index = index;
        if (text === END && index === labels.length - 1) {
          word.classList.add("end");
          word.title = say("endOfSentence");
        }
        return word;
      });
      this[side].replaceChildren(...words);
      this[side].dir = FROM_THE_RIGHT.test(labels.join(" ")) ? "rtl" : "ltr";
      this[side].classList.toggle("long", words.length > 24);
    }
  }
  /** Sentences with many lines scroll separately, so that both stay visible. */
  layOut() {
    const lines = side => {
      const words = [...this[side].children];
      return words.length ? 1 + Math.round((words.at(-1).offsetTop - words[0].offsetTop) / (words[0].offsetHeight + 12)) : 0;
    };
    for (const side of ["src", "tgt"]) this[side].classList.remove("windowed");
    const counts = { src: lines("src"), tgt: lines("tgt") };
    this.wrapped = counts.src > 1 || counts.tgt > 1;
    this.stage.classList.toggle("wrapped", this.wrapped);
    for (const side of ["src", "tgt"]) this[side].classList.toggle("windowed", counts[side] > 5);
  }
  paint() {
    const { choice, view } = this.panel;
    for (const side of ["src", "tgt"]) {
      const received = choice && choice.side !== side ? view.weightsOf(choice) : null;
      const stop = choice?.side === side ? choice.index : 0;  // the only word that Tab reaches
      [...this[side].children].forEach((word, index) => {
        const weight = received ? received[index] : 0, chosen = choice?.side === side && choice.index === index;
        word.style.setProperty("--shade", `${(100 * shade(weight)).toFixed(1)}%`);
        word.classList.toggle("chosen", chosen);
        word.setAttribute("aria-selected", chosen);
        word.tabIndex = index === stop ? 0 : -1;
        if (received) word.setAttribute("aria-description", percent(weight, 1)); else word.removeAttribute("aria-description");
        if (weight >= MIN_LABELED) word.dataset.share = percent(weight); else delete word.dataset.share;
      });
    }
    this.drawLinks();
  }
  drawLinks() {
    const { choice, view } = this.panel, frame = this.stage.getBoundingClientRect(), paths = [];
    const windows = { src: this.src.getBoundingClientRect(), tgt: this.tgt.getBoundingClientRect() };
    const box = (side, index) => {
      const rect = this[side].children[index].getBoundingClientRect(), middle = rect.top + rect.height / 2;
      return middle > windows[side].top && middle < windows[side].bottom ? rect : null;
    };
    const link = (t, s, weight, kind) => {
      const from = box("src", s), to = box("tgt", t);
      if (!from || !to) return;
      const x1 = from.left + from.width / 2 - frame.left, y1 = from.bottom - frame.top;
      const x2 = to.left + to.width / 2 - frame.left, y2 = to.top - frame.top, bend = (y2 - y1) * 0.5;
      paths.push(svgElement("path", { class: kind, d: `M${x1} ${y1} C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}`,
        "stroke-width": (1 + 4 * weight).toFixed(2), "stroke-opacity": (kind === "faint" ? 0.1 + 0.35 * weight : 0.25 + 0.75 * weight).toFixed(3) }));
    };
    // Links between all words are readable only if each sentence fits on one line.
    if (!this.wrapped) for (let t = 0; t < view.rows; t++) for (let s = 0; s < view.columns; s++)
      if (view.at(t, s) >= MIN_FAINT) link(t, s, view.at(t, s), "faint");
    const least = this.wrapped ? MIN_SHOWN_WRAPPED : MIN_SHOWN;
    if (choice) view.weightsOf(choice).forEach((weight, index) => {
      if (weight >= least) choice.side === "tgt" ? link(choice.index, index, weight, "chosen") : link(index, choice.index, weight, "chosen");
    });
    this.links.replaceChildren(...paths);
  }
  /** Scrolls the chosen word and its most attended word into view. */
  reveal(choice) {
    const show = (side, index) => {
      const list = this[side], word = list.children[index];
      if (!word || list.scrollHeight <= list.clientHeight) return;
      const from = word.offsetTop - 20, to = word.offsetTop + word.offsetHeight + 20 - list.clientHeight;
      if (list.scrollTop > from || list.scrollTop < to) list.scrollTop = (from + to) / 2;
    };
    if (!this[choice.side].matches(":hover")) show(choice.side, choice.index);
    show(otherSide(choice.side), this.panel.view.strongest(choice));
  }
  listen(side) {
    const list = this[side], { panel } = this;
    const wordAt = event => { const word = event.target.closest(".word"); return word && { side, index: Number(word.dataset.index) }; };
    list.addEventListener("mouseover", event => { if (pointerMoved(event)) panel.hover(wordAt(event)); });
    list.addEventListener("mouseleave", () => panel.hover(null));
    list.addEventListener("focusin", event => panel.pin(wordAt(event)));
    list.addEventListener("click", event => { if (wordAt(event)) panel.pin(wordAt(event)); });
    list.addEventListener("scroll", () => this.drawLinks());
    list.addEventListener("keydown", event => {
      const at = wordAt(event), last = list.children.length - 1, ahead = getComputedStyle(list).direction === "rtl" ? -1 : 1;
      const targets = { ArrowRight: at.index + ahead, ArrowLeft: at.index - ahead, Home: 0, End: last };
      if (event.key in targets) list.children[clamp(targets[event.key], 0, last)].focus();
      else if (event.key === "ArrowDown" || event.key === "ArrowUp") this[otherSide(side)].children[panel.view.strongest(at)]?.focus();
      else return;
      event.preventDefault();
    });
  }
}
