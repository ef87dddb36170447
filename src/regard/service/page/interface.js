// The language of the interface: the chosen one, or the first of the browser's that the page has.
const chosenInterface = () => [lasting.read("interface", ""), ...navigator.languages]
  .map(code => code.split("-")[0]).find(code => Object.hasOwn(STRINGS, code)) ?? "en";

function setInterface(code) {
  Object.assign(TEXTS, STRINGS[code]);
  document.documentElement.lang = code;
  document.title = say("pageTitle");
  localize(document);
  localize(document.getElementById("panel").content);
}
/** Fills in the texts and labels that elements ask for by key. */
function localize(root) {
  const set = (name, act) => { for (const node of root.querySelectorAll(`[data-${name}]`)) act(node, say(node.dataset[name])); };
  set("text", (node, text) => { node.textContent = text; });
  set("label", (node, text) => node.setAttribute("aria-label", text));
  set("title", (node, text) => { node.title = text; });
  set("hint", (node, text) => { node.placeholder = text; });
  set("role", (node, text) => node.setAttribute("aria-roledescription", text));
}
/** Elements by id, under the given names. */
const elements = ids => Object.fromEntries(Object.entries(ids).map(([name, id]) => [name, document.getElementById(id)]));
/** The name of a language in the language of the interface. */
function languageName(code, fallback = code) {
  try { return capitalized(new Intl.DisplayNames(document.documentElement.lang, { type: "language", fallback: "none" }).of(code) ?? fallback); }
  catch { return fallback; }
}
const formatNumber = (value, digits = 0) =>
  new Intl.NumberFormat(document.documentElement.lang, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value).replace("-", "\u2212");
