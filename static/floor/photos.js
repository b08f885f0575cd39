/* Pictures that a step asks for. Each goes to the server as soon as it is taken, and the step is sent with its reference;
   one that did not get through stays on the screen until it has, or is removed.

   <div data-photos="name" data-most="3" data-post="/photos/take/..."> [data-required] data-say-...
     <input type="file" data-picture> ... <ul data-shots> <p class="answer">                                               */
"use strict";
(() => {
  const files = new WeakMap();

  function csrf() { return JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"]; }
  function all(field) { return [...field.querySelectorAll("[data-shot]")]; }
  function say(field, text) { field.querySelector("[data-answer]").textContent = text; }

  /* -- the step waits for what is on its way, and for what it can't do without */
  function describe(field) {
    const shots = all(field), isFull = shots.length >= Number(field.dataset.most);
    const waiting = shots.find((shot) => shot.dataset.shot !== "kept");
    field.querySelectorAll("label.btn").forEach((button) => { button.hidden = isFull; });
    const guard = field.querySelector("[data-guard]");
    guard.required = field.dataset.required !== undefined && shots.length === 0;
    guard.setCustomValidity(!waiting ? "" : waiting.dataset.shot === "sending" ? field.dataset.saySending : field.dataset.sayNotSent);
  }

  function add(field, file) {
    const shot = document.createElement("li");
    shot.innerHTML = '<img alt=""><input type="hidden"><small data-word></small>'
      + '<button type="button" class="btn" data-send-again hidden></button><button type="button" class="btn quiet" data-remove>×</button>';
    shot.querySelector("img").src = URL.createObjectURL(file);
    shot.querySelector("[data-send-again]").textContent = field.dataset.sayAgain;
    shot.querySelector("[data-remove]").setAttribute("aria-label", field.dataset.sayRemove);
    shot.dataset.commandId = window.mfgos.newId();
    files.set(shot, file);
    field.querySelector("[data-shots]").append(shot);
    send(field, shot);
  }

  function became(field, shot, state, text) {
    shot.dataset.shot = state;
    shot.querySelector("[data-word]").textContent = text;
    shot.querySelector("[data-send-again]").hidden = state !== "failed";
    describe(field);
  }

  async function send(field, shot) {
    say(field, "");
    became(field, shot, "sending", field.dataset.saySending);
    let answer = null, text = "";
    try {
      const headers = { "X-CSRFToken": csrf(), "X-Command-Id": shot.dataset.commandId, "Content-Type": "application/octet-stream" };
      answer = await fetch(field.dataset.post, { method: "POST", body: files.get(shot), headers, redirect: "error" });
      text = await answer.text();
    } catch { answer = null; }
    const now = shot.closest("[data-photos]");  // the sheet may have come anew meanwhile
    if (!now) return;
    if (answer && answer.ok) {
      const kept = JSON.parse(text), hidden = shot.querySelector("input");
      [hidden.name, hidden.value] = [`photo.${now.dataset.photos}`, kept.reference];
      const image = shot.querySelector("img");
      URL.revokeObjectURL(image.src);
      image.src = kept.small;
      became(now, shot, "kept", "");
    } else if (answer && answer.status === 409) {
      remove(now, shot);
      say(now, text);
    } else {
      became(now, shot, "failed", now.dataset.sayNotSent);
    }
  }

  function remove(field, shot) {
    shot.remove();
    describe(field);
  }
  function clear(form) {
    form.querySelectorAll("[data-photos]").forEach((field) => {
      all(field).forEach((shot) => { shot.remove(); });
      say(field, "");
      describe(field);
    });
  }

  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-picture]")) return;
    const field = event.target.closest("[data-photos]");
    const free = Number(field.dataset.most) - all(field).length;
    [...event.target.files].slice(0, free).forEach((file) => { add(field, file); });
    event.target.value = "";
    event.target.blur();
  });
  document.addEventListener("click", (event) => {
    const shot = event.target.closest("[data-shot]");
    if (!shot) return;
    const field = shot.closest("[data-photos]");
    if (event.target.closest("[data-remove]")) remove(field, shot);
    if (event.target.closest("[data-send-again]")) send(field, shot);
  });
  document.addEventListener("reset", (event) => { clear(event.target); });
  document.addEventListener("mfgos:acted", (event) => { if (event.detail.status < 300) clear(event.detail.form); });
  /* -- a sheet that comes anew takes over what was taken for the old one; another sheet of the same step gets what is kept */
  document.addEventListener("mfgos:taken-over", (event) => {
    const { from, to, isGone } = event.detail;
    for (const field of to.querySelectorAll("[data-photos]")) {
      const old = from.querySelector(`[data-photos="${CSS.escape(field.dataset.photos)}"]`);
      if (!old) continue;
      const shots = isGone ? all(old) : all(old).filter((shot) => shot.dataset.shot === "kept").map((shot) => shot.cloneNode(true));
      field.querySelector("[data-shots]").replaceChildren(...shots);
      describe(field);
    }
  });
})();
