// Streamlit has the words of its own parts in English only. The page brings them in the reader's language:
// dashboard/language/theirs.py. What a person or the shop wrote stays as it is.
(() => {
  const NAMES = ["aria-label", "title", "placeholder"];
  const OURS = "[data-testid=stMarkdownContainer], [data-testid=stCode], [role=option], textarea, script, style";
  const THEIRS = "[data-testid=stTooltipContent], [data-testid=stFileUploader] button"; // and the words inside of these
  let words = {}, forms = []; // `forms` have a place for a value

  function said(text) {
    const bare = text.trim();
    if (words[bare]) return text.replace(bare, words[bare]);
    const [name, ...rest] = bare.split(": "); // the name of a button, followed by that of its table
    if (rest.length && words[name]) return [words[name], ...rest].join(": ");
    for (const [word, theirs] of forms) {
      const [before, after] = word.split("{it}");
      if (bare.startsWith(before) && bare.endsWith(after))
        return theirs.replace("{it}", bare.slice(before.length, bare.length - after.length));
    }
    return text;
  }
  function sayText(node) {
    const parent = node.parentElement;
    if (!parent || (parent.closest(OURS) && !parent.closest(THEIRS))) return;
    const text = said(node.nodeValue);
    if (text !== node.nodeValue) node.nodeValue = text;
  }
  function sayNames(element) {
    for (const name of NAMES) {
      const present = element.getAttribute(name);
      const text = present && said(present);
      if (text && text !== present) element.setAttribute(name, text);
    }
  }
  function say(root) {
    if (root.nodeType === Node.TEXT_NODE) return sayText(root);
    if (root.nodeType !== Node.ELEMENT_NODE) return;
    sayNames(root);
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode())
      node.nodeType === Node.TEXT_NODE ? sayText(node) : sayNames(node);
  }

  let sent = "{}";
  function look(changes) {
    const now = document.querySelector(".stockroom-person")?.dataset.theirs ?? sent;
    if (now !== sent) {
      sent = now;
      words = JSON.parse(sent);
      forms = Object.entries(words).filter(([word]) => word.includes("{it}"));
      return say(document.body);
    }
    if (sent === "{}") return;
    for (const change of changes) {
      if (change.type === "childList") change.addedNodes.forEach(say);
      else if (change.type === "characterData") sayText(change.target);
      else sayNames(change.target);
    }
  }
  addEventListener("DOMContentLoaded", () => {
    new MutationObserver(look).observe(document.body, {
      childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: NAMES,
    });
  });
})();
