// The texts of the station in the reader's language: the page brings them, by their English. dashboard/scan/phrases.py has them.

const TEXTS = JSON.parse(document.getElementById("texts")?.textContent || "{}");

// A text with values for the names in braces.
export function tr(text, values = {}) {
  return (TEXTS[text] || text).replace(/\{(\w+)\}/g, (hole, name) => values[name] ?? hole);
}
