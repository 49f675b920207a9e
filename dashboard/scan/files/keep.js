// Scans that wait for an answer, and those that were refused, in IndexedDB. Everything else that a person chose: localStorage.

const NAME = "stockroom-scan";
const ARRIVING = "arriving-";

function asked(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function finished(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
}

export class Store {
  static async open() {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("waiting", { keyPath: "n", autoIncrement: true });
      request.result.createObjectStore("refused", { keyPath: "id" });
    };
    const database = await asked(request);
    database.onversionchange = () => database.close();
    navigator.storage?.persist?.().catch(() => {});
    const store = new Store(database);
    await store.takeArriving();
    return store;
  }

  constructor(database) {
    this.database = database;
  }

  begin(...names) {
    return this.database.transaction(names, "readwrite", { durability: "strict" });
  }

  // Resolves only when the scan is on disk. A scan that is tried again leaves the list of the refused in the same step. Until
  // then it is in localStorage, which is written at once: a page that is closed in this moment loses nothing.
  async add(scan) {
    remember(ARRIVING + scan.id, scan);
    try {
      const change = this.begin("waiting", "refused");
      change.objectStore("waiting").add(scan);
      change.objectStore("refused").delete(scan.id);
      await finished(change);
    } finally {
      forget(ARRIVING + scan.id);
    }
  }

  // Scans of a page that was closed while it kept them. One that was posted already is only answered again: its key is the same.
  async takeArriving() {
    const kept = new Set((await this.waiting()).map((scan) => scan.id));
    for (const [name, scan] of recalled(ARRIVING)) kept.has(scan.id) ? forget(name) : await this.add(scan);
  }

  async waiting() {
    return asked(this.database.transaction("waiting").objectStore("waiting").getAll());
  }

  async refused() {
    return asked(this.database.transaction("refused").objectStore("refused").getAll());
  }

  // The answers of one message: those scans wait no longer, and the refused ones are kept to act on.
  async settle(pairs) {
    const change = this.begin("waiting", "refused");
    for (const [scan, answer] of pairs) {
      change.objectStore("waiting").delete(scan.n);
      if (answer.state === "refused") change.objectStore("refused").put({ ...scan, answer });
    }
    await finished(change);
  }

  async dismiss(id) {
    const change = this.begin("refused");
    change.objectStore("refused").delete(id);
    await finished(change);
  }
}

// Where the browser keeps nothing (some private windows): the same, until the page is closed.
export class Memory {
  lists = { waiting: [], refused: [] };
  last = 0;
  async add(scan) {
    this.last += 1;
    this.lists.waiting.push({ ...scan, n: this.last });
    await this.dismiss(scan.id);
  }
  async waiting() { return [...this.lists.waiting]; }
  async refused() { return [...this.lists.refused]; }
  async settle(pairs) {
    const settled = new Set(pairs.map(([scan]) => scan.n));
    this.lists.waiting = this.lists.waiting.filter((scan) => !settled.has(scan.n));
    for (const [scan, answer] of pairs) if (answer.state === "refused") this.lists.refused.push({ ...scan, answer });
  }
  async dismiss(id) { this.lists.refused = this.lists.refused.filter((scan) => scan.id !== id); }
}

export function recall(name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(`scan-${name}`)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(`scan-${name}`, JSON.stringify(value));
  } catch { /* storage is full or switched off: the choice lasts until the page is closed */ }
}

export function forget(name) {
  try {
    localStorage.removeItem(`scan-${name}`);
  } catch { /* storage is switched off */ }
}

function recalled(start) {
  try {
    const names = Object.keys(localStorage).filter((name) => name.startsWith(`scan-${start}`)).map((name) => name.slice(5));
    return names.map((name) => [name, recall(name, null)]).filter(([, scan]) => scan?.id).sort(([, a], [, b]) => a.at - b.at);
  } catch {
    return [];
  }
}

// Outside a secure context (plain HTTP on a local network) there is no randomUUID, but there are random bytes.
export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
