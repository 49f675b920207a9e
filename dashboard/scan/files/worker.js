// Opens the scan station while the server is away. It keeps the page and its files, nothing about stock or people.

const NAME = "scan-{{VERSION}}-{{LANGUAGE}}";
const BASE = "/scan/files/{{VERSION}}/";
const FILES = [{{"FILES"}}];
const KEPT = ["{{FONT}}", "{{ICON}}", ...FILES.map((name) => BASE + name)];

async function keep() {
  const cache = await caches.open(NAME);
  const page = await fetch("/scan", { cache: "no-store" });
  if (!page.ok || page.redirected) throw new Error("Nobody is signed in.");
  await Promise.all([cache.put("/scan", page), cache.addAll(KEPT)]);
  await self.skipWaiting();
}

self.addEventListener("install", (event) => event.waitUntil(keep()));

self.addEventListener("activate", (event) => {
  const outdated = (names) => names.filter((name) => name.startsWith("scan-") && name !== NAME);
  event.waitUntil(caches.keys().then((names) => Promise.all(outdated(names).map((name) => caches.delete(name))))
    .then(() => self.clients.claim()));
});

async function page(request) {
  try {
    const answer = await fetch(request);
    if (answer.status < 500) return answer;
  } catch { /* the server is away */ }
  return (await caches.match("/scan")) ?? Response.error();
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate" && pathname === "/scan") event.respondWith(page(request));
  else if (KEPT.includes(pathname)) {
    event.respondWith(caches.match(pathname).then((kept) => kept ?? fetch(request)));
  }
});
