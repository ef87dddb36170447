/** A list of words that could stand in the place of a word; choosing one replaces it and all words after it. */
class Alternatives {
  constructor(service) {
    this.service = service;
    this.root = document.getElementById("alternatives");
    for (const name of ["title", "facts", "list"]) this[name] = document.getElementById(`alternatives-${name}`);
    this.root.addEventListener("toggle", event => { if (event.newState === "closed") this.request?.abort(); });
    this.list.addEventListener("keydown", event => this.move(event));
    addEventListener("scroll", () => this.close(), { passive: true });
    addEventListener("resize", () => this.close());
  }
  close() { if (this.root.matches(":popover-open")) this.root.hidePopover(); }
  async open({ word, sentence: number, index }) {
    const { service } = this, sentence = service.sentences[number], from = alignedWords(sentence, index);
    this.request?.abort();
    const request = this.request = new AbortController();
    service.pinWord({ sentence: number, index });
    this.title.textContent = say("alternativesFor", { word: sentence.words[index] });
    this.facts.textContent = [say("probability", { share: percent(probabilityOf(sentence, index)) }),
      ...from.length ? [say("alignedWith", { words: from.join(" ") })] : []].join(" \u00b7 ");
    this.note(say("alternativesWait"));
    this.root.showPopover();
    this.place(word);
    const prefix = sentence.text.slice(0, locateWords(sentence)[index].start).trimEnd();
    try {
      const { alternatives } = await service.api.post("v1/alternatives",
        { text: sentence.source, prefix, source: service.answer.source, target: service.answer.target, count: 6 }, request.signal);
      this.fill(alternatives.filter(({ word: other }) => other !== sentence.words[index]), prefix, number, index);
    } catch (failure) {
      if (failure.name !== "AbortError") this.note(service.notice.textOf(failure));
    }
    this.place(word);
  }
  note(text) { this.list.replaceChildren(element("li", { className: "note", textContent: text })); }
  fill(alternatives, prefix, number, index) {
    if (!alternatives.length) return this.note(say("alternativesNone"));
    this.list.replaceChildren(...alternatives.map(({ word, text }) => {
      const rest = text.slice(text.startsWith(prefix) ? prefix.length : 0).trim();
      const after = rest.startsWith(word) ? rest.slice(word.length) : rest;
      const button = element("button", { type: "button", dir: "auto" }, element("b", { textContent: word }), element("span", { textContent: after }));
      button.addEventListener("click", () => { this.close(); this.service.replaceSentence(number, text, index); });
      return element("li", {}, button);
    }));
    this.list.querySelector("button").focus();
  }
  /** Below the word, or above it where there is no room, and within the window. */
  place(word) {
    const box = word.getBoundingClientRect(), { offsetWidth: width, offsetHeight: height } = this.root, edge = 8;
    const wide = document.documentElement.clientWidth, below = box.bottom + edge;
    this.root.style.left = `${clamp(box.left - 14, edge, Math.max(edge, wide - width - edge))}px`;
    this.root.style.top = `${below + height > innerHeight - edge && box.top > height + edge ? box.top - height - edge : below}px`;
  }
  move(event) {
    const buttons = [...this.list.querySelectorAll("button")], at = buttons.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined || !buttons.length) return;
    event.preventDefault();
    buttons[clamp(to, 0, buttons.length - 1)].focus();
  }
}
