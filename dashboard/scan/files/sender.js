// Sends what waits, in order, a few at a time, and removes a scan only when the server has answered it.

const MOST = 20;
const PATIENCE = 20_000;
const PAUSES = [300, 700, 1500, 3000, 5000];

export const LINE = { opening: "opening", idle: "idle", sending: "sending", away: "away", ended: "ended", other: "other" };

export class Sender {
  // `owner` returns whose scans may be sent now. `onAnswers` gets [scan, answer] pairs, `onLine` the state of the line.
  constructor({ store, owner, onAnswers, onLine }) {
    Object.assign(this, { store, owner, onAnswers, onLine });
    this.failed = 0;
    this.isRunning = false;
    this.isWanted = false;
    this.timer = 0;
  }

  kick() {
    this.isWanted = true;
    clearTimeout(this.timer);
    if (!this.isRunning) this.run();
  }

  async run() {
    this.isRunning = true;
    try {
      while (this.isWanted) {
        this.isWanted = false;
        while (await this.sendSome());
      }
    } finally {
      this.isRunning = false;
    }
    if (this.isWanted) this.run();
  }

  // Returns whether to go on at once.
  async sendSome() {
    const owner = this.owner();
    const scans = (await this.store.waiting()).filter((scan) => scan.owner === owner).slice(0, MOST);
    if (!owner || !scans.length) return false;
    let response;
    let message = {};
    try {
      response = await fetch("/scan/post", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ owner, scans: scans.map(toSend) }),
        redirect: "error",
        signal: AbortSignal.timeout?.(PATIENCE),
      });
      if (response.status !== 401) message = await response.json();
    } catch {
      return this.later();
    }
    if (response.status === 401) return this.stop(LINE.ended);
    if (response.status === 409) return this.stop(LINE.other);
    if (!response.ok || !Array.isArray(message.answers)) return this.later(message.sentence);
    const byId = new Map(message.answers.map((answer) => [answer.id, answer]));
    const pairs = scans.filter((scan) => byId.has(scan.id)).map((scan) => [scan, byId.get(scan.id)]);
    if (!pairs.length) return this.later();
    await this.store.settle(pairs);
    this.failed = 0;
    this.onLine(LINE.sending);
    await this.onAnswers(pairs);
    return true;
  }

  later(sentence) {
    const pause = PAUSES[Math.min(this.failed, PAUSES.length - 1)];
    this.failed += 1;
    this.onLine(LINE.away, sentence);
    this.timer = setTimeout(() => this.kick(), pause);
    return false;
  }

  stop(line) {
    this.onLine(line);
    return false;
  }
}

// The server gets the age of a scan, measured by one and the same clock, so a wrong clock does no harm.
function toSend({ id, mode, at, text, variant, units, reason, note, reference, count, delivery, of }) {
  const age = Math.max(0, (Date.now() - at) / 1000);
  return { id, mode, age, text, variant, units, reason, note, reference, count, delivery, of };
}
