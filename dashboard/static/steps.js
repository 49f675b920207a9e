// Steps through the dashboard: Back, the Tab key, and rows that open by keyboard.
(() => {
  const isVisible = (element) => element.offsetParent !== null;
  const main = () => document.querySelector("[data-testid=stMain]");

  // One deed of a person is one step of Back. For one click Streamlit may write several addresses, the first of which
  // has filters of the page that is left.
  let isNew = true;
  for (const deed of ["pointerdown", "keydown", "popstate"])
    addEventListener(deed, () => { isNew = true; }, true);
  const push = history.pushState.bind(history);
  history.pushState = (state, title, address) => {
    const target = new URL(address ?? location.href, location.href);
    if (target.href === location.href) return;
    const hasMoved = target.pathname !== location.pathname;
    if (isNew) push(state, title, address);
    else history.replaceState(state, title, address);
    isNew = false;
    if (!hasMoved) return;
    isLeading = false;
    begin();
  };

  // A page that was opened from the menu begins at the top, also for the Tab key.
  function begin() {
    if (!document.activeElement?.closest("[data-testid=stSidebar]") || !top.isConnected) return;
    top.focus({ preventScroll: true });
    top.blur();
  }

  // The first stop of the Tab key leads to the main action: the first field of its form, or its button.
  const top = document.createElement("span");
  top.tabIndex = -1;
  const skip = document.createElement("a");
  skip.href = "#";
  skip.className = "stockroom-skip";
  const isAside = (element) => element.closest(".st-key-notice, .st-key-sample_banner, [aria-hidden=true]");
  function mainAction() {
    const area = document.querySelector("[role=dialog]") ?? main();
    const found = [...area.querySelectorAll("[data-testid^=stBaseButton-primary], [data-testid=stBaseLinkButton-primary]")]
      .find((each) => isVisible(each) && !each.disabled && !isAside(each));
    const fields = "input:not([type=hidden]), textarea, canvas[data-testid=data-grid-canvas]";
    const field = [...(found?.closest("[data-testid=stForm]") ?? area).querySelectorAll(fields)]
      .find((each) => isVisible(each) && !each.disabled);
    return found && !found.closest("[data-testid=stForm]") ? found : field ?? found;
  }
  // The page may still be drawn: the focus follows for a second, or until the person presses a key or leaves the page.
  let isLeading = false;
  for (const deed of ["pointerdown", "keydown", "popstate"])
    addEventListener(deed, () => { isLeading = false; }, true);
  function lead(tries) {
    const action = mainAction() ?? main();
    if (isLeading && document.activeElement !== action) action.focus();
    if (isLeading && tries > 0) setTimeout(lead, 100, tries - 1);
  }
  skip.onclick = (event) => {
    event.preventDefault();
    isLeading = true;
    lead(10);
  };
  function place() {
    const text = document.querySelector(".stockroom-person")?.dataset.skip;
    if (!text) skip.remove();
    else if (!skip.isConnected) {
      skip.textContent = text;
      document.body.prepend(top, skip);
    }
  }

  // Enter on a row of a list opens it. Streamlit opens rows by the mouse alone, so this presses the row's button. In a
  // table that is edited, Enter opens the cell instead, which a press elsewhere would close.
  const LISTS = "[class*='st-key-wide_'], [class*='st-key-narrow_']"; // as columns.show names them
  const TREE_WAIT = 260; // milliseconds until the table has told its selected cell to screen readers
  const HEADER = 32;
  function openRow(canvas, tries = 20) {
    const cell = canvas.querySelector("[role=gridcell][aria-selected=true]");
    const rows = Number(canvas.querySelector("[role=grid]")?.getAttribute("aria-rowcount")) - 1;
    if (!cell && tries > 0) setTimeout(openRow, 100, canvas, tries - 1);
    if (!cell || !(rows > 0)) return;
    const isAtEnd = canvas.closest("[class*='_opens_at_end']");
    const scroller = canvas.closest("[data-testid=stDataFrame]").querySelector(".dvn-scroller");
    if (scroller) scroller.scrollLeft = isAtEnd ? scroller.scrollWidth : 0;
    setTimeout(() => {
      const box = canvas.getBoundingClientRect();
      const height = Math.round((box.height - HEADER) / rows);
      const y = box.top + HEADER + (Number(cell.id.split("-").pop()) + 0.5) * height;
      press(canvas, isAtEnd ? box.right - 20 : box.left + 20, y); // a table is as wide as its place, or scrolled to its end
    }, 100);
  }
  function press(canvas, x, y) {
    const at = { bubbles: true, cancelable: true, clientX: x, clientY: y, button: 0, pointerId: 1, pointerType: "mouse" };
    for (const kind of ["pointermove", "pointerdown", "pointerup", "click"])
      canvas.dispatchEvent(new PointerEvent(kind, at));
  }
  addEventListener("keydown", (event) => {
    const canvas = event.target.closest?.("canvas[data-testid=data-grid-canvas]");
    if (event.key !== "Enter" || !canvas?.closest(LISTS) || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    setTimeout(openRow, TREE_WAIT, canvas);
  }, true);

  addEventListener("DOMContentLoaded", () => {
    new MutationObserver(place).observe(document.body, { childList: true, subtree: true });
  });
})();
