/** Past translations, kept in this browser only. */
const MOST_KEPT = 100, SETTLED = 1500;  // entries; milliseconds after which a text counts as finished

class PastTranslations {
  constructor(service) {
    this.service = service;
    this.dialog = document.getElementById("history");
    Object.assign(this, elements({ list: "history-list", keep: "keep-history", clear: "clear-history" }));
    document.getElementById("open-history").addEventListener("click", () => { this.paint(); this.dialog.showModal(); });
    document.getElementById("close-history").addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("click", event => { if (event.target === this.dialog) this.dialog.close(); });
    this.clear.addEventListener("click", () => this.forget());
    this.keep.addEventListener("change", () => {
      lasting.write("keep-history", this.keep.checked);
      if (this.keep.checked) this.paint(); else this.forget();
    });
  }
  get entries() { return lasting.read("history", []).filter(entry => typeof entry?.text === "string" && typeof entry.translation === "string"); }
  get isKept() { return lasting.read("keep-history", true); }
  /** Adds a translation when its text has not changed for a moment. A text that grew replaces its beginning, and a beginning replaces nothing. */
  add(entry) {
    clearTimeout(this.timer);
    if (!entry || !this.isKept) return;
    this.timer = setTimeout(() => {
      const { entries } = this, [last] = entries, same = last && last.from === entry.from && last.to === entry.to;
      if (same && last.text !== entry.text && last.text.startsWith(entry.text)) return;
      const rest = same && entry.text.startsWith(last.text) ? entries.slice(1) : entries;
      lasting.write("history", [entry, ...rest].slice(0, MOST_KEPT));
    }, SETTLED);
  }
  /** Deletes all entries, and the one that waits to be added. */
  forget() {
    clearTimeout(this.timer);
    lasting.remove("history");
    this.paint();
  }
  paint() {
    const { entries } = this;
    this.keep.checked = this.isKept;
    this.clear.disabled = !entries.length;
    const empty = element("li", { className: "note", textContent: say(this.isKept ? "historyEmpty" : "historyOff") });
    this.list.replaceChildren(...entries.length && this.isKept ? entries.map((entry, index) => this.item(entry, index)) : [empty]);
  }
  item(entry, index) {
    const open = element("button", { type: "button", className: "entry" },
      element("small", { textContent: `${languageName(entry.from)} \u2192 ${languageName(entry.to)}` }),
      element("span", { textContent: shorten(entry.text, 200), dir: "auto" }),
      element("span", { className: "soft", textContent: shorten(entry.translation, 200), dir: "auto" }));
    open.addEventListener("click", () => { this.dialog.close(); this.service.restore(entry); });
    const cross = element("span", { textContent: "\u2715", ariaHidden: "true" });
    const remove = element("button", { type: "button", className: "plain icon", title: say("remove") }, cross);
    remove.setAttribute("aria-label", say("removeEntry", { text: shorten(entry.text, 40) }));
    remove.addEventListener("click", () => {
      lasting.write("history", this.entries.toSpliced(index, 1));
      this.paint();
      (this.list.querySelectorAll(".entry")[Math.min(index, this.entries.length - 1)] ?? this.keep).focus();
    });
    return element("li", {}, open, remove);
  }
}
