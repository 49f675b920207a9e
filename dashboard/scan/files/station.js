// The scan station: modes and choices, scans into the store, answers onto the screen.

import { Attaching } from "./attaching.js";
import { Camera, isPossible, readPhoto } from "./camera.js";
import { listen } from "./hands.js";
import { Memory, newId, recall, remember, Store } from "./keep.js";
import { Options } from "./options.js";
import { LINE, Sender } from "./sender.js";
import { isOn, play, setOn } from "./sound.js";
import { tr } from "./texts.js";
import { called, element, make, showAnswer, showLine, showLog, showNotice, showRefused, showVariants } from "./view.js";

const LONGEST = 400; // characters of a code, as the server takes them
const version = document.querySelector("meta[name=scan-version]").content;
const field = element("code");

// A scan in the first moment, before the store is open, waits for it.
const early = [];
let onText = (text) => early.push(text);
const hands = listen({ field, onScan: (text) => onText(text) });
element("entry").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = field.value.trim();
  field.value = "";
  if (text) onText(text);
  field.focus();
});

const store = await Store.open().catch(() => new Memory());
const options = new Options(() => showList());
const log = []; // what this page has scanned, newest first
let person = recall("person", null);
let line = LINE.opening;
let recent = recall("recent", []);
let found = null; // variants of a search, instead of the recent ones
let undoable = [];
let hasMet = false; // since it was opened, this page has asked who is signed in
let hasKept = false; // since it was opened, this page has kept a scan
let isPaused = false; // another person signed in: nothing is taken until somebody says so

// ---------------------------------------------------------------- scans

const sender = new Sender({ store, owner: () => (isPaused ? null : person?.owner), onAnswers: settled, onLine: showState });

// Keep a scan, then show it, then send it. `what` is a text or a variant from a list.
async function take(what, units = options.units) {
  if (!person || isPaused) {
    say(person ? tr("Another person is signed in now, so this scan was not kept. Continue, then scan again.")
      : tr("The server has not said yet who is signed in, so this scan was not kept. Scan again when connected."), what.text ?? what.sku);
    return;
  }
  if (what.text?.length > LONGEST) {
    say(tr("This code has more than {most} characters, so it is no code of a variant. It was not kept.", { most: LONGEST }), `${what.text.slice(0, 40)}\u2026`);
    return;
  }
  const problem = options.problem();
  if (problem) {
    say(problem, what.text ?? what.sku);
    return;
  }
  const label = what.text ?? `${what.sku} \u00b7 ${called(what)}`;
  const chosen = what.text ? { text: what.text } : { variant: what.variant_id };
  await keep({ mode: options.mode, label, ...chosen, ...options.values(units) });
}

async function keep(facts) {
  hasKept = true;
  const scan = { id: newId(), owner: person.owner, name: person.name, at: Date.now(), ...facts };
  try {
    await store.add(scan);
  } catch {
    say(tr("This device could not keep the scan, so it was not posted. Reload the page, then scan again."), scan.label);
    return;
  }
  const entry = { ...scan, answer: null };
  log.unshift(entry);
  log.length = Math.min(log.length, 200);
  mark(entry);
  if (log.filter((each) => !each.answer).length === 1 && line !== LINE.away) {
    setTimeout(() => entry.answer || entry !== log[0] || showAnswer(entry), 250);
  } else {
    showAnswer(entry);
    play("kept");
  }
  await draw();
  sender.kick();
}

// `u` takes it back. A scan that takes another one back is none of these.
function mark(scan) {
  if (["adjust", "receive", "count"].includes(scan.mode) && !scan.isUndo) setUndoable([...undoable, scan].slice(-30));
}

async function settled(pairs) {
  for (const [scan, answer] of pairs) {
    const entry = log.find((each) => each.id === scan.id) ?? { ...scan };
    entry.answer = answer;
    if (answer.state === "refused") setUndoable(undoable.filter((each) => each.id !== scan.id));
    else learn(answer, scan.mode);
    showAnswer(entry);
    play(answer.state === "refused" ? "refused" : scan.mode === "look" ? "look" : "done");
  }
  await draw();
}

function learn(answer, mode) {
  const known = { ...answer, on_hand: answer.level_after ?? null };
  const isNew = !recent.some((each) => each.variant_id === known.variant_id);
  recent = isNew || mode === "look" ? [known, ...recent.filter((each) => each.variant_id !== known.variant_id)].slice(0, 24)
    : recent.map((each) => (each.variant_id === known.variant_id ? known : each));
  remember("recent", recent.map(({ variant_id, sku, product, size, color, on_hand }) => (
    { variant_id, sku, product, size, color, on_hand })));
  if (found) found = found.map((each) => (each.variant_id === known.variant_id ? { ...each, on_hand: known.on_hand } : each));
}

function setUndoable(entries) {
  undoable = entries;
  remember("undoable", { owner: person?.owner, entries: entries.map(({ answer, ...scan }) => scan) });
  element("undo").disabled = undoable.length === 0;
}

function recallUndoable() {
  const kept = recall("undoable", {});
  setUndoable(person && kept.owner === person.owner ? kept.entries : []);
}

