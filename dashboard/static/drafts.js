// What was typed into a form outlives the session: the same person finds it there after signing in again in this tab.
// It is kept by the tab alone, for one page, and never for passwords. Another person's sign-in deletes it.
(() => {
  const KEPT = "stockroom-draft";
  const KEY = /^st-key-(.+)_([0-9a-f]{8})$/; // as dashboard/frame/forms.py names the inputs of a form
  // A form of another kind has no draft. Once it has posted, its fields are empty or have other names.
  const PLAIN = /^st-key-((?:set|view_mail|view_name)_.+)$/;
  const OPEN_FOR = 30_000; // milliseconds in which a page draws its forms
  const MANY = "[data-testid=stMultiSelect]", TAG = "[data-tag]"; // a choice of several, each of which is a tag
  const store = window.sessionStorage;
  const typed = new Map();
  let earlier = null, waiting = new Map(), until = 0, isPutting = false, timer;

  const owner = () => document.querySelector(".stockroom-person")?.dataset;
  const hasEnded = () => document.querySelector(".st-key-session_ended");
  const here = () => location.pathname + location.search;
  function fieldOf(box) {
    const matching = (pattern) => [...box.classList].map((name) => name.match(pattern)).find(Boolean);
    const isPlain = box.matches("[data-testid=stForm] [data-testid=stElementContainer]");
    const match = matching(KEY) ?? (isPlain ? matching(PLAIN) : null);
    return match ? { box, name: match[1], draft: match[2] ?? "" } : null;
  }
  const named = (element) => {
    const box = element.closest?.("[class*='st-key-']");
    for (let each = box; each; each = each.parentElement?.closest("[class*='st-key-']")) {
      const field = fieldOf(each);
      if (field) return field;
    }
    return null;
  };
  const boxes = () => [...document.querySelectorAll("[class*='st-key-']")]
    .map(fieldOf).filter((field) => field?.box.querySelector("input, textarea, [role=radio]"));

  function value(box) {
    const ticks = [...box.querySelectorAll("input[type=checkbox], input[type=radio], [role=radio]")];
    if (ticks.length) return ticks.map((each) => Boolean(each.checked ?? each.ariaChecked === "true"));
    if (box.querySelector(MANY)) return [...box.querySelectorAll(TAG)].map((tag) => tag.ariaLabel);
    const field = box.querySelector("input, textarea");
    return !field || ["password", "file"].includes(field.type) ? null : field.value;
  }

  function keep() {
    const who = owner();
    if (!who || hasEnded() || isPutting) return;
    const now = new Map(boxes().map((each) => [each.name, each]));
    for (const [name, { draft }] of typed) {
      const field = now.get(name);
      const present = field?.draft === draft ? value(field.box) : null;
      const isEmptied = draft === "" && present?.length === 0 && !field.box.contains(document.activeElement);
      const isGone = present === null || isEmptied;
      if (isGone) typed.delete(name); // posted, or left
      else typed.set(name, { draft, value: present });
    }
    const fields = Object.fromEntries([...[...typed].map(([name, each]) => [name, each.value]), ...waiting]);
    if (Object.keys(fields).length === 0) {
      if (!earlier) store.removeItem(KEPT);
    } else store.setItem(KEPT, JSON.stringify({ person: who.person, session: who.session, page: here(), fields }));
  }

  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(keep, 200);
  };

  function note(event) {
    const found = event.isTrusted !== false || isPutting ? named(event.target) : null;
    if (!found) return;
    const field = boxes().find((each) => each.name === found.name);
    if (field && value(field.box) !== null) typed.set(field.name, { draft: field.draft, value: value(field.box) });
    soon();
  }

  const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

  async function choose(field, text) {
    set(field, text);
    for (let tries = 0; tries < 40; tries++) {
      const option = [...document.querySelectorAll("[role=option]")].find((each) => each.textContent.trim() === text.trim());
      if (option) return option.click();
      await pause(50);
    }
    field.blur();
  }

  function set(field, text) {
    const kind = field.tagName === "TEXTAREA" ? HTMLTextAreaElement : HTMLInputElement;
    field.focus({ preventScroll: true });
    Object.getOwnPropertyDescriptor(kind.prototype, "value").set.call(field, text);
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  async function put(box, kept) {
    if (box.querySelector(MANY)) {
      for (const each of kept) if (!value(box).includes(each)) await choose(box.querySelector("input"), each);
      return box.querySelector("input").blur();
    }
    if (Array.isArray(kept)) {
      const ticks = [...box.querySelectorAll("input[type=checkbox], input[type=radio], [role=radio]")];
      ticks.forEach((each, place) => {
        if (kept[place] !== undefined && kept[place] !== Boolean(each.checked ?? each.ariaChecked === "true")) each.click();
      });
      return;
    }
    const field = box.querySelector("input, textarea");
    if (!field || field.value === kept) return;
    if (field.getAttribute("role") === "combobox") await choose(field, kept);
    else {
      set(field, kept);
      field.blur();
    }
  }

  function showTab(box) {
    const panel = box.closest("[data-testid=stTabPanel]"), tabs = box.closest("[data-testid=stTabs]");
    if (!panel || !tabs) return;
    const tab = tabs.querySelectorAll("[role=tab]")[[...tabs.querySelectorAll("[data-testid=stTabPanel]")].indexOf(panel)];
    if (tab && tab.ariaSelected !== "true") tab.click();
  }

  // Gives each field its text as soon as the page has drawn it.
  async function giveBack() {
    if (isPutting || waiting.size === 0) return;
    isPutting = true;
    for (const { box, name, draft } of boxes()) {
      const kept = waiting.get(name);
      if (kept === undefined) continue;
      waiting.delete(name);
      showTab(box);
      await put(box, kept);
      typed.set(name, { draft, value: kept });
    }
    isPutting = false;
    if (Date.now() > until) waiting.clear();
    soon();
  }

  let seen = "";
  function look() {
    const ended = hasEnded();
    if (ended) {
      const back = ended.querySelector("input[name=next]")?.value;
      if (back && back !== here()) history.replaceState({}, "", back); // Streamlit has left for its first page
      return;
    }
    const who = owner();
    if (!who) return;
    if (seen !== who.session) {
      seen = who.session;
      const kept = JSON.parse(store.getItem(KEPT) ?? "null");
      if (kept?.person === who.person && kept.session !== who.session) earlier = kept;
      else store.removeItem(KEPT);
    }
    if (earlier?.page === here()) {
      waiting = new Map(Object.entries(earlier.fields));
      until = Date.now() + OPEN_FOR;
      earlier = null;
    }
    giveBack();
    if (typed.size) soon();
  }

  for (const kind of ["input", "change", "click", "keyup"]) document.addEventListener(kind, note, true);
  document.addEventListener("submit", (event) => {
    if (event.target.getAttribute("action") === "/sign-out") store.removeItem(KEPT);
  }, true);
  addEventListener("DOMContentLoaded", () => {
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
  });
})();
