// The camera, and a photo where there is none. It stays open after a scan.

const EVERY = 110; // milliseconds between two looks
const GONE = 700; // milliseconds that a code must be out of the picture before it counts as gone,
const LOOKS = 3; // in at least so many looks: a slow device looks rarely
const FORMATS = ["ean_13", "ean_8", "upc_a", "upc_e", "code_128", "code_39", "itf", "data_matrix", "qr_code"];
const OURS = ["EAN13", "EAN8", "UPCA", "UPCE", "Code128", "Code39", "ITF", "DataBar", "DataMatrix", "QRCode"];

let reader = null;

// The browser's own reader where it has one, else ours. Both return the texts in a picture.
async function open() {
  if ("BarcodeDetector" in globalThis) {
    try {
      const known = new Set(await BarcodeDetector.getSupportedFormats());
      const formats = FORMATS.filter((format) => known.has(format));
      if (known.has("ean_13")) {
        const detector = new BarcodeDetector({ formats });
        return async (picture) => (await detector.detect(picture)).map((found) => found.rawValue);
      }
    } catch { /* it is only announced: take ours */ }
  }
  const { prepareZXingModule, readBarcodes } = await import("./zxing/reader.js");
  const place = new URL("./zxing/", import.meta.url);
  prepareZXingModule({ overrides: { locateFile: (name) => new URL(name, place).href } });
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  return async (picture, hard) => {
    const [width, height] = [picture.videoWidth ?? picture.width, picture.videoHeight ?? picture.height];
    if (!width) return [];
    const scale = Math.min(1, (hard ? 2400 : 1280) / Math.max(width, height));
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const image = pen.getImageData(0, 0, canvas.width, canvas.height);
    const options = { formats: OURS, tryHarder: hard, tryRotate: true, tryDownscale: hard, maxNumberOfSymbols: 4 };
    return (await readBarcodes(image, options)).filter((found) => found.isValid).map((found) => found.text);
  };
}

const ready = () => (reader ??= open().catch((error) => { reader = null; throw error; }));

export const isPossible = () => Boolean(navigator.mediaDevices?.getUserMedia);

export async function readPhoto(file) {
  const picture = await createImageBitmap(file);
  try {
    const codes = await (await ready())(picture, true);
    return [...new Map(codes.map((code) => [alike(code), code])).values()];
  } finally {
    picture.close();
  }
}

// One barcode may be read with or without its leading zeros.
const alike = (code) => (/^\d{8,14}$/.test(code) ? code.padStart(14, "0") : code);

// A code is taken once while it is in the picture, and again only when it has left it. Of several codes in one picture, none
// is taken: they may be on one box, which would count twice.
export class Picture {
  seen = new Map();

  fresh(codes, now) {
    const here = new Map(codes.map((code) => [alike(code), code]));
    for (const [key, known] of this.seen) if (!here.has(key)) known.missed += 1;
    const taken = here.size > 1 ? [] : [...here].filter(([key]) => {
      const known = this.seen.get(key);
      return !known || (known.missed >= LOOKS && now - known.at >= GONE);
    });
    for (const key of here.keys()) {
      if (here.size === 1 || this.seen.has(key)) this.seen.set(key, { at: now, missed: 0 });
    }
    return taken.map(([, code]) => code);
  }
}

export class Camera {
  constructor(video, onCode) {
    Object.assign(this, { video, onCode, stream: null, picture: new Picture() });
  }

  get isOpen() { return Boolean(this.stream); }

  async start() {
    const look = await ready();
    this.stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } },
    });
    this.video.srcObject = this.stream;
    await this.video.play();
    this.watch(look, this.stream);
  }

  async watch(look, stream) {
    while (this.stream === stream) {
      try {
        if (!document.hidden && this.video.readyState >= 2) {
          const codes = await look(this.video, false);
          for (const code of this.picture.fresh(codes, performance.now())) this.onCode(code);
        }
      } catch { /* one picture that cannot be read: the next one may */ }
      await new Promise((resolve) => setTimeout(resolve, EVERY));
    }
  }

  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
  }
}
