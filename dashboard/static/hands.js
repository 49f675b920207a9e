// The keys of the dashboard, and the menu that closes on a phone. Streamlit has neither.
(() => {
  if (window.stockroomHands) return;
  window.stockroomHands = true;

  const PAUSE = 150; // milliseconds: a scanner types faster than that, a person pressing one key does not
  // The page brings the texts in the reader's language: dashboard/frame/navigation.py.
  const tr = (text) => JSON.parse(document.querySelector(".stockroom-person")?.dataset.texts || "{}")[text] || text;
  const shown = () => [
    ["/", tr("Find an order, a buyer or a variant")], ["d", tr("Decide the refund of the open order")],
    ["a", tr("Adjust the open variant")], ["r", tr("Receive")], ["s", tr("Set the level")],
    ["u", tr("Undo your last change, while its message is shown")],
    ["Enter", tr("Open the row of a list that has the focus")], ["?", tr("Show these keys")],
  ];
  let first = "", last = 0, waiting;

  const isVisible = (element) => element.offsetParent !== null;
  const FIND = ".st-key-find input";
  // A scan goes into the page's own field; where there is none, or it knows no variants, into the one that every page has.
  const searchField = () => [".st-key-del_code input, .st-key-cnt_code input", `input[type=search]:not(${FIND}, .st-key-del_q input)`, FIND]
    .flatMap((selector) => [...document.querySelectorAll(selector)]).find(isVisible);
  const find = () => {
    const field = document.querySelector(FIND);
    field?.focus();
    field?.select();
  };
  const decide = () => {
    const field = [...document.querySelectorAll("[class*=st-key-decide_goods] input")].find(isVisible);
    field?.focus();
    field?.select();
  };
  const openTab = (place) => { // in the order of dashboard/stock/level_forms.py
    const tab = document.querySelectorAll(".st-key-stk_actions [role=tab]")[place];
    if (!tab) return;
    tab.click();
    const fields = () => [...document.querySelectorAll(".st-key-stk_actions input")].find(isVisible);
    setTimeout(() => fields()?.focus(), 50);
  };
  const undo = () => document.querySelector(".st-key-notice [class*=st-key-undo_] button")?.click();

  function showKeys() {
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-label", tr("Keys"));
    dialog.style.cssText = "font-family:inherit;border:1px solid #8091a0;border-radius:8px;padding:1.2rem 1.6rem";
    dialog.style.colorScheme = getComputedStyle(document.querySelector("[data-testid=stApp]")).colorScheme;
    const list = document.createElement("dl");
    list.style.cssText = "display:grid;grid-template-columns:auto 1fr;gap:.5rem 1.2rem;margin:0 0 1rem";
    for (const [key, meaning] of shown()) {
      const term = list.appendChild(document.createElement("dt"));
      term.appendChild(document.createElement("kbd")).textContent = key;
      const text = list.appendChild(document.createElement("dd"));
      text.style.margin = 0;
      text.textContent = meaning;
    }
    const close = document.createElement("button");
    close.textContent = tr("Close");
    close.onclick = () => dialog.close();
    dialog.onclose = () => dialog.remove();
    dialog.append(list, close);
    document.body.append(dialog);
    dialog.showModal();
  }

  const KEYS = {
    d: decide, a: () => openTab(0), r: () => openTab(1),
    s: () => openTab(2), u: undo, "?": showKeys,
  };

  const isTaken = (target) => target.closest?.(
    "input, textarea, select, [contenteditable=true], [role=combobox], [role=dialog], dialog, [data-testid=stDataFrame]",
  ) || document.querySelector("dialog[open], [role=dialog]");

  const isEmptySearch = (target) => target.matches?.("input[type=search]") && target.value === "";

  // A scanner types into the search field, wherever the page is: its letters must not press keys.
  function scanned(text) {
    const field = searchField();
    if (!field) return;
    field.focus();
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(field, text);
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
    if (event.key === "Shift") return;
    if (event.key === "Enter" && event.target.matches?.(FIND)) setTimeout(() => event.target.blur(), 0); // the keys work again
    clearTimeout(waiting);
    if (event.key === "/" && (isEmptySearch(event.target) || !isTaken(event.target))) {
      event.preventDefault();
      find(); // at once, so that what is typed next goes into the field
      return;
    }
    if (event.key.length !== 1 || event.key === " " || isTaken(event.target)) return;
    event.preventDefault();
    const isScan = event.timeStamp - last < PAUSE;
    last = event.timeStamp;
    if (isScan) {
      if (first) scanned(first + event.key);
      first = "";
      return;
    }
    first = event.key;
    waiting = setTimeout(() => {
      const key = first;
      first = "";
      KEYS[key]?.();
    }, PAUSE);
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-testid=stSidebar] a");
    if (!link || !matchMedia("(max-width: 768px)").matches) return;
    setTimeout(() => document.querySelector("[data-testid=stSidebarCollapseButton] button")?.click(), 0);
  });
})();