async function undo() {
  const last = undoable.at(-1);
  if (!last || !person || isPaused) return;
  setUndoable(undoable.slice(0, -1));
  if (last.count || last.delivery) {
    const { id, owner, name, at, n, answer, ...again } = last;
    await keep({ ...again, units: -last.units, isUndo: true });
  } else {
    await keep({ mode: "undo", of: last.id, label: tr("Undo {label}", { label: last.label }), units: -last.units });
  }
}

// ---------------------------------------------------------------- what is shown

async function draw() {
  const waiting = await store.waiting();
  const mine = waiting.filter((scan) => scan.owner === person?.owner);
  showLog(log, mine.length);
  const refused = (await store.refused()).filter((scan) => scan.owner === person?.owner);
  showRefused(refused, actions);
  showLine(line, mine.length);
  showOthers(waiting);
  showList();
}

function showOthers(waiting) {
  if (line === LINE.ended || line === LINE.other) return;
  const names = new Map();
  for (const scan of waiting) {
    if (scan.owner !== person?.owner) names.set(scan.name, (names.get(scan.name) ?? 0) + 1);
  }
  const said = [...names].map(([name, count]) => (
    count === 1 ? tr("1 scan by {name}", { name }) : tr("{count} scans by {name}", { count, name }))).join(", ");
  if (said) showNotice(tr("{scans} still wait on this device. They are posted when that person signs in here.", { scans: said }));
  else showNotice();
}

function actions(scan) {
  const buttons = [
    make("button", { type: "button", onclick: () => again(scan) }, tr("Try again")),
    make("button", { type: "button", class: "plain", onclick: () => dismiss(scan) }, tr("Dismiss")),
  ];
  if (scan.answer.kind === "UnknownVariant" && scan.text && person?.may.attach) {
    buttons.unshift(make("button", { type: "button", onclick: () => attaching.open(scan) }, tr("Attach code")));
  }
  return buttons;
}

// The same id and moment as before: what was refused had not been posted.
async function again(scan) {
  const { answer, n, ...same } = scan;
  await store.add(same);
  log.unshift({ ...same, answer: null });
  if (!undoable.some((each) => each.id === same.id)) mark(same);
  await draw();
  sender.kick();
}

async function dismiss(scan) {
  await store.dismiss(scan.id);
  await draw();
}

function showList() {
  const may = person?.may ?? {};
  const hasButtons = options.mode !== "look" && Boolean(may[options.permission]);
  showVariants(found ?? recent, {
    hasButtons,
    hasLevels: !options.isBlind,
    onTap: async (variant) => {
      if (!hasButtons) return take(variant);
      const units = await options.askUnits(`${variant.sku} \u00b7 ${called(variant)}`, 1);
      return units === null ? null : take(variant, units);
    },
    onUnits: (variant, sign) => take(variant, sign * Math.abs(options.units)),
  });
}

function say(sentence, label) {
  showAnswer({ mode: options.mode, label, answer: { state: "refused", sentence } });
  play("refused");
}

function showState(name, sentence) {
  if (line !== name && name === LINE.ended) askToSignIn();
  const isBack = isBroken(line) && !isBroken(name);
  line = name;
  if (name === LINE.other || isBack) read();
  store.waiting().then((all) => {
    const mine = all.filter((scan) => scan.owner === person?.owner).length;
    showLine(line, mine, sentence);
    element("waiting").textContent = mine ? tr("{count} waiting", { count: mine }) : "";
  });
}

const isBroken = (name) => name === LINE.away || name === LINE.ended;

function askToSignIn() {
  showNotice(tr("Your session has ended. Your scans are kept on this device, and posted when you are signed in. "),
    make("a", { href: "/sign-in?next=/scan" }, tr("Sign in again")));
}

// ---------------------------------------------------------------- who is here

async function read() {
  let answer;
  try {
    answer = await fetch("/scan/state", { redirect: "error", cache: "no-store" });
  } catch {
    return showState(LINE.away);
  }
  if (answer.status === 401) return showState(LINE.ended);
  if (!answer.ok) return showState(LINE.away);
  return meet(await answer.json());
}

async function meet(state) {
  const before = person;
  const isOther = before && before.owner !== state.owner;
  person = { owner: state.owner, name: state.name, may: state.may };
  remember("person", person);
  if (isOther || !before) recent = [];
  if (!recent.length) recent = state.recent;
  recallUndoable();
  options.meet(state);
  attaching.meet(state.kinds);
  if (isOther) log.length = 0;
  if (isOther && (hasMet || hasKept)) await greet(before);
  hasMet = true;
  line = LINE.idle;
  if (state.version !== version && !(await store.waiting()).length) {
    showNotice(tr("A newer version of this page is available. "), make("a", { href: "/scan" }, tr("Load it")));
  }
  await draw();
  sender.kick();
}

// A tab that one person scanned in must not post under another's name without a word.
async function greet(before) {
  isPaused = true;
  element("other-title").textContent = tr("{name} is signed in now", { name: person.name });
  element("other-text").textContent = tr(
    "Scans by {before} that are not posted yet wait for {before}. From here on, scans are posted as {name}.",
    { before: before.name, name: person.name });
  element("other-ok").textContent = tr("Continue as {name}", { name: person.name });
  const dialog = element("other");
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  isPaused = false;
}

