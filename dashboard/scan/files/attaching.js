// Attach an unknown code to a variant on the spot, for those who may.

import { newId } from "./keep.js";
import { tr } from "./texts.js";
import { called, element, make } from "./view.js";

export class Attaching {
  constructor({ onDone }) {
    this.onDone = onDone;
    this.timer = 0;
    element("attach-find").addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.search(), 200);
    });
    element("attach-kind").addEventListener("change", () => this.showKind());
    element("attach-ok").addEventListener("click", () => this.send());
  }

  meet(kinds) {
    element("attach-kind").replaceChildren(...kinds.map(([value, label]) => make("option", { value }, label)));
  }

  open(scan) {
    this.scan = scan;
    this.key = newId();
    this.variant = null;
    element("attach-code").textContent = scan.text;
    element("attach-find").value = "";
    element("attach-kind").value = { 8: "ean", 12: "upc", 13: "ean", 14: "carton" }[/^\d+$/.test(scan.text) && scan.text.length] ?? "supplier";
    element("attach-found").replaceChildren();
    element("attach-ok").disabled = true;
    this.fail("");
    this.showKind();
    element("attach").showModal();
    element("attach-find").focus();
  }

  showKind() {
    element("attach-units-box").hidden = element("attach-kind").value !== "carton";
  }

  fail(sentence) {
    element("attach-problem").hidden = !sentence;
    element("attach-problem").textContent = sentence;
  }

  async search() {
    const words = element("attach-find").value.trim();
    if (!words) return;
    try {
      const answer = await fetch(`/scan/search?q=${encodeURIComponent(words)}`, { redirect: "error" });
      const { found } = await answer.json();
      // A variant that is no longer on the list is not chosen.
      if (!found.some((each) => each.variant_id === this.variant?.variant_id)) this.variant = null;
      element("attach-ok").disabled = !this.variant;
      element("attach-found").replaceChildren(...found.map((variant) => this.choice(variant)));
      if (!found.length) element("attach-found").replaceChildren(make("li", { class: "quiet" }, tr("No variant has these words.")));
    } catch {
      this.fail(tr("The server cannot be reached. The scan stays on the list; attach its code later."));
    }
  }

  // A scan while the dialog is open names the variant.
  find(text) {
    element("attach-find").value = text;
    return this.search();
  }

  choice(variant) {
    const radio = make("input", { type: "radio", name: "attach-variant", value: variant.variant_id });
    radio.checked = variant.variant_id === this.variant?.variant_id;
    radio.addEventListener("change", () => {
      this.variant = variant;
      element("attach-ok").disabled = false;
    });
    return make("li", {}, make("label", {}, radio, ` ${variant.sku} \u00b7 ${called(variant)}`));
  }

  async send() {
    const kind = element("attach-kind").value;
    const body = {
      key: this.key, variant: this.variant.variant_id, code: this.scan.text, kind,
      units: kind === "carton" ? Number(element("attach-units").value) : 1,
    };
    try {
      const answer = await fetch("/scan/attach", {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), redirect: "error",
      });
      if (!answer.ok) {
        this.fail(answer.status === 401 ? tr("Your session has ended. Sign in again.") : (await answer.json()).sentence);
        this.key = newId();
        return;
      }
    } catch {
      this.fail(tr("The server cannot be reached. Try again."));
      return;
    }
    element("attach").close();
    await this.onDone(this.scan);
  }
}
