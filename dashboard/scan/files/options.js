// What a person chose once and keeps: mode, reason, units per scan, delivery, count.

import { recall, remember } from "./keep.js";
import { tr } from "./texts.js";
import { element, make, signed } from "./view.js";

const FIRST = { 1: "stock_increase", [-1]: "stock_decrease" };
const PERMISSION = { look: "view", adjust: "adjust", receive: "receive", count: "count" };
const LARGEST = 1_000_000;

export class Options {
  constructor(onChange) {
    this.onChange = onChange;
    this.mode = recall("mode", "look");
    this.units = 1;
    this.state = recall("state", { may: {}, reasons: [], counts: [], deliveries: [] });
    for (const radio of document.querySelectorAll("[name=mode]")) {
      radio.addEventListener("change", () => this.setMode(radio.value));
    }
    element("less").addEventListener("click", () => this.step(-1));
    element("more").addEventListener("click", () => this.step(1));
    element("units").addEventListener("click", async () => {
      const units = await this.askUnits(tr("Units per scan"), this.units);
      if (units !== null) this.setUnits(units);
    });
    element("reason").addEventListener("change", () => {
      remember(`reason${Math.sign(this.units)}`, element("reason").value);
      this.show();
    });
    for (const name of ["note", "reference", "delivery", "count"]) {
      element(name).addEventListener("change", () => { remember(name, element(name).value); this.show(); });
    }
    element("note").value = recall("note", "");
    element("reference").value = recall("reference", "");
    this.makePad();
  }

  get permission() { return PERMISSION[this.mode]; }

  get reason() { return this.state.reasons.find((each) => each.code === element("reason").value); }

  get count() { return this.state.counts?.find((each) => String(each.id) === element("count").value); }

  get isBlind() { return this.mode === "count" && Boolean(this.count?.is_blind); }

  // The server said who is signed in and what they may choose.
  meet(state) {
    this.state = state;
    remember("state", state);
    for (const radio of document.querySelectorAll("[name=mode]")) {
      const isAllowed = radio.value === "look" || Boolean(state.may[PERMISSION[radio.value]]);
      radio.disabled = !isAllowed;
      radio.closest("label").title = isAllowed ? "" : tr("Your role cannot do this. The warehouse, a manager or an admin can.");
    }
    fill("delivery", [["", tr("None: post at once")], ...(state.deliveries ?? []).map((each) => [each.id, each.name])]);
    fill("count", (state.counts ?? []).map((each) => [each.id, each.name]));
    this.setMode(this.mode);
  }

  setMode(mode) {
    const radio = document.querySelector(`[name=mode][value=${mode}]`);
    if (mode !== this.mode) this.units = 1;
    this.mode = !radio || radio.disabled ? "look" : mode;
    document.querySelector(`[name=mode][value=${this.mode}]`).checked = true;
    remember("mode", this.mode);
    this.show();
    this.onChange();
  }

  step(by) {
    this.setUnits(this.units + by || by); // never zero
  }

  setUnits(units) {
    const isOneWay = this.mode === "receive" && !element("delivery").value;
    const most = Math.max(isOneWay ? 1 : -LARGEST, Math.min(LARGEST, units || 1));
    this.units = most || 1;
    this.show();
    this.onChange();
  }

  show() {
    const { mode } = this;
    element("units").textContent = signed(this.units);
    element("units").classList.toggle("many", this.units !== 1);
    element("units-box").hidden = mode === "look";
    element("undo").hidden = mode === "look";
    const sign = Math.sign(this.units);
    const reasons = this.state.reasons.filter((each) => each.sign === 0 || each.sign === sign);
    fill("reason", reasons.map((each) => [each.code, each.label]), recall(`reason${sign}`, FIRST[sign]));
    element("reason-box").hidden = mode !== "adjust";
    element("note-box").hidden = mode !== "adjust" || !this.reason?.note;
    element("delivery-box").hidden = mode !== "receive" || !this.state.deliveries?.length;
    element("reference-box").hidden = mode !== "receive" || Boolean(element("delivery").value);
    element("count-box").hidden = mode !== "count";
    element("options").hidden = mode === "look";
  }

  // Why a scan cannot be taken now, or nothing.
  problem() {
    const problem = this.missing();
    if (problem) element(problem.field)?.focus();
    return problem?.sentence;
  }

  missing() {
    if (this.mode === "adjust" && !this.reason) return { field: "reason", sentence: tr("Choose a reason first.") };
    if (this.mode === "adjust" && this.reason.note && !element("note").value.trim()) {
      return { field: "note", sentence: tr("“{reason}” needs a note. Write it once, then scan.", { reason: this.reason.label }) };
    }
    if (this.mode === "count" && !this.count) return { field: "count", sentence: tr("No count is open. Start one on the Counts page.") };
    return null;
  }

  // What is sent with a scan. The reason follows the sign of the units.
  values(units) {
    if (this.mode === "adjust") {
      const reason = this.reasonFor(Math.sign(units));
      return { units, reason: reason.code, note: reason.note ? element("note").value.trim() : null };
    }
    if (this.mode === "receive") {
      const delivery = element("delivery").value || null;
      return { units, delivery, reference: delivery ? null : element("reference").value.trim() || null };
    }
    if (this.mode === "count") return { units, count: element("count").value };
    return {};
  }

  reasonFor(sign) {
    if (this.reason && (this.reason.sign === 0 || this.reason.sign === sign)) return this.reason;
    const code = recall(`reason${sign}`, FIRST[sign]);
    const fits = this.state.reasons.filter((each) => each.sign === 0 || each.sign === sign);
    return fits.find((each) => each.code === code) ?? fits.find((each) => each.code === FIRST[sign]) ?? fits[0];
  }

  // The number pad: resolves with the units, or null.
  askUnits(title, first) {
    const dialog = element("pad");
    element("pad-title").textContent = title;
    this.typed = "";
    this.isMinus = first < 0;
    this.first = Math.abs(first);
    this.showPad();
    dialog.returnValue = "";
    dialog.showModal();
    element("pad-ok").focus();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => {
        const units = (this.isMinus ? -1 : 1) * Number(this.typed || this.first);
        resolve(dialog.returnValue === "ok" && units ? units : null);
      }, { once: true });
    });
  }

  makePad() {
    const keys = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "\u00b1", "0", "\u232b"];
    const names = { "\u00b1": tr("Plus or minus"), "\u232b": tr("Delete the last digit") };
    element("pad-keys").append(...keys.map((key) => (
      make("button", { type: "button", "aria-label": names[key] ?? key, onclick: () => this.press(key) }, key))));
    element("pad").addEventListener("keydown", (event) => {
      const key = { Backspace: "\u232b", "-": "\u00b1" }[event.key] ?? event.key;
      if (keys.includes(key)) this.press(key);
      else if (event.key === "Enter") {
        event.preventDefault();
        element("pad").close("ok");
      }
    });
  }

  press(key) {
    if (key === "\u00b1") this.isMinus = !this.isMinus;
    else if (key === "\u232b") this.typed = this.typed.slice(0, -1);
    else if (this.typed.length < 6) this.typed = String(Number(this.typed + key));
    this.showPad();
  }

  showPad() {
    element("pad-value").textContent = signed((this.isMinus ? -1 : 1) * Number(this.typed || this.first));
  }
}

// Fill a list of choices; what was chosen stays chosen.
function fill(name, choices, first) {
  const list = element(name);
  const kept = first ?? (list.value || recall(name, ""));
  list.replaceChildren(...choices.map(([value, label]) => make("option", { value }, label)));
  if (choices.some(([value]) => String(value) === String(kept))) list.value = kept;
}
