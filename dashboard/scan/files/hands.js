// The scanner and the keyboard. A scanner is a keyboard that types a code in a few milliseconds a character.

const QUICK = 35; // milliseconds between two characters of a scanner, on average
const PAUSE = 100; // a longer pause begins another code
const SHORTEST = 3;
const TYPES = new Set(["text", "search", "number", "tel", "email", "password", ""]);

function takesText(element) {
  return element instanceof HTMLSelectElement || element instanceof HTMLTextAreaElement
    || (element instanceof HTMLInputElement && TYPES.has(element.type));
}

export function listen({ field, onScan }) {
  let burst = "";
  let began = 0;
  let last = -Infinity;
  let before = null;

  function begin(event) {
    const element = takesText(document.activeElement) ? document.activeElement : field;
    if (element !== document.activeElement && !document.querySelector("dialog[open]")) field.focus({ preventScroll: true });
    burst = "";
    began = event.timeStamp;
    before = { element, value: element.value };
  }

  document.addEventListener("keydown", (event) => {
    const isSeparator = event.ctrlKey && event.key === "]"; // how scanners type the separator of a GS1 code
    if (event.isComposing || event.metaKey || event.altKey || (event.ctrlKey && !isSeparator)) return;
    if (event.key === "Enter" || event.key === "Tab") {
      const isScan = burst.length >= SHORTEST && event.timeStamp - last < PAUSE
        && (last - began) / (burst.length - 1) <= QUICK;
      if (isScan) {
        event.preventDefault();
        event.stopImmediatePropagation();
        if (before.element.value !== before.value) before.element.value = before.value;
        onScan(burst);
      }
      burst = "";
      last = -Infinity;
      return;
    }
    if (event.key.length !== 1) return;
    if (event.key === " " && !burst && document.activeElement instanceof HTMLButtonElement) return;
    if (event.timeStamp - last > PAUSE || !burst) begin(event);
    burst += isSeparator ? "\x1d" : event.key;
    last = event.timeStamp;
    if (isSeparator) event.preventDefault();
  }, true);

  // After a finger or a mouse the field has the focus again, unless they chose another field.
  document.addEventListener("click", (event) => {
    if (!event.detail || takesText(event.target) || event.target.closest("label, dialog, a")) return;
    field.focus({ preventScroll: true });
  });
  // A command that was typed is no beginning of a code.
  const forget = () => { burst = ""; };
  addEventListener("focus", () => takesText(document.activeElement) || field.focus({ preventScroll: true }));
  return { forget };
}
