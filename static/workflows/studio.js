// The editor of a draft: what is typed and not saved is not left without a word.
"use strict";

(() => {
  let typed = false;

  const form = () => document.getElementById("studio-form");
  const desk = () => document.getElementById("studio");

  function look() {
    typed = Boolean(form() && "typed" in form().dataset);
  }

  for (const kind of ["input", "change"]) {
    document.addEventListener(kind, (event) => {
      if (form() && form().contains(event.target)) typed = true;
    });
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

  document.addEventListener("htmx:beforeSwap", () => {
    scrolled = list()?.scrollTop ?? 0;
  });

  document.addEventListener("htmx:afterSettle", () => {
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

  look();
  show();
})();
