/* The station: keypad, steps, badges, and the lock. What is sent goes by act.js. */
"use strict";
(() => {
  const body = document.body;

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
  });

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
    const lots = [...document.querySelectorAll("dialog[open] [data-lot]")].filter((field) => field.value);
    const scan = lots.pop() || document.querySelector("#do [data-scan]");
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
    const scan = document.querySelector("#do [data-scan]"), lot = lotAskedFor();
    if (event.key === "Enter" && wedge && lot) {
      lot.value = wedge;
      goOnFrom(lot);
      wedge = "";
      event.preventDefault();
    } else if (event.key === "Enter" && wedge && scan && !document.querySelector("dialog[open]")) {
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
    if (event.key !== "Enter" || !event.target.matches("dialog [name=badge], dialog [data-lot]")) return;
    event.preventDefault();
    goOnFrom(event.target);
  });
  /* -- a label that was read does not send a sheet in which something else is still to be filled in */
  function lotAskedFor() {
    return [...document.querySelectorAll("dialog[open] [data-lot]")].find((field) => !field.value);
  }
  function goOnFrom(field) {
    const fields = [...field.form.querySelectorAll("input:not([type=hidden], [type=radio], [type=file]), textarea")];
    const following = fields.slice(fields.indexOf(field) + 1).find((other) => !other.value);
    if (following) following.focus();
    else field.form.requestSubmit();
  }

  /* -- what is typed stays until the server has it; the next label read takes the place of the refused one */
  document.addEventListener("mfgos:acted", (event) => {
    const { form, status } = event.detail, isDone = status < 300;
    if (isDone && form.dataset.clears !== undefined) clearCount();
    const scan = form.querySelector("[data-scan]");
    if (!isDone && scan) scan.select();
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
    const isOver = who && who.dataset.locksAt && Date.now() > Number(who.dataset.locksAt);
    if (isOver) document.dispatchEvent(new Event("mfgos:changed"));
  }, 1000);
  document.addEventListener("DOMContentLoaded", takeUpStep);
})();
