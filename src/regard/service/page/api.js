/** Why a request failed: `kind` is offline, busy, key, long, large or error; `seconds` when to try again, where known. */
class Failure extends Error {
  constructor(kind, message = "", seconds = null) { super(message); Object.assign(this, { kind, seconds }); }
}
const KINDS = { 401: "key", 403: "key", 413: "long", 429: "busy", 503: "busy" };
const KINDS_BY_CODE = { missing_key: "key", invalid_key: "key", text_too_long: "long", file_too_large: "large", deadline_exceeded: "error", disabled: "error" };
/** Seconds until the time of a Retry-After header, which holds seconds or a date. */
function retryAfter(header) {
  if (!header) return null;
  const seconds = Number(header), until = (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : Number.isFinite(until) ? Math.max(0, until) : null;
}

/** Requests to the server. Addresses are relative, so that the page also works below a path of a reverse proxy. */
class Api {
  get key() { return session.read("key", ""); }
  set key(key) { session.write("key", key); }
  async send(path, { method = "GET", json, form, signal } = {}) {
    const headers = {};
    if (this.key) headers.Authorization = `Bearer ${this.key}`;
    if (json) headers["Content-Type"] = "application/json";
    let response;
    try { response = await fetch(path, { method, headers, signal, body: json ? JSON.stringify(json) : form, cache: "no-store" }); }
    catch (error) { throw error.name === "AbortError" ? error : new Failure("offline"); }
    if (!response.ok) throw await this.failure(response);
    return response;
  }
  async failure(response) {
    let body = {};
    try { body = await response.json(); } catch { /* a proxy's page */ }
    const kind = KINDS_BY_CODE[body?.code] ?? KINDS[response.status] ?? "error";
    return Object.assign(new Failure(kind, String(body?.error ?? response.status), retryAfter(response.headers.get("Retry-After"))), { status: response.status });
  }
  async json(path, options) {
    const response = await this.send(path, options);
    try { return await response.json(); }
    catch (error) { throw error.name === "AbortError" ? error : new Failure("offline"); }
  }
  post(path, json, signal) { return this.json(path, { method: "POST", json, signal }); }
  /** Sends a request that is answered by server-sent events, and calls `receive` with the kind and data of each. */
  async stream(path, json, signal, receive) {
    const response = await this.send(path, { method: "POST", json, signal });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "", kind = "";
    try {
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        const events = (rest + part.value).split("\n\n");
        rest = events.pop();
        for (const event of events) {
          const [, name, data] = event.match(/^event: (\w+)\ndata: (.*)$/s), content = JSON.parse(data);
          kind = name;
          if (kind === "error") throw new Failure(KINDS_BY_CODE[content.code] ?? "error", content.error);
          receive(kind, content);
        }
      }
    } catch (error) { throw error.name === "AbortError" || error instanceof Failure ? error : new Failure("offline"); }
    if (kind !== "done") throw new Failure("offline");  // the connection was lost
  }
}
