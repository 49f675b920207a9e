// The scanner and the keyboard. A scanner is a keyboard that types a code in a few milliseconds a character.

const QUICK = 60; // milliseconds between two characters of a scanner; hands are slower
const MOST = 0.7; // how many of the characters must be that quick
const PAUSE = 300; // a longer pause begins another code,
const HICCUP = 2000; // unless a code that has begun has no Enter yet: the device was busy
const SHORTEST = 3;
const TYPES = new Set(["text", "search", "number", "tel", "email", "password", ""]);

function takesText(element) {
  return element instanceof HTMLSelectElement || element instanceof HTMLTextAreaElement
    || (element instanceof HTMLInputElement && TYPES.has(element.type));
}

export function listen({ field, onScan }) {
  let burst = "";
  let quick = 0; // characters that followed the one before quickly
  let last = -Infinity;
  let before = null;

  const isQuick = () => burst.length >= SHORTEST && quick / (burst.length - 1) >= MOST;

  function begin() {
    const element = takesText(document.activeElement) ? document.activeElement : field;
    if (element !== document.activeElement && !document.querySelector("dialog[open]")) field.focus({ preventScroll: true });
    burst = "";
    quick = 0;
    before = { element, value: element.value };
  }

  document.addEventListener("keydown", (event) => {
    const isSeparator = event.ctrlKey && event.key === "]"; // how scanners type the separator of a GS1 code
    if (event.isComposing || event.metaKey || event.altKey || (event.ctrlKey && !isSeparator)) return;
    if (event.key === "Enter" || event.key === "Tab") {
      if (isQuick() && event.timeStamp - last < HICCUP) {
        event.preventDefault();
        event.stopImmediatePropagation();
        if (before.element.value !== before.value) {
          before.element.value = before.value;
          before.element.dispatchEvent(new Event("change")); // a list takes the letters of a code for a choice
        }
        onScan(burst);
      }
      burst = "";
      last = -Infinity;
      return;
    }
    if (event.key.length !== 1) return;
    if (event.key === " " && !burst && document.activeElement instanceof HTMLButtonElement) return;
    const gap = event.timeStamp - last;
    if (!burst || gap > (isQuick() ? HICCUP : PAUSE)) begin();
    else if (gap <= QUICK) quick += 1;
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
