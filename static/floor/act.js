/* What a person does on a floor screen: one act, one id, so that a double click or a lost answer never does it twice.

   <body data-panel="/station/.../panel/">   the personal part of the screen, fetched anew after each change
   [data-panel-ways="/station/.../panel/ways/"]  what of it hangs on the workflow, fetched when only that has changed
   <form data-command hx-post ...>           an act; data-failed: what is said when the server was not reached
   <button data-open="sheet"> [data-close]   sheets
   Once a form has its answer, "mfgos:acted" tells with form and status; "mfgos:taken-over" tells that a sheet has what
   was typed in another one, which is gone or stays.                                                                  */
"use strict";
(() => {
  const body = document.body;
  let panelTimer = null, wanted = null;

  function newId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  window.mfgos = { newId };

  function say(text) {
    const notice = document.getElementById("notice");
    notice.hidden = !text;
    notice.querySelector("[data-notice]").textContent = text || "";
  }

  function refreshPanel() {
    clearTimeout(panelTimer);
    if (isPressed) { panelTimer = setTimeout(refreshPanel, 100); return; }
    if (!body.dataset.panel || document.querySelector("form[data-sending]")) return;
    window.htmx.ajax("GET", body.dataset[wanted || "panel"], { swap: "none" });
    wanted = null;
  }
  /* -- what changes with the line is often followed by more; what a workflow changes comes alone, and at all stations */
  const restMilliseconds = { panel: 150, panelWays: 30 };
  function refreshSoon(part) {
    wanted = wanted && wanted !== part ? "panel" : part;
    clearTimeout(panelTimer);
    panelTimer = setTimeout(refreshPanel, restMilliseconds[wanted]);
  }

  /* -- a button that stays the same is not replaced: a press that has begun on it would be lost */
  let isPressed = false;
  for (const [name, now] of [["pointerdown", true], ["pointerup", false], ["pointercancel", false]]) {
    document.addEventListener(name, () => { isPressed = now; }, true);
  }
  /* -- nor is a form on its way, but by its own answer: what the screen asked for before the press would bring a fresh one */
  let answered = null, isDone = false;
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    answered = event.detail.elt.closest("form[data-command]");
    isDone = event.detail.xhr.status < 300;
  });
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    const old = event.detail.target, fresh = event.detail.fragment.firstElementChild;
    if (old.dataset.renew === "each") { event.detail.shouldSwap = false; renewEach(old, fresh); return; }
    const same = old.dataset.same !== undefined ? old.dataset.same === fresh.dataset.same : old.isEqualNode(fresh);
    const sending = old.querySelector("form[data-sending]");
    const isTyped = old.contains(document.activeElement) && document.activeElement.matches("[data-key] .input");
    if (same || (sending && sending !== answered) || (isTyped && !answered)) event.detail.shouldSwap = false;
    else keepOpen(old, fresh);
  });
  /* -- a way that somebody has opened, and what is chosen in it, stays so when the panel comes anew */
  document.addEventListener("focusout", (event) => {
    if (event.target.matches("[data-key] .input")) refreshSoon("panel");
  });
  function keepOpen(old, fresh) {
    for (const part of old.querySelectorAll("[data-key]")) {
      const again = fresh.querySelector(`[data-key="${CSS.escape(part.dataset.key)}"]`);
      if (!again) continue;
      if (part.open) again.open = true;
      if (part.dataset.commandId) again.dataset.commandId = part.dataset.commandId;
      for (const field of again.querySelectorAll(".input")) field.value = part.querySelector(`[name="${field.name}"]`)?.value || "";
    }
  }
  /* -- of sheets each comes and goes by itself: one that is the same stays, and what is typed in one that is not is kept */
  function renewEach(old, fresh) {
    for (const sheet of [...old.children]) if (!fresh.querySelector(`#${CSS.escape(sheet.id)}`) && !isBusy(sheet)) sheet.remove();
    for (const sheet of [...fresh.children]) {
      const standing = document.getElementById(sheet.id);
      if (standing && (standing.dataset.same === sheet.dataset.same || isBusy(standing))) continue;
      const goesOn = standing && standing.open && !(isDone && standing.contains(answered));
      if (goesOn) takeOver(standing, sheet, true);
      if (standing) standing.replaceWith(sheet); else old.append(sheet);
      if (goesOn) sheet.showModal();
      window.htmx.process(sheet);
    }
  }
  function isBusy(sheet) {
    const sending = sheet.querySelector("form[data-sending]");
    return sending && sending !== answered;
  }
  function takeOver(from, to, isGone) {
    for (const field of to.querySelectorAll("[name]:not([type=hidden])")) {
      if (field.name === "pin" && from.contains(answered)) continue;  // it was wrong
      const given = [...from.querySelectorAll(`[name="${CSS.escape(field.name)}"]`)];
      if (field.type === "file") continue;
      if (field.type === "radio") field.checked = given.some((radio) => radio.checked && radio.value === field.value);
      else if (given.length && field.matches("input, textarea")) field.value = given[0].value;
    }
    document.dispatchEvent(new CustomEvent("mfgos:taken-over", { detail: { from, to, isGone } }));
    const form = from.querySelector("form[data-command-id]"), again = to.querySelector("form[data-command]");
    if (form && again && form !== answered) again.dataset.commandId = form.dataset.commandId;
  }

  /* -- htmx takes up a swapped form a moment after it shows: one sent within that moment would leave the page, and what was typed */
  /* -- and where its address or its id has changed meanwhile, htmx forgets which of its buttons was pressed */
  let pressed = null;
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-command]")) return;
    event.preventDefault();
    pressed = event.submitter;
    window.htmx.process(event.target);
  }, true);

  /* -- what is sent keeps its id until the server has answered for good */
  document.addEventListener("htmx:configRequest", (event) => {
    const form = event.detail.elt.closest("form[data-command]");
    if (!form) return;
    form.dataset.commandId = form.dataset.commandId || newId();
    event.detail.parameters.command_id = form.dataset.commandId;
    if (pressed && pressed.form === form && pressed.name) event.detail.parameters[pressed.name] = pressed.value;
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    const form = event.detail.elt.closest("form[data-command]");
    if (!form) return;
    form.dataset.sending = "";
    form.querySelectorAll("button[type=submit]").forEach((button) => { button.disabled = true; });
    say("");
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.detail.elt.closest("form[data-command]");
    if (!form) return;
    delete form.dataset.sending;
    form.querySelectorAll("button[type=submit]").forEach((button) => { button.disabled = false; });
    const status = event.detail.xhr ? event.detail.xhr.status : 0;
    if (status >= 200 && status < 500 && status !== 401) {
      delete form.dataset.commandId;
      document.dispatchEvent(new CustomEvent("mfgos:acted", { detail: { form, status } }));
      if (status < 300 && form.dataset.clearsText !== undefined) form.reset();
      const sheet = form.closest("dialog");
      if (sheet && (status < 300 || form.dataset.stays === undefined)) sheet.close();
      const pin = status >= 400 && form.querySelector("[name=pin]");
      if (pin) { pin.value = ""; pin.focus(); }
    } else {
      say(form.dataset.failed || body.dataset.notSaved);
    }
  });

  /* -- of which stop, at which machine, the sheet asks */
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open=stop-why]");
    if (!opener) return;
    const form = document.querySelector("#stop-why form");
    for (const name of ["downtime", "version"]) form.elements[name].value = opener.dataset[name];
    form.setAttribute("hx-post", opener.dataset.post);
  });

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open]");
    if (opener) {
      const dialog = document.getElementById(opener.dataset.open), from = opener.closest("dialog");
      dialog.querySelectorAll(".answer").forEach((answer) => { answer.textContent = ""; });
      if (from && from.closest("[data-renew]")) takeOver(from, dialog, false);
      dialog.showModal();
      const first = dialog.querySelector("input:not([type=hidden], [type=radio], [type=file]), textarea");
      if (first) first.focus();
    }
    if (event.target.closest("dialog [data-close]")) event.target.closest("dialog").close();
  });

  /* -- badge and PIN that somebody began to type are nobody else's to see or send */
  document.addEventListener("close", (event) => {
    event.target.querySelectorAll("form:has([name=pin])").forEach((form) => form.reset());
  }, true);

  /* -- a change on the line may change what this person can do; the lock falls by itself */
  document.addEventListener("mfgos:changed", (event) => {
    const part = (event.detail?.fragment || "").split(":")[0];
    refreshSoon(part === "station-buttons" && body.dataset.panelWays ? "panelWays" : "panel");
  });
})();
