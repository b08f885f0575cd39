/* The phone's service worker: shows what is told of an exception, and leads to where it is answered.
   Its words come in its own address (?words={...}): it has no page to read them from. */
"use strict";
const words = JSON.parse(new URL(self.location).searchParams.get("words") || "{}");

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

/* -- browsers take the subscription from those who are told something and show nothing: what can't be read is shown too */
function read(event) {
  try { return event.data.json(); } catch { return {}; }
}

self.addEventListener("push", (event) => {
  const told = read(event);
  const actions = [["going", words.going], ["open", words.open]].filter(([, title]) => title);
  event.waitUntil(self.registration.showNotification(told.title || words.unreadable || "mfgos", {
    body: told.body || "",
    tag: told.tag || "",
    /* the next step of the same exception rings again */
    renotify: Boolean(told.tag),
    requireInteraction: true,
    data: { url: told.url || self.registration.scope, key: told.key || "" },
    actions: actions.map(([action, title]) => ({ action, title })),
  }));
});

/* -- only within what is ours: a push that names another place leads to the first page */
function goal(notification, action) {
  const asked = new URL(notification.data.url, self.registration.scope);
  const url = asked.origin === self.location.origin ? asked : new URL(self.registration.scope);
  if (action === "going") url.hash = "going";
  return url.href;
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const url = goal(event.notification, event.action);
  event.waitUntil((async () => {
    const open = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    const same = open.find((client) => client.url.split("#")[0] === url.split("#")[0]);
    if (!same) return self.clients.openWindow(url);
    await same.focus();
    return same.url === url ? same : same.navigate(url);
  })());
});

/* -- without a connection the phone says so; it never shows an old page as if it were the present one */
function offline() {
  const text = page(words.offline || "mfgos: no connection");
  return new Response(text, { status: 503, headers: { "Content-Type": "text/html; charset=utf-8" } });
}

function page(sentence) {
  const safe = sentence.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
  return `<!doctype html><meta name="viewport" content="width=device-width"><p role="alert" `
    + `style="font:600 1.25rem system-ui;padding:2rem">${safe}</p>`;
}

self.addEventListener("fetch", (event) => {
  if (event.request.mode === "navigate") event.respondWith(fetch(event.request).catch(offline));
});
