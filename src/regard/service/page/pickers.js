/** The languages to translate between. Which targets are offered depends on the source language. */
class Pickers {
  constructor(changed) {
    for (const name of ["from", "to", "swap"]) this[name] = document.getElementById(name);
    Object.assign(this, { languages: [], detected: null, changed });
    this.from.addEventListener("change", () => { this.detected = null; this.fill(); this.save(); changed(); });
    this.to.addEventListener("change", () => { this.save(); changed(); });
  }
  get source() { return this.from.value || "auto"; }
  get target() { return this.to.value; }
  get knownSource() { return this.source === "auto" ? this.detected : this.source; }
  save() { lasting.write("languages", { from: this.source, to: this.target }); }
  /** Offers languages, and chooses those that were asked for, or else the last ones. */
  load(languages, askedSource, askedTarget) {
    this.languages = languages.filter(language => this.targetsOf(language).length || languages.some(other => this.targetsOf(other).includes(language.code)));
    const last = lasting.read("languages", {}), from = askedSource ?? last.from, to = askedTarget ?? last.to;
    const sources = this.languages.filter(language => this.targetsOf(language).length);
    this.fill(from ?? (sources.length === 1 ? sources[0].code : "auto"), to);
  }
  targetsOf(language) { return (language.targets ?? []).filter(code => code !== language.code); }
  reaches(from, to) { const language = this.languages.find(({ code }) => code === from); return !!language && this.targetsOf(language).includes(to); }
  fill(from = this.source, to = this.target) {
    const names = new Map(this.languages.map(({ code, name }) => [code, languageName(code, name)]));
    const option = ([code, name]) => element("option", { value: code, textContent: name });
    const sources = this.languages.filter(language => this.targetsOf(language).length).map(({ code }) => code);
    const known = this.detected && names.has(this.detected) ? say("detectedAs", { name: names.get(this.detected) }) : say("detect");
    this.from.replaceChildren(option(["auto", known]), ...sources.map(code => option([code, names.get(code)])));
    this.from.value = sources.includes(from) ? from : "auto";
    const source = this.languages.find(({ code }) => code === this.knownSource);
    const targets = source && sources.includes(source.code) ? this.targetsOf(source) : [...new Set(this.languages.flatMap(language => this.targetsOf(language)))];
    this.to.replaceChildren(...targets.map(code => option([code, names.get(code) ?? languageName(code)])), ...targets.length ? [] : [option(["", "\u2013"])]);
    this.to.value = targets.includes(to) ? to : targets[0] ?? "";
    this.from.disabled = this.to.disabled = !sources.length;
    this.swap.disabled = !this.knownSource || !this.reaches(this.target, this.knownSource);
  }
  /** Shows which language was detected. */
  detect(code) {
    if (this.detected === code) return;
    this.detected = code;
    this.fill();
  }
  /** Exchanges both languages; a detected one becomes the target. */
  exchange() {
    const [from, to] = [this.target, this.knownSource];
    this.detected = null;
    this.fill(from, to);
    this.save();
  }
}
