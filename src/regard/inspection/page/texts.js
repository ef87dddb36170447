// The texts that scripts show, in English. The page of the service replaces them by those of another language.
const TEXTS = {
  attention: "attention", layer: "layer {number}", meanOfAll: "mean of all layers and heads",
  meanOfHeads: "{layer}, mean of {heads} heads", oneHead: "{layer}, head {head}", meanColumn: "mean", allRow: "all",
  attendedTo: "What this word attended to", attendedBy: "Which words attended to this word",
  highest: "Highest weights", lowest: "Lowest weights", restOnEnd: "{weight} on {end}, the end of the sentence.",
  endOfSentence: "End of the sentence, including weight on no word", pictureAxes: "rows: translation, columns: source",
};
/** The text of a key; `{name}` in it stands for the value of that name. */
const say = (key, values = {}) => TEXTS[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
/** The name of a layer, translated if it is one of those that models have. */
function layerName(name) {
  const number = /^layer (\d+)$/.exec(name)?.[1];
  return number ? say("layer", { number }) : name === "attention" ? say("attention") : name;
}
const capitalized = text => text && text[0].toUpperCase() + text.slice(1);
/** Removes case and accents. */
const plain = text => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
