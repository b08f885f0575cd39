/* The live channel of a floor screen: swaps fragments, keeps the plant's clock, and never lets a screen be silently stale.

   <body data-live="line-board:7 station:5" data-language="en">
   A frame's top-level elements replace those with the same id. What somebody is typing in lies outside of them.
   Times run here, by the plant's clock, so that nothing is sent for a second that has passed:
   [data-since]  how long ago       [data-countdown]  how long still       [data-due][data-begun]  a clock of an exception */
"use strict";
(() => {
  const body = document.body;
  const fragments = (body.dataset.live || "").split(" ").filter(Boolean);
  const retryMilliseconds = [200, 500, 1000, 2000, 3000];
  const silenceMilliseconds = 12000;
  let socket = null, attempt = 0, lastHeard = 0, stale = true;
  let plant = { at: Date.now(), real: Date.now(), rate: 1, known: false };

  function connect() {
    const query = new URLSearchParams(fragments.map((name) => ["fragment", name]));
    query.append("language", body.dataset.language || "en");
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    socket = new WebSocket(`${scheme}://${location.host}/live/?${query}`);
    socket.onmessage = (message) => receive(JSON.parse(message.data));
    socket.onclose = (event) => {
      setStale(true);
      if (event.code === 4403 || event.code === 4404) { location.reload(); return; }
      const wait = retryMilliseconds[Math.min(attempt, retryMilliseconds.length - 1)];
      attempt += 1;
      setTimeout(connect, wait * (0.75 + Math.random() / 2));
    };
  }

  function receive(frame) {
    lastHeard = Date.now();
    attempt = 0;
    if ("beat" in frame) {
      socket.send(JSON.stringify({ beat: frame.beat }));
      if (frame.now) plant = { at: Date.parse(frame.now), real: Date.now(), rate: frame.rate, known: true };
      setStale(frame.stale);
      return;
    }
    setStale(false);
    swap(frame.html);
    document.dispatchEvent(new CustomEvent("mfgos:changed", { detail: { fragment: frame.fragment } }));
  }

  function swap(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    for (const fresh of [...template.content.children]) {
      const old = document.getElementById(fresh.id);
      if (!old || old.isEqualNode(fresh)) continue;
      const scrolled = [...old.querySelectorAll("[data-keep-scroll]")].map((part) => part.scrollTop);
      flash(old, fresh);
      old.replaceWith(fresh);
      fresh.querySelectorAll("[data-keep-scroll]").forEach((part, index) => { part.scrollTop = scrolled[index] || 0; });
      const step = fresh.querySelector("[aria-current=step]");
      if (step) step.scrollIntoView({ block: "nearest" });
      if (window.htmx) window.htmx.process(fresh);
    }
    tick();
  }

  /* A changed number tints once; at most one in a fragment, so that the eye knows where to go. */
  function flash(old, fresh) {
    for (const value of fresh.querySelectorAll("[data-value]")) {
      const before = old.querySelector(`[data-value="${value.dataset.value}"]`);
      if (before && before.textContent !== value.textContent) { value.classList.add("flash"); return; }
    }
  }

  function setStale(now) {
    if (now !== stale) { stale = now; tick(); }
  }

  function tick() {
    const silent = Date.now() - lastHeard;
    const isStale = stale || silent > silenceMilliseconds;
    const seconds = lastHeard ? Math.floor(silent / 1000) : 0;
    const age = `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
    document.querySelectorAll("[data-live-part]").forEach((part) => {
      part.classList.toggle("stale", isStale);
      if (isStale) part.dataset.stale = (body.dataset.staleText || "no news for %s").replace("%s", age);
    });
    document.querySelectorAll("[data-link]").forEach((part) => {
      part.className = isStale ? "is-warn" : "is-run";
      part.querySelector("[data-link-word]").textContent = isStale
        ? (body.dataset.staleText || "no news for %s").replace("%s", age) : body.dataset.liveText || "Live";
    });
    body.classList.toggle("is-stale", isStale);
    if (plant.known) {
      const shown = new Date(plant.at + (Date.now() - plant.real) * plant.rate);
      document.querySelectorAll("[data-clock]").forEach((clock) => {
        clock.textContent = shown.toLocaleTimeString(body.dataset.language || "en", {
          hour: "2-digit", minute: "2-digit", hour12: false, timeZone: clock.dataset.clock });
      });
      run(shown.getTime());
    }
  }

  function span(milliseconds) {
    const seconds = Math.max(0, Math.floor(milliseconds / 1000)), minutes = Math.floor(seconds / 60);
    const two = (number) => String(number).padStart(2, "0");
    if (minutes < 100) return `${two(minutes)}:${two(seconds % 60)}`;
    if (minutes < 2880) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)}`;
    return `${Math.floor(minutes / 1440)} d`;
  }
  function run(now) {
    for (const part of document.querySelectorAll("[data-since]")) part.textContent = span(now - Date.parse(part.dataset.since));
    for (const part of document.querySelectorAll("[data-countdown]")) {
      part.textContent = span(Date.parse(part.dataset.countdown) - now);
    }
    for (const part of document.querySelectorAll("[data-due]")) {
      const due = Date.parse(part.dataset.due), left = due - now;
      const share = Math.max(0, Math.min(1, left / Math.max(1, due - Date.parse(part.dataset.begun))));
      part.classList.toggle("over", left < 0);
      part.classList.toggle("is-warn", left >= 0 && share < 0.5);
      part.style.setProperty("--p", share.toFixed(3));
      part.querySelector("b").textContent = span(Math.abs(left));
      part.querySelector("small").textContent = left < 0 ? part.dataset.over : part.dataset.left;
    }
  }

  if (fragments.length) { connect(); setInterval(tick, 1000); }
})();
