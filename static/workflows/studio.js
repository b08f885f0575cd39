// The editor of a draft, and the form of a rule: what is typed and not saved is not left without a word.
"use strict";

(() => {
  let typed = false, shown = null;

  const form = () => document.getElementById("studio-form");
  const desk = () => document.getElementById("studio");

  // A form that has stayed, as while something beside it moves, has what was typed in it.
  function look() {
    if (form() === shown) return;
    shown = form();
    typed = Boolean(shown && "typed" in shown.dataset);
  }

  for (const kind of ["input", "change"]) {
    document.addEventListener(kind, (event) => {
      if (form() && form().contains(event.target)) typed = true;
    });
  }

  // What is typed while other fields are on their way stays: it is put into the form that comes.
  // By request: a second one may be on its way before the first has come back.
  const sent = new WeakMap();
  let late = [];

  const boxes = (field) => field.type === "checkbox" || field.type === "radio";
  const named = (field) => (boxes(field) ? `${field.name}=${field.value}` : field.name);
  const worth = (field) => (boxes(field) ? field.checked : field.value);
  const fields = () =>
    [...(form()?.elements ?? [])].filter((field) => field.name && field.type !== "hidden" && field.type !== "submit");

  document.addEventListener("htmx:beforeRequest", (event) => {
    const isRefresh = event.detail.elt.matches("[hx-vals]") && form()?.contains(event.detail.elt);
    if (isRefresh) sent.set(event.detail.xhr, new Map(fields().map((field) => [named(field), worth(field)])));
  });

  function keepLate(request) {
    const before = sent.get(request);
    late = before ? fields().filter((field) => before.get(named(field)) !== worth(field)) : [];
  }

  function putLate() {
    for (const field of late) {
      const now = fields().find((other) => named(other) === named(field));
      if (now && boxes(now)) now.checked = field.checked;
      else if (now) now.value = field.value;
    }
    late = [];
  }

  // Links and undo show another form; what is pressed within the form, and moving beside it, keeps what is typed.
  document.addEventListener("htmx:confirm", (event) => {
    const from = event.detail.elt;
    if (!typed || !desk() || !desk().contains(from)) return;
    const stays = form().contains(from) || from.matches("[data-keeps]");
    if (stays && !from.matches("a")) return;
    event.preventDefault();
    if (window.confirm(desk().dataset.unsaved)) event.detail.issueRequest(true);
  });

  // The list stays where it was, and shows what is chosen.
  let scrolled = 0;
  const list = () => document.getElementById("studio-list");

  function show() {
    if (!list()) return;
    list().scrollTop = scrolled;
    list().querySelector(".studio-chosen")?.scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("htmx:beforeSwap", (event) => {
    keepLate(event.detail.xhr);
    scrolled = list()?.scrollTop ?? 0;
  });

  document.addEventListener("htmx:afterSettle", () => {
    putLate();
    look();
    show();
  });

  // Where a page is left for good the browser asks in its own words.
  window.addEventListener("beforeunload", (event) => {
    if (typed) event.preventDefault();
  });

  document.addEventListener("submit", (event) => {
    if (event.target === form()) typed = false;
  });

  // What has not come through is still typed only here.
  for (const failure of ["htmx:sendError", "htmx:responseError"]) {
    document.addEventListener(failure, (event) => {
      if (form()?.contains(event.detail.elt)) typed = true;
    });
  }

  look();
  show();
})();
