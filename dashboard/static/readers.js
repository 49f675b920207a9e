// What screen readers need and Streamlit does not write: headings without a gap, and the text of a metric's chart.
(() => {
  function mend() {
    // A page has one title, and its subheaders follow: Streamlit draws them at the third level.
    for (const each of document.querySelectorAll("[data-testid=stApp] h3:not([aria-level], [role])")) {
      const icon = each.querySelector("[role=img]");
      if (icon && each.textContent.trim() === icon.textContent.trim()) {
        each.removeAttribute("aria-labelledby");
        each.setAttribute("role", "presentation");
      } else each.setAttribute("aria-level", "2");
    }
    const texts = JSON.parse(document.querySelector(".stockroom-charts")?.dataset.texts ?? "[]");
    document.querySelectorAll("[data-testid=stMetricChart]").forEach((chart, place) => {
      const text = texts[place];
      if (!text || chart.ariaLabel === text) return;
      chart.setAttribute("role", "img");
      chart.setAttribute("aria-label", text);
      chart.removeAttribute("aria-roledescription");
    });
    for (const marks of document.querySelectorAll("[data-testid=stMetricChart][role=img] > svg:not([aria-hidden])"))
      marks.setAttribute("aria-hidden", "true");
  }
  addEventListener("DOMContentLoaded", () => {
    new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });
  });
})();
