// A sign for the ear: one high tone for done, two low ones for refused, a tick for kept.

import { recall, remember } from "./keep.js";

const TONES = {
  done: [[1320, 0, 0.09]],
  look: [[990, 0, 0.07]],
  refused: [[220, 0, 0.16], [180, 0.2, 0.24]],
  kept: [[660, 0, 0.03]],
};
let context = null;

export const isOn = () => recall("sound", true);
export const setOn = (on) => remember("sound", on);

export function play(name) {
  if (name === "refused") navigator.vibrate?.([80, 60, 80]);
  if (!isOn()) return;
  try {
    context ??= new AudioContext();
    if (context.state === "suspended") context.resume();
    for (const [pitch, after, length] of TONES[name]) {
      const tone = context.createOscillator();
      const volume = context.createGain();
      const start = context.currentTime + after;
      tone.type = name === "refused" ? "square" : "sine";
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0.15, start);
      volume.gain.exponentialRampToValueAtTime(0.001, start + length);
      tone.connect(volume).connect(context.destination);
      tone.start(start);
      tone.stop(start + length);
    }
  } catch { /* a browser without sound: the sign on the screen is enough */ }
}
