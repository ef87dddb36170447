/** What keeps the page from translating: no connection, too many requests, a key, training, an error. */
class Notice {
  constructor(service) {
    this.service = service;
    this.root = document.getElementById("notice");
    this.alerted = document.getElementById("alerted");
  }
  textOf({ kind, message, seconds }) {
    if (kind === "busy") return say("busy", { seconds: formatNumber(Math.ceil(seconds ?? 0)) });
    if (kind === "key") return say(this.service.api.key ? "keyWrong" : "keyNeeded");
    const keys = { offline: "offline", long: "refusedLong", large: "refusedLarge" };
    return kind in keys ? say(keys[kind]) : say("serverError", { message });
  }
  show(kind, text, ...children) {
    clearTimeout(this.timer);
    const same = this.kind === kind && !this.root.hidden;
    this.kind = kind;
    this.root.hidden = false;
    this.root.dataset.kind = kind;
    this.root.replaceChildren(element("p", { textContent: text }), ...children);
    if (!same) this.alerted.textContent = text;  // once, not with every second that passes
  }
  clear() {
    clearTimeout(this.timer);
    this.kind = null;
    this.root.hidden = true;
    this.root.replaceChildren();
    this.alerted.textContent = "";
  }
  button(text, act) {
    const button = element("button", { type: "button", className: "as-button", textContent: text });
    button.addEventListener("click", act);
    return button;
  }
  /** Shows a failure; `again` is called after a while, or when the user asks for it. */
  fail(failure, again) {
    const { kind } = failure;
    if (kind === "key") return this.askForKey(failure, again);
    if (kind === "offline" || kind === "busy") this.attempt = this.kind === kind ? this.attempt + 1 : 0;
    if (kind === "busy") return this.countDown(Math.max(1, Math.ceil(failure.seconds ?? 2 ** Math.min(this.attempt, 5))), again);
    this.show(kind, this.textOf(failure), ...kind === "long" ? [] : [this.button(say("again"), again)]);
    if (kind === "offline") this.timer = setTimeout(again, 1000 * 2 ** Math.min(this.attempt + 1, 5));
  }
  countDown(seconds, again) {
    if (seconds <= 0) return again();
    this.show("busy", say("busy", { seconds: formatNumber(seconds) }));
    this.timer = setTimeout(() => this.countDown(seconds - 1, again), 1000);
  }
  askForKey(failure, again) {
    const label = element("label", { textContent: say("key"), htmlFor: "key" });
    const field = element("input", { type: "password", id: "key", autocomplete: "off", spellcheck: false, required: true });
    const form = element("form", { className: "key-form" }, label, field,
      element("button", { className: "as-button", textContent: say("useKey") }), element("small", { textContent: say("keyKept") }));
    form.addEventListener("submit", event => { event.preventDefault(); this.service.api.key = field.value.trim(); this.clear(); again(); });
    if (this.kind === "key" && !this.root.hidden && this.root.querySelector("#key")) return;  // someone may be typing it
    this.show("key", this.textOf(failure), form);
  }
  training({ step, steps, seconds_left: left }) {
    const bar = steps ? element("progress", { max: steps, value: step }) : element("progress");  // not known at first
    bar.setAttribute("aria-label", say("training"));
    const rest = left === null || left === undefined ? [] : [left < 60 ? say("secondsLeft") : say("minutesLeft", { minutes: formatNumber(Math.round(left / 60)) })];
    const done = steps ? [say("trainingStep", { step: formatNumber(step), steps: formatNumber(steps) })] : [];
    const facts = element("p", { className: "number", textContent: [...done, ...rest].join(" \u00b7 ") });
    this.show("training", say("training"), bar, ...facts.textContent ? [facts] : [], element("small", { textContent: say("trainingHint") }));
  }
}
