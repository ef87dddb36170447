// The page of the service: translates while someone types, and displays the attention of the translation.
const TYPING = 160, LONGEST_TYPING = 1200, POLL_TRAINING = 1000, POLL_MODELS = 3000;  // milliseconds
const LARGEST_WITH_ATTENTION = 800;  // characters; a longer text is shown while it is translated, and attention is asked for by sentence
const STREAM_PAINT = 250;  // milliseconds between two displays of a text that is being translated

class Service {
  constructor() {
    for (const name of ["source", "clear", "copy", "count", "detected", "result", "placeholder", "spoken", "examples"])
      this[name] = document.getElementById(name);
    Object.assign(this, { api: new Api(), sentences: [], text: "", answer: null, latest: 0, limit: -1, isReady: false });
    this.notice = new Notice(this);
    this.output = new Output(this);
    this.alternatives = new Alternatives(this);
    this.attention = new Attention(this);
    this.own = new OwnTranslation(this);
    this.history = new PastTranslations(this);
    this.files = new Files(this);
    this.terms = new Terms(() => this.translate());
    this.pickers = new Pickers(() => { this.showExamples(); this.translate(); });
    this.pickers.fill();
    this.listen();
  }
  get isPivoted() { return (this.answer?.path?.length ?? 0) > 2; }

  /** Asks the server for its languages and limits, and waits until it has a model. */
  async connect() {
    let languages, settings;
    try { [languages, settings] = await Promise.all([this.api.json("languages"), this.api.json("frontend/settings")]); }
    catch (failure) { return this.notice.fail(failure, () => this.connect()); }
    this.limit = settings.charLimit ?? -1;
    this.files.load(settings);
    this.countCharacters();
    if (!languages.some(language => language.targets?.some(code => code !== language.code))) return this.waitForModel();
    this.isReady = true;
    this.notice.clear();
    const asked = new URLSearchParams(location.search);
    this.pickers.load(languages, asked.get("source"), asked.get("target"));
    await this.loadGlossaries();
    this.showExamples();
    if (settings.keyRequired && !this.api.key) this.notice.fail(new Failure("key"), () => this.translate());
    else this.translate();
  }
  async loadGlossaries() {
    try { this.terms.load((await this.api.json("v1/models")).glossaries ?? []); }
    catch { this.terms.load([]); }
  }
  async waitForModel() {
    let demo;
    try { demo = await this.api.json("v1/demo"); }
    catch (failure) { return this.notice.fail(failure, () => this.connect()); }
    const isOff = demo.state === "off";
    if (demo.state === "training") this.notice.training(demo);
    else if (demo.state === "failed") return this.notice.show("error", say("trainingFailed", { message: demo.message ?? "" }));
    else if (isOff) this.notice.show("empty", say("noModel"), element("small", { textContent: say("noModelHint") }));
    this.notice.timer = setTimeout(() => demo.state === "training" ? this.waitForModel() : this.connect(), isOff ? POLL_MODELS : POLL_TRAINING);
  }

