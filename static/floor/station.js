/* One act, one id: a double click or a lost answer never books twice. Typed digits stay until the server has them. */
"use strict";
(() => {
  const body = document.body;
  let panelTimer = null;

  function newId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  function say(text) {
    const notice = document.getElementById("notice");
    notice.hidden = !text;
    notice.querySelector("[data-notice]").textContent = text || "";
  }

  function refreshPanel() {
    clearTimeout(panelTimer);
    if (isPressed) { panelTimer = setTimeout(refreshPanel, 100); return; }
    if (!document.querySelector("form[data-sending]")) window.htmx.ajax("GET", body.dataset.panel, { swap: "none" });
  }

  /* -- a button that stays the same is not replaced: a press that has begun on it would be lost */
  let isPressed = false;
  for (const [name, now] of [["pointerdown", true], ["pointerup", false], ["pointercancel", false]]) {
    document.addEventListener(name, () => { isPressed = now; }, true);
  }
  /* -- nor is a form on its way, but by its own answer: what the screen asked for before the press would bring a fresh one */
  let answered = null;
  document.addEventListener("htmx:beforeOnLoad", (event) => { answered = event.detail.elt.closest("form[data-command]"); });
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    const old = event.detail.target, fresh = event.detail.fragment.firstElementChild;
    const same = old.dataset.same !== undefined ? old.dataset.same === fresh.dataset.same : old.isEqualNode(fresh);
    const sending = old.querySelector("form[data-sending]");
    if (same || (sending && sending !== answered)) event.detail.shouldSwap = false;
    else keepOpen(old, fresh);
  });
  /* -- a way that somebody has opened, and what is chosen in it, stays so when the panel comes anew */
  function keepOpen(old, fresh) {
    for (const open of old.querySelectorAll("form.exit details[open]")) {
      const form = open.closest("form"), given = new FormData(form);
      const same = [...fresh.querySelectorAll("form.exit")].find(
        (other) => ["job", "edge"].every((name) => new FormData(other).get(name) === given.get(name)));
      if (!same || !same.querySelector("details")) continue;
      same.querySelector("details").open = true;
      if (form.dataset.commandId) same.dataset.commandId = form.dataset.commandId;
      for (const field of same.querySelectorAll("[name^='input.']")) {
        if (field.type === "radio") field.checked = field.value === given.get(field.name);
        else field.value = given.get(field.name) || "";
      }
    }
  }

  /* -- htmx takes up a swapped form a moment after it shows: one sent within that moment would leave the page, and what was typed */
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-command]")) return;
    event.preventDefault();
    window.htmx.process(event.target);
  }, true);

  /* -- what is sent keeps its id until the server has answered for good */
  document.addEventListener("htmx:configRequest", (event) => {
    const form = event.detail.elt.closest("form[data-command]");
    if (!form) return;
    form.dataset.commandId = form.dataset.commandId || newId();
    event.detail.parameters.command_id = form.dataset.commandId;
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
      if (status < 300 && form.dataset.clears !== undefined) clearCount();
      const scan = form.querySelector("[data-scan]");
      if (status >= 400 && scan) scan.select(); // the next label read takes the place of the refused one
      const sheet = form.closest("dialog");
      if (sheet && (status < 300 || form.dataset.stays === undefined)) sheet.close();
      const pin = status >= 400 && form.querySelector("[name=pin]");
      if (pin) { pin.value = ""; pin.focus(); }
    } else {
      say(body.dataset.notSaved);
    }
  });

  /* -- the keypad types into the chosen field; a keyboard does as well */
  function chosen() { return document.querySelector(".main .input.on"); }
  function choose(field) {
    document.querySelectorAll(".main .input").forEach((other) => other.classList.toggle("on", other === field));
    describe();
  }
  function clearCount() {
    document.querySelectorAll("#count .input").forEach((field) => { field.value = ""; });
    document.querySelectorAll("#scrap-sheet input").forEach((radio) => { radio.checked = false; });
    choose(document.querySelector("#do .input") || firstToCount());
  }
  function firstToCount() {
    return [...document.querySelectorAll("#count .input")].find((field) => field.offsetParent) || null;
  }

  /* -- a step that comes up takes the keypad, and the scanner where it scans; one that stays is left alone */
  let shown = null;
  function takeUpStep() {
    const field = document.querySelector("#do .input");
    if (field && field !== shown) choose(field);
    else if (!chosen() || !chosen().offsetParent) choose(firstToCount());
    shown = field;
    const isFree = !document.activeElement || document.activeElement === document.body;
    if (field && field.dataset.scan !== undefined && isFree && !document.querySelector("dialog[open]")) field.focus();
    describe();
  }

  /* -- what is measured: inside or outside, where in the bar, and what the button will do */
  function decimal(text) {
    const plain = text.trim().replace(",", ".").replace("\u2212", "-");
    return /^-?\d*\.?\d+$/.test(plain) ? Number(plain) : NaN;
  }
  function describeMeasure() {
    const field = document.querySelector("#do [data-type]");
    if (!field) return;
    const value = decimal(field.value), known = !Number.isNaN(value);
    const { low, high } = field.dataset;
    const within = known && (low === "" || value >= decimal(low)) && (high === "" || value <= decimal(high));
    const limited = low !== "" || high !== "";
    document.querySelector("#do [data-inside]").hidden = !known || !within || !limited;
    document.querySelector("#do [data-outside]").hidden = !known || within;
    const button = document.querySelector("#do [data-go]");
    button.querySelector("span").textContent = known
      ? (within ? button.dataset.within : button.dataset.beyond).replace("%s", field.value.trim()) : button.dataset.empty;
    const bar = document.querySelector("#do .limits");
    if (!bar) return;
    const at = Number(bar.dataset.fromX) + (value - Number(bar.dataset.fromValue)) * Number(bar.dataset.scale);
    const mark = bar.querySelector(".nowp");
    mark.setAttribute("visibility", known ? "visible" : "hidden");
    if (known) mark.setAttribute("transform", `translate(${Math.min(488, Math.max(12, at)).toFixed(1)} 0)`);
  }
  function number(name) {
    const field = document.querySelector(`#count [name=${name}]`);
    return field ? field.value.trim() : "";
  }
  function describe() {
    describeMeasure();
    const good = number("good"), scrap = number("scrap");
    const why = document.getElementById("scrap-why");
    const reason = document.querySelector("#scrap-sheet input:checked");
    const button = document.querySelector("#count [data-book]");
    if (why) {
      why.hidden = !(scrap && scrap !== "0");
      why.textContent = reason ? reason.dataset.label : why.dataset.empty;
      why.setAttribute("aria-pressed", String(Boolean(reason)));
    }
    if (!button) return;
    const parts = [];
    if (good && good !== "0") parts.push(`${good} ${button.dataset.good}`);
    if (scrap && scrap !== "0") parts.push(`${scrap} ${button.dataset.scrap}`);
    button.querySelector("span").textContent = parts.length
      ? button.dataset.full.replace("%s", parts.join(" + ")) : button.dataset.empty;
  }
  document.addEventListener("focusin", (event) => { if (event.target.matches(".main .input")) choose(event.target); });
  document.addEventListener("input", (event) => { if (event.target.matches(".main .input")) describe(); });
  document.addEventListener("click", (event) => {
    const key = event.target.closest("[data-key]");
    if (key) {
      const field = document.querySelector(key.closest("[data-keypad]").dataset.keypad) || chosen();
      if (!field) return;
      if (key.dataset.key === "clear") field.value = "";
      else if (key.dataset.mark !== undefined && /[.,]/.test(field.value)) return;
      else if (key.dataset.key === "back") field.value = field.value.slice(0, -1);
      else field.value += key.dataset.key;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    const opener = event.target.closest("[data-open]");
    if (opener) {
      const dialog = document.getElementById(opener.dataset.open);
      dialog.querySelectorAll(".answer").forEach((answer) => { answer.textContent = ""; });
      dialog.showModal();
      const first = dialog.querySelector("input:not([type=hidden])");
      if (first) first.focus();
    }
    if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
  });

  /* -- badge and PIN that somebody began to type are nobody else's to see or send */
  document.addEventListener("close", (event) => {
    event.target.querySelectorAll("form:has([name=pin])").forEach((form) => form.reset());
  }, true);

  document.addEventListener("change", (event) => {
    if (!event.target.matches("#scrap-sheet input")) return;
    event.target.closest("dialog").close();
    describe();
  });

  /* -- a badge goes to the sheet that is open and asks for one, else to the sign-in */
  function takeBadge(badge) {
    const dialog = document.querySelector("dialog[open]:has([name=badge])") || document.getElementById("sign-in");
    if (!dialog.open) dialog.showModal();
    dialog.querySelector("[name=badge]").value = badge;
    dialog.querySelector("[name=pin]").focus();
  }
  document.addEventListener("mfgos:clocked", () => document.getElementById("crew-sheet").close());
  document.addEventListener("mfgos:badge", () => {
    const scan = document.querySelector("#do [data-scan]");
    if (!scan) return;
    takeBadge(scan.value.trim());
    scan.value = "";
  });

  /* -- what the scanner reads while nobody types goes to the step that scans; else a badge opens the sign-in with the badge in it */
  const WEDGE_GAP_MS = 300;
  let wedge = "", wedgeAt = 0;
  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input, textarea") || event.ctrlKey || event.altKey || event.metaKey) return;
    // When the key was pressed, not when this page got round to it.
    if (event.timeStamp - wedgeAt > WEDGE_GAP_MS) wedge = "";
    wedgeAt = event.timeStamp;
    const scan = document.querySelector("#do [data-scan]");
    if (event.key === "Enter" && wedge && scan && !document.querySelector("dialog[open]")) {
      scan.value = wedge;
      scan.form.requestSubmit();
      wedge = "";
      event.preventDefault();
    } else if (event.key === "Enter" && wedge.length >= 4) {
      takeBadge(wedge);
      wedge = "";
      event.preventDefault();
    } else if (event.key.length === 1) {
      wedge += event.key;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("dialog [name=badge]")) {
      event.preventDefault();
      event.target.form.querySelector("[name=pin]").focus();
    }
  });

  /* -- a change on the line may change what this person can do; the lock falls by itself */
  document.addEventListener("mfgos:changed", () => {
    clearTimeout(panelTimer);
    panelTimer = setTimeout(refreshPanel, 150);
  });
  document.addEventListener("htmx:afterSettle", takeUpStep);
  document.addEventListener("htmx:oobAfterSwap", takeUpStep);
  /* -- when somebody of another language is locked out, the rest of the screen follows */
  document.addEventListener("htmx:oobAfterSwap", () => {
    const who = document.getElementById("who");
    followLanguage(who);
  });
  function followLanguage(who) {
    const typed = [...document.querySelectorAll("#count .input, #do .input")].some((field) => field.value);
    const busy = typed || document.querySelector("form[data-sending], dialog[open]");
    if (who && who.dataset.language !== body.dataset.language && !busy) location.reload();
  }
  setInterval(() => {
    followLanguage(document.getElementById("who"));
    const who = document.getElementById("who");
    if (who && who.dataset.locksAt && Date.now() > Number(who.dataset.locksAt)) refreshPanel();
  }, 1000);
  document.addEventListener("DOMContentLoaded", takeUpStep);
})();
