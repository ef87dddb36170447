/** Translation of whole files, with their progress. */
const POLL = 700;  // milliseconds

class Files {
  constructor(service) {
    this.service = service;
    for (const [name, id] of Object.entries({ drop: "drop", input: "file", jobs: "jobs", formats: "formats" })) this[name] = document.getElementById(id);
    this.input.addEventListener("change", () => { this.start([...this.input.files]); this.input.value = ""; });
    const over = on => event => { event.preventDefault(); this.drop.classList.toggle("over", on); };
    this.drop.addEventListener("dragover", over(true));
    this.drop.addEventListener("dragleave", over(false));
    this.drop.addEventListener("drop", event => { over(false)(event); this.start([...event.dataTransfer.files]); });
    // A file that misses the field would otherwise replace the page.
    for (const kind of ["dragover", "drop"]) addEventListener(kind, event => { if (event.dataTransfer?.types.includes("Files")) event.preventDefault(); });
  }
  load({ filesTranslation = true, supportedFilesFormat: formats = [] }) {
    this.endings = filesTranslation ? formats.map(ending => ending.toLowerCase()) : [];
    this.input.disabled = !this.endings.length;
    this.input.accept = this.endings.join(",");
    this.relabel();
  }
  relabel() {
    if (!this.endings) return;
    this.formats.textContent = this.endings.length ? say("formats", { list: this.endings.join(" ") }) : say("noFiles");
    this.drop.classList.toggle("off", !this.endings.length);
    for (const job of this.running ?? []) job.paint();
  }
  start(files) { for (const file of files) if (this.endings?.length) this.add(file); }
  add(file) {
    const job = new FileJob(this, file);
    this.jobs.prepend(job.root);
    this.running = [job, ...this.running ?? []];
    const ends = this.endings.some(ending => file.name.toLowerCase().endsWith(ending));
    if (ends) job.upload(); else job.fail(() => say("formatRefused", { name: file.name, list: this.endings.join(" ") }));
  }
  remove(job) {
    this.running = this.running.filter(other => other !== job);
    job.root.remove();
    this.input.focus();
  }
}

class FileJob {
  constructor(files, file) {
    Object.assign(this, { files, file, api: files.service.api, status: { state: "uploading" }, stop: new AbortController() });
    this.bar = element("progress");
    this.bar.setAttribute("aria-label", say("progressOf", { name: file.name }));
    this.state = element("span", { className: "state number", role: "status" });
    this.actions = element("span", { className: "actions" });
    this.root = element("li", {}, element("span", { className: "name", textContent: file.name, dir: "auto" }), this.state, this.bar, this.actions);
    this.paint();
  }
  async upload() {
    const { pickers, terms } = this.files.service, form = new FormData();
    form.append("file", this.file);
    form.append("source", pickers.source);
    form.append("target", pickers.target);
    for (const [name, value] of Object.entries(terms.fields)) form.append(name, value);
    try {
      const { id } = await this.api.json("v1/files", { method: "POST", form, signal: this.stop.signal });
      this.address = `v1/files/${encodeURIComponent(id)}`;
      await this.follow();
    } catch (failure) {
      if (failure.name !== "AbortError") this.fail(() => this.files.service.notice.textOf(failure));
    }
  }
  async follow() {
    while (true) {
      try { this.status = await this.api.json(this.address, { signal: this.stop.signal }); }
      catch (failure) { if (!["offline", "busy"].includes(failure.kind)) throw failure; }
      if (this.status.state === "failed") { const { error } = this.status; return this.fail(() => error ?? ""); }
      this.paint();
      if (this.status.state === "done") return;
      await new Promise(resolve => setTimeout(resolve, POLL));
      this.stop.signal.throwIfAborted();
    }
  }
  fail(text) {
    this.status = { state: "failed", text };
    this.paint();
  }
  paint() {
    const { status, file, root, bar } = this, { state, done = 0, total = 0 } = status;
    const text = {
      uploading: () => say("uploading"), done: () => say("finished"), failed: () => `${say("failed")}. ${status.text()}`,
      running: () => say("running", { done: formatNumber(done), total: formatNumber(total) }),
    }[state]?.() ?? say("waiting");
    if (this.state.textContent !== text) this.state.textContent = text;
    root.dataset.state = state;
    bar.hidden = state === "failed" || state === "done";
    if (total && state === "running") Object.assign(bar, { max: total, value: done }); else bar.removeAttribute("value");
    if (this.painted === state + document.documentElement.lang) return;
    this.painted = state + document.documentElement.lang;
    const button = (className, text, label, act) => {
      const node = element("button", { type: "button", className, textContent: text });
      node.setAttribute("aria-label", label);
      node.addEventListener("click", act);
      return node;
    };
    const finished = state === "done" || state === "failed", name = file.name;
    this.actions.replaceChildren(...state === "done" ? [button("as-button", say("download"), say("downloadFile", { name }), () => this.download())] : [],
      button("plain", say(finished ? "remove" : "cancel"), say(finished ? "removeEntry" : "cancelFile", { name, text: name }), () => this.cancel()));
  }
  async download() {
    const { pathname, search } = new URL(this.status.download_url, document.baseURI);
    try {
      const response = await this.api.send(pathname + search);
      save(await response.blob(), this.status.name ?? this.file.name);
    } catch (failure) { this.fail(() => this.files.service.notice.textOf(failure)); }
  }
  async cancel() {
    this.stop.abort();
    this.files.remove(this);
    if (this.address) try { await this.api.send(this.address, { method: "DELETE" }); } catch { /* the server removes it in time */ }
  }
}