  countCharacters() {
    const count = [...this.source.value].length, { limit } = this, numbers = { count: formatNumber(count), limit: formatNumber(limit) };
    this.count.textContent = limit > 0 ? say("countedOf", numbers) : count ? say("counted", numbers) : "";
    this.count.classList.toggle("over", limit > 0 && count > limit);
    this.clear.hidden = !count;
    return count;
  }
  typed() {
    const count = this.countCharacters(), pause = Math.min(TYPING + count / 10, LONGEST_TYPING);  // a long text costs the server more
    this.showExamples();
    this.own.leave();
    this.alternatives.close();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.translate(), this.source.value.trim() ? pause : 0);
  }
  /** Translates the text. A request in flight is canceled, and an answer that a newer request has overtaken is dropped. */
  async translate() {
    clearTimeout(this.timer);
    this.request?.abort();
    const number = ++this.latest, text = this.source.value, count = this.countCharacters();
    if (!this.isReady) return;
    if (!text.trim()) { this.settle(); return this.accept(null); }
    if (this.limit > 0 && count > this.limit) {
      this.settle();
      return this.notice.show("long", say("tooLong", { count: formatNumber(count), limit: formatNumber(this.limit) }));
    }
    const request = this.request = new AbortController();
    this.result.classList.add("working");
    try {
      const answer = await (count <= LARGEST_WITH_ATTENTION ? this.translateWhole(text, request) : this.translateLong(text, request));
      if (number !== this.latest) return;
      this.settle();
      this.accept(answer);
    } catch (failure) {
      if (number !== this.latest || failure.name === "AbortError") return;
      this.result.classList.remove("working");
      this.result.classList.add("stale");
      this.notice.fail(failure, () => this.translate());
    }
  }
  translateWhole(text, { signal }) {
    const { source, target } = this.pickers;
    return this.api.post("v1/translate", { text, source, target, attention: true, alignment: true, ...this.terms.fields }, signal);
  }
  /** Translates a long text, and shows its first sentences while the others are translated. */
  async translateLong(text, { signal }) {
    const { source, target } = this.pickers, sentences = [];
    let answer = null, whole = "", painted = 0;
    await this.api.stream("v1/stream", { text, source, target, alignment: true, ...this.terms.fields }, signal, (kind, content) => {
      if (kind === "start") answer = content;
      else if (kind === "done") whole = content.text;
      else sentences.push(content);
      if (kind !== "sentence" || signal.aborted || performance.now() < painted + STREAM_PAINT) return;
      this.showPart(sentences, content.of);
      painted = performance.now();
    });
    return { ...answer, translations: [{ text: whole, sentences }] };
  }
  showPart(sentences, total) {
    this.notice.clear();
    this.placeholder.hidden = true;
    this.output.show(sentences.map(({ text }) => text).join(" "), sentences);
    this.detected.textContent = say("translatedSoFar", { count: formatNumber(sentences.length), total: formatNumber(total) });
  }
  settle() {
    this.notice.clear();
    this.result.classList.remove("working", "stale");
  }
  accept(answer) {
    const [translation] = answer?.translations ?? [], caret = this.sentenceAtCaret(translation?.sentences ?? []);
    Object.assign(this, { answer, text: translation?.text ?? "", sentences: translation?.sentences ?? [] });
    this.own.leave();
    this.showTranslation(caret ?? 0);
    this.showDetection(answer?.detected?.[0]);
    this.spoken.textContent = this.text;
    this.history.add(answer && { text: this.source.value, translation: this.text, from: answer.source, to: answer.target });
  }
  showTranslation(number) {
    this.output.show(this.text, this.sentences);
    this.terms.show(this.sentences, this.output);
    this.placeholder.hidden = !!this.text;
    this.copy.disabled = this.own.mode.disabled = !this.text;
    this.attention.load(this.sentences, number);
  }
  showDetection(detection) {
    const automatic = this.pickers.source === "auto";
    const { target } = this.pickers;
    this.pickers.detect(automatic ? detection?.language ?? null : null);
    // A text that is in the target language already is translated into another one.
    if (automatic && detection && target !== this.pickers.target && this.pickers.reaches(detection.language, this.pickers.target)) this.translate();
    // Confidence comes as a percentage, as in LibreTranslate.
    const share = (detection?.confidence ?? 100) / 100;
    const isUnsure = automatic && detection && share < 0.8;
    this.detected.textContent = isUnsure ? say("unsureDetection", { name: languageName(detection.language), share: percent(share) }) : "";
  }
  /** The sentence in which the cursor is. */
  sentenceAtCaret(sentences) {
    const spans = locate(this.source.value, sentences.map(({ source }) => ({ text: source }))), at = this.source.selectionStart;
    const index = spans.findLastIndex(span => span && span.start <= at);
    return index < 0 ? null : index;
  }
  selectSentence(number) {
    if (this.own.active) this.own.leave();
    this.attention.select(number);
  }
  pointAt(place) {
    if (place && !this.attention.has(place.sentence, place.index)) return;
    this.attention.hover(this.attention.panel, place && { side: "tgt", index: place.index });
  }
  async pinWord({ sentence, index }) {
    if (sentence !== this.attention.sentence) await this.attention.select(sentence);
    if (this.attention.has(sentence, index)) this.attention.pin(this.attention.panel, { side: "tgt", index });
  }
  /** A translation of a sentence, scored by the model; undefined if that failed or was canceled. */
  async score(number, translation, signal) {
    try {
      const { source, target } = this.answer;
      const { translations } = await this.api.post("v1/score", { text: this.sentences[number].source, translation, source, target, attention: true }, signal);
      return translations[0].sentences[0];
    } catch (failure) {
      if (failure.name !== "AbortError") this.notice.show(failure.kind, this.notice.textOf(failure));
    }
  }
  /** Replaces the translation of a sentence. */
  async replaceSentence(number, translation, index) {
    const { answer } = this, scored = await this.score(number, translation), span = locate(this.text, this.sentences)[number];
    if (!scored || !span || answer !== this.answer) return;
    this.text = this.text.slice(0, span.start) + scored.text + this.text.slice(span.end);
    this.sentences = this.sentences.with(number, scored);
    this.showTranslation(number);
    this.output.word(number, Math.min(index, scored.words.length - 1))?.focus();
    this.spoken.textContent = say("chosen", { text: scored.text });
  }
  setText(text) {
    this.source.value = text;
    this.source.setSelectionRange(0, 0);
    this.typed();
    this.translate();
  }
  restore({ text, from, to }) {
    this.pickers.fill(from, to);
    this.pickers.save();
    this.chooseKind("text");
    this.setText(text);
    this.source.focus();
  }
  exchange() {
    const { text } = this;
    this.pickers.exchange();
    this.showExamples();
    if (text) this.setText(text); else this.translate();
  }
  showExamples() {
    const { knownSource, languages } = this.pickers, codes = knownSource ? [knownSource] : languages.map(({ code }) => code);
    const examplesOf = code => (EXAMPLES[code] ?? []).slice(0, codes.length > 1 ? 2 : 3).map(text => ({ code, text }));
    const items = codes.flatMap(examplesOf).slice(0, 4).map(({ code, text }) => {
      const button = element("button", { type: "button", textContent: text, lang: code });
      button.addEventListener("click", () => { this.setText(text); this.source.focus({ preventScroll: true }); });
      return element("li", {}, button);
    });
    this.examples.querySelector("ul").replaceChildren(...items);
    this.examples.hidden = !items.length || !!this.source.value.trim();
  }
  async copyText() {
    const text = this.own.active ? this.own.field.value : this.text;
    try { await navigator.clipboard.writeText(text); }
    catch {  // only pages from this machine or over HTTPS may write to the clipboard
      getSelection().selectAllChildren(this.output.root);
      document.execCommand("copy");
    }
    this.copy.textContent = this.spoken.textContent = say("copied");
    clearTimeout(this.copying);
    this.copying = setTimeout(() => { this.copy.textContent = say("copy"); }, 1500);
  }
  chooseKind(kind) {
    document.querySelector(`#kind [value=${kind}]`).checked = true;
    document.getElementById("text-panes").hidden = kind !== "text";
    document.getElementById("file-pane").hidden = kind !== "file";
    if (kind === "text") { this.showExamples(); return this.showTranslation(this.attention.sentence); }
    this.examples.hidden = this.attention.section.hidden = true;
  }
  relabel() {
    this.pickers.fill();
    this.countCharacters();
    this.files.relabel();
    this.terms.relabel();
    this.own.relabel();
    if (this.answer) this.showDetection(this.answer.detected?.[0]);
    this.output.show(this.text, this.sentences);
    this.terms.show(this.sentences, this.output);
    this.attention.relabel();
    if (!this.notice.root.hidden) { this.notice.clear(); this.isReady ? this.translate() : this.connect(); }
  }
  listen() {
    const on = (node, kind, act) => node.addEventListener(kind, act);
    on(this.source, "input", () => this.typed());
    on(this.source, "click", () => this.followCaret());
    on(this.source, "keyup", event => { if (event.key.startsWith("Arrow")) this.followCaret(); });
    on(this.clear, "click", () => { this.setText(""); this.source.focus(); });
    on(this.copy, "click", () => this.copyText());
    on(this.pickers.swap, "click", () => this.exchange());
    on(document.getElementById("kind"), "change", event => this.chooseKind(event.target.value));
    on(document.getElementById("interface"), "change", event => {
      lasting.write("interface", event.target.value);
      setInterface(event.target.value);
      this.relabel();
    });
    this.attention.listenForTheme(document.getElementById("theme"), theme => lasting.write("theme", theme));
    addEventListener("online", () => { if (this.notice.kind === "offline") this.isReady ? this.translate() : this.connect(); });
  }
  followCaret() {
    const isCaret = this.source.selectionStart === this.source.selectionEnd && this.sentences.length > 1 && !this.own.active;
    const number = isCaret ? this.sentenceAtCaret(this.sentences) : null;
    if (number !== null && number !== this.attention.sentence) this.attention.select(number);
  }
}

const theme = lasting.read("theme", "");
if (theme) document.documentElement.dataset.theme = theme;
document.getElementById("interface").value = chosenInterface();
setInterface(chosenInterface());
document.body.classList.add("localized");
const service = new Service();
const asked = new URLSearchParams(location.search).get("q");
if (asked) service.source.value = asked;
service.connect();
