// Sentence selection: previous and next, or a search for words on either side.
const MAX_FOUND = 100;

class Finder {
  constructor(app) {
    this.app = app;
    for (const name of ["finder", "find", "found", "place", "previous", "next"]) this[name] = document.getElementById(name);
    const { records } = app.models[0];
    this.entries = records.map(({ src, tgt }, index) => {
      const [source, target] = [src, tgt].map(side => side.words.join(" "));
      return { index, source, target, key: plain(`${source} ${target}`) };
    });
    this.finder.hidden = records.length < 2;
    this.listen();
  }
  /** Shows the current sentence in the controls. */
  showSelection() {
    const { sentence } = this.app, last = this.entries.length - 1;
    this.place.textContent = `${sentence + 1} of ${last + 1}`;
    this.find.value = this.entries[sentence].source;
    this.previous.disabled = sentence === 0;
    this.next.disabled = sentence === last;
    this.close();
  }
  open(query) {
    const words = plain(query).split(/\s+/).filter(Boolean);
    const found = this.entries.filter(entry => words.every(word => entry.key.includes(word))), shown = found.slice(0, MAX_FOUND);
    const option = ({ index, source, target }) => {
      const item = element("li", { role: "option", id: `found-${index}` }, element("span", { className: "count", textContent: index + 1 }),
        element("span", { className: "text" }, element("span", { textContent: source, dir: "auto" }), element("small", { textContent: target, dir: "auto" })));
      item.dataset.index = index;
      item.setAttribute("aria-selected", index === this.app.sentence);
      return item;
    };
    const rest = found.length === 0 ? "No sentence contains these words." : found.length > MAX_FOUND ? `and ${found.length - MAX_FOUND} more: add words to narrow the search` : "";
    this.found.replaceChildren(...shown.map(option), ...rest ? [element("li", { className: "note", role: "presentation", textContent: rest })] : []);
    this.found.hidden = false;
    this.find.setAttribute("aria-expanded", true);
    this.mark(query ? this.options[0] : this.found.querySelector("[aria-selected=true]"));
  }
  close() {
    this.found.hidden = true;
    this.active = null;
    this.find.setAttribute("aria-expanded", false);
    this.find.removeAttribute("aria-activedescendant");
  }
  get options() { return [...this.found.querySelectorAll("[role=option]")]; }
  mark(option) {
    this.active?.classList.remove("active");
    this.active = option ?? null;
    if (!option) return this.find.removeAttribute("aria-activedescendant");
    option.classList.add("active");
    option.scrollIntoView({ block: "nearest" });
    this.find.setAttribute("aria-activedescendant", option.id);
  }
  move(by) {
    if (this.found.hidden) return this.open("");
    const { options } = this, at = options.indexOf(this.active);
    this.mark(options[clamp(at + by, 0, options.length - 1)]);
  }
  go(sentence) { this.app.show({ sentence: clamp(sentence, 0, this.entries.length - 1) }); }
  listen() {
    this.previous.addEventListener("click", () => this.go(this.app.sentence - 1));
    this.next.addEventListener("click", () => this.go(this.app.sentence + 1));
    this.find.addEventListener("focus", () => this.find.select());
    this.find.addEventListener("click", () => { if (this.found.hidden) this.open(""); });
    this.find.addEventListener("input", () => this.open(this.find.value));
    this.find.addEventListener("blur", () => this.showSelection());
    this.find.addEventListener("keydown", event => {
      if (event.key === "ArrowDown") this.move(1);
      else if (event.key === "ArrowUp") this.move(-1);
      else if (event.key === "Enter" && this.active) this.go(Number(this.active.dataset.index));
      else if (event.key === "Escape") { this.showSelection(); this.find.select(); }
      else return;
      event.preventDefault();
    });
    // Otherwise the field would lose the focus before the click, which would close the list.
    this.found.addEventListener("mousedown", event => event.preventDefault());
    this.found.addEventListener("click", event => {
      const option = event.target.closest("[role=option]");
      if (option) { this.go(Number(option.dataset.index)); this.find.blur(); }
    });
  }
}