// ---------------------------------------------------------------- hands

const attaching = new Attaching({ onDone: again });
const COMMAND = /^([+\-\u2212]?)(\d{1,6})\*$/;
let pause = 0;

onText = (text) => {
  if (element("attach").open) return attaching.find(text);
  if (element("pad").open) {
    element("pad").close("cancel"); // its number may have digits of the code
    return say(tr("The number of units was not set yet, so this scan was not kept. Set it, then scan again."), text);
  }
  return text === "u" ? undo() : take({ text });
};

field.addEventListener("input", () => {
  clearTimeout(pause);
  const units = COMMAND.exec(field.value);
  if (units) {
    options.setUnits((units[1] && units[1] !== "+" ? -1 : 1) * Number(units[2]));
    field.value = "";
    hands.forget();
  } else if (field.value === "?") {
    field.value = "";
    element("keys").showModal();
  } else if (field.value === "u") {
    pause = setTimeout(() => { field.value = ""; undo(); }, 700);
  }
});

document.addEventListener("keydown", (event) => {
  const mode = event.altKey && ["look", "adjust", "receive", "count"][Number(event.code?.replace("Digit", "")) - 1];
  if (!mode) return;
  event.preventDefault();
  options.setMode(mode);
  field.focus();
});

element("undo").addEventListener("click", undo);
element("help").addEventListener("click", () => element("keys").showModal());
for (const dialog of document.querySelectorAll("dialog")) dialog.addEventListener("close", () => field.focus({ preventScroll: true }));

element("sound").addEventListener("click", () => { setOn(!isOn()); showSound(); play("look"); });
function showSound() {
  element("sound").textContent = isOn() ? "\u266a" : "\u2014";
  element("sound").setAttribute("aria-pressed", isOn());
}

element("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const isDark = root.dataset.theme === "dark" || (!root.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.theme = isDark ? "light" : "dark";
  try { localStorage.setItem("scan-theme", root.dataset.theme); } catch { /* until the page is closed */ }
});

element("keyboard").addEventListener("click", () => {
  const isShown = field.inputMode !== "none";
  field.inputMode = isShown ? "none" : "text";
  element("keyboard").setAttribute("aria-pressed", !isShown);
  field.blur();
  field.focus();
});

let searching = 0;
element("find").addEventListener("input", () => {
  clearTimeout(searching);
  searching = setTimeout(search, 200);
});
async function search() {
  const words = element("find").value.trim();
  if (!words) found = null;
  else {
    try {
      const answer = await fetch(`/scan/search?q=${encodeURIComponent(words)}`, { redirect: "error" });
      found = (await answer.json()).found ?? [];
    } catch {
      const all = words.toLowerCase().split(/\s+/);
      found = recent.filter((each) => all.every((word) => `${each.sku} ${called(each)}`.toLowerCase().includes(word)));
    }
  }
  showList();
}

// ---------------------------------------------------------------- camera

const camera = new Camera(element("video"), (text) => take({ text }));
element("camera-button").hidden = !isPossible();
element("photo-button").hidden = isPossible();

element("camera-button").addEventListener("click", async () => {
  if (camera.isOpen) camera.stop();
  else {
    try {
      await camera.start();
    } catch (error) {
      camera.stop();
      element("photo-button").hidden = false;
      say(error.name === "NotAllowedError"
        ? tr("The camera is not allowed on this page. Allow it in the browser, or take a photo.")
        : tr("The camera cannot be opened. Take a photo instead."), tr("Camera"));
    }
  }
  element("camera").hidden = !camera.isOpen;
  element("camera-button").setAttribute("aria-pressed", camera.isOpen);
});

element("photo").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  event.target.value = "";
  if (!file) return;
  const codes = await readPhoto(file).catch(() => []);
  if (codes.length === 1) take({ text: codes[0] });
  else say(codes.length ? tr("There are several codes in this photo. Take one code only.")
    : tr("No code was found in this photo. Go closer, with more light."), tr("Photo"));
});

// ---------------------------------------------------------------- begin

if (matchMedia("(pointer: coarse)").matches) field.inputMode = "none";
else element("keyboard").hidden = true;
if (store instanceof Memory) showNotice(tr("This browser does not store anything. Scans that are not posted yet are lost when this page is closed."));
showSound();
options.meet(options.state);
recallUndoable();
for (const scan of await store.waiting()) if (scan.owner === person?.owner) log.unshift({ ...scan, answer: null });
await draw();
field.focus();
for (const text of early) await onText(text);
if ("serviceWorker" in navigator) navigator.serviceWorker.register("/scan/worker.js", { scope: "/scan" }).catch(() => {});
// What the browser says about the line is only a hint to try again; so is the clock.
const tryAgain = () => (document.hidden ? null : isBroken(line) ? read() : sender.kick());
addEventListener("online", read);
document.addEventListener("visibilitychange", tryAgain);
setInterval(tryAgain, 5_000);
await read();
