// What the page shows: the last answer, the list of scans, the variants, the state of the line.

import { tr } from "./texts.js";

const MINUS = "\u2212";
export const element = (id) => document.getElementById(id);
export const number = (value) => value.toLocaleString(document.documentElement.dataset.locale || "en").replace("-", MINUS);
export const signed = (units) => (units > 0 ? `+${number(units)}` : number(units));
const SHOWN = 8; // the variants below must stay within reach of a thumb
const MODES = {
  look: tr("Look up"), adjust: tr("Adjust"), receive: tr("Receive"), count: tr("Count"), undo: tr("Undo"),
};

// An element with text or children; nothing of a code or name is ever read as HTML.
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "class") made.className = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

export const called = (it) => [it.product, it.size, it.color].filter(Boolean).join(" \u00b7 ");

// The sentence of an answer: what it was, and from which level to which.
export function outcome({ mode, answer }) {
  if (answer.state === "refused") return answer.sentence;
  if (answer.counted !== undefined && answer.counted !== null) return tr("{units} counted", { units: number(answer.counted) });
  if (answer.received !== undefined && answer.received !== null) {
    const units = number(answer.received);
    return answer.expected ? tr("{units} of {expected} expected", { units, expected: number(answer.expected) })
      : tr("{units} arrived, not expected", { units });
  }
  if (mode === "look") {
    const held = answer.reserved ? tr(", {units} held", { units: number(answer.reserved) }) : "";
    return tr("{units} on hand", { units: number(answer.level_after) }) + held;
  }
  return `${number(answer.level_before)} \u2192 ${number(answer.level_after)}`;
}

function levels(entry) {
  const { answer, mode } = entry;
  const change = make("p", { class: "change" }, outcome(entry));
  if (mode !== "look" && answer.units) change.append(" ", make("span", { class: "by" }, `(${signed(answer.units)})`));
  return change;
}

const STATES = { done: tr("done"), refused: tr("refused"), waiting: tr("waiting") };
const SIGNS = { done: "\u2713", refused: "\u2715", waiting: "\u2026" };

export function showAnswer(entry) {
  const box = element("answer");
  const { answer } = entry;
  const name = answer ? answer.state : "waiting";
  box.className = `answer ${name} ${entry.mode}`;
  const sign = make("p", { class: "sign", "aria-hidden": "true" }, SIGNS[name]);
  const body = make("div");
  if (!answer) {
    body.append(make("p", { class: "headline" }, entry.label));
    body.append(make("p", { class: "detail" }, tr("Kept on this device. It is posted when the server answers.")));
  } else if (answer.state === "refused") {
    body.append(make("p", { class: "headline" }, entry.label), make("p", { class: "detail" }, answer.sentence));
  } else {
    body.append(make("p", { class: "headline" }, answer.product));
    const facts = [answer.size && tr("Size {size}", { size: answer.size }), answer.color, answer.sku].filter(Boolean).join(" \u00b7 ");
    body.append(make("p", { class: "detail" }, facts), levels(entry));
    const notes = [];
    if (entry.mode === "undo") notes.push(tr("Undone."));
    if (entry.mode === "count" && answer.level_after !== null) notes.push(tr("{units} on hand.", { units: number(answer.level_after) }));
    if (answer.scanned > 1) notes.push(tr("This code is a carton of {units}.", { units: number(answer.scanned) }));
    if (!answer.is_active) notes.push(tr("This variant is inactive."));
    if (notes.length) body.append(make("p", { class: "detail" }, notes.join(" ")));
  }
  box.replaceChildren(sign, body);
}

export function showLog(entries, waiting) {
  element("log-empty").hidden = entries.length > 0;
  element("waiting").textContent = waiting ? tr("{count} waiting", { count: number(waiting) }) : "";
  element("log").replaceChildren(...entries.slice(0, SHOWN).map(logRow));
}

function logRow(entry) {
  const { answer } = entry;
  const name = answer ? answer.state : "waiting";
  const title = answer?.state === "done" ? `${answer.sku} \u00b7 ${called(answer)}` : entry.label;
  const units = answer?.state === "done" && answer.units ? ` (${signed(answer.units)})` : "";
  const said = answer ? outcome(entry) + units : STATES.waiting;
  return make("li", { class: name },
    make("span", { class: "sign", "aria-label": STATES[name] }, SIGNS[name]),
    make("span", { class: "what" }, title),
    make("span", { class: "said" }, `${MODES[entry.mode]}: ${said}`));
}

export function showRefused(scans, act) {
  element("refused-box").hidden = scans.length === 0;
  const units = (scan) => (scan.mode === "look" ? "" : ` ${signed(scan.units ?? 0)}`);
  element("refused").replaceChildren(...scans.map((scan) => make("li", { class: "refused" },
    make("span", { class: "sign", "aria-hidden": "true" }, SIGNS.refused),
    make("span", { class: "what" }, `${scan.label} \u00b7 ${MODES[scan.mode]}${units(scan)}`),
    make("span", { class: "said" }, scan.answer.sentence),
    make("span", { class: "row" }, ...act(scan)))));
}

export function showVariants(variants, { hasButtons, hasLevels, onTap, onUnits }) {
  element("recent").replaceChildren(...variants.map((variant) => {
    const level = hasLevels ? tr("{units} on hand", { units: number(variant.on_hand) }) : "";
    const text = make("button", { type: "button", class: "variant", onclick: () => onTap(variant) },
      make("span", { class: "what" }, called(variant)),
      make("span", { class: "said" }, variant.sku, level && ` \u00b7 ${level}`));
    if (!hasButtons) return make("li", {}, text);
    const name = `${variant.sku} ${variant.size ?? ""}`;
    return make("li", {}, text,
      make("button", { type: "button", class: "big", "aria-label": tr("Take away: {name}", { name }), onclick: () => onUnits(variant, -1) }, MINUS),
      make("button", { type: "button", class: "big", "aria-label": tr("Add: {name}", { name }), onclick: () => onUnits(variant, 1) }, "+"));
  }));
}

export function showLine(name, waiting, sentence) {
  const pill = element("line");
  const kept = waiting ? tr(", {count} kept", { count: number(waiting) }) : "";
  const words = {
    opening: tr("Connecting"), idle: tr("Connected"), sending: tr("Connected"), away: tr("Not connected") + kept,
    ended: tr("Signed out") + kept, other: tr("Paused") + kept,
  };
  pill.textContent = words[name];
  pill.className = `pill ${name}`;
  pill.title = sentence ?? "";
}

export function showNotice(...parts) {
  const box = element("notice");
  box.hidden = parts.length === 0;
  box.replaceChildren(...parts);
}
