/* Switches push on and off on this phone. The page says where and in which words:

   <section data-push data-script="/phone/push.js" data-scope="/phone/" data-key="(public key)"
            data-save="(takes the subscription)" data-drop="(forgets it)" data-words='{"on": "...", ...}'>
     {% csrf_token %} <p role="status" data-push-state></p>
     <button type="button" data-push-on hidden> <button type="button" data-push-off hidden>
   </section>

   words: on, off, denied, unsupported, insecure, failed; and those of push.js: going, open, offline, unreadable */
"use strict";
(() => {
  const place = document.querySelector("[data-push]");
  if (!place) return;
  const words = JSON.parse(place.dataset.words);
  const [on, off, state] = ["on", "off", "state"].map((name) => place.querySelector(`[data-push-${name}]`));

  function show(name) {
    state.textContent = words[name] || "";
    place.dataset.state = name;
    on.hidden = !["off", "failed"].includes(name);
    off.hidden = name !== "on";
    on.disabled = off.disabled = false;
  }

  function bytes(text) {
    const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
  }

  function isOurs(subscription) {
    const key = subscription.options.applicationServerKey;
    const wanted = bytes(place.dataset.key);
    return !key || (key.byteLength === wanted.length && new Uint8Array(key).every((byte, n) => byte === wanted[n]));
  }

  async function tell(url, subscription) {
    const answer = await fetch(url, {
      method: "POST",
      credentials: "same-origin",
      headers: {
        "Content-Type": "application/json",
        "X-CSRFToken": place.querySelector("[name=csrfmiddlewaretoken]").value,
      },
      body: JSON.stringify(subscription),
    });
    /* a login page instead of the answer is none */
    if (!answer.ok || answer.redirected) throw new Error(`not taken: ${answer.status}`);
  }

  async function worker() {
    const known = new URLSearchParams({ words: JSON.stringify(words) });
    await navigator.serviceWorker.register(`${place.dataset.script}?${known}`, { scope: place.dataset.scope });
    /* not `ready`: it waits for ever where the page lies outside of the scope */
    const registration = await navigator.serviceWorker.getRegistration(place.dataset.scope);
    const coming = registration.installing || registration.waiting;
    if (!registration.active && coming) {
      await new Promise((resolve, reject) => coming.addEventListener("statechange", () => {
        if (coming.state === "activated") resolve();
        if (coming.state === "redundant") reject(new Error("the worker did not start"));
      }));
    }
    return registration;
  }

  /* -- asked only after a press: browsers silence pages that ask by themselves */
  async function switchOn() {
    if (await Notification.requestPermission() !== "granted") return show("denied");
    const registration = await worker();
    const old = await registration.pushManager.getSubscription();
    if (old && !isOurs(old)) await old.unsubscribe();
    const subscription = await registration.pushManager.subscribe(
      { userVisibleOnly: true, applicationServerKey: bytes(place.dataset.key) });
    await tell(place.dataset.save, subscription);
    return show("on");
  }

  /* -- the server first: a phone that it goes on telling would be silent, and look reached */
  async function switchOff() {
    const registration = await navigator.serviceWorker.getRegistration(place.dataset.scope);
    const subscription = registration && await registration.pushManager.getSubscription();
    if (subscription) {
      await tell(place.dataset.drop, subscription);
      await subscription.unsubscribe();
    }
    return show("off");
  }

  /* -- browsers renew subscriptions by themselves: each visit tells the server the present one */
  async function look() {
    if (Notification.permission === "denied") return show("denied");
    const registration = await navigator.serviceWorker.getRegistration(place.dataset.scope);
    const subscription = registration && await registration.pushManager.getSubscription();
    if (!subscription || !isOurs(subscription)) return show("off");
    await tell(place.dataset.save, subscription);
    return show("on");
  }

  function attempt(step) {
    on.disabled = off.disabled = true;
    step().catch(() => show("failed"));
  }

  if (!window.isSecureContext) { show("insecure"); return; }
  if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) { show("unsupported"); return; }
  on.addEventListener("click", () => attempt(switchOn));
  off.addEventListener("click", () => attempt(switchOff));
  attempt(look);
})();
