/* Several stops explained at once: what is chosen stays so while the list comes anew.

   [data-choose]        a stop's box; its value names the stop and the version that was seen
   [data-stop]          opens the sheet for this one     [data-chosen]  for all that are chosen     [data-none]  lets go */
"use strict";
(() => {
  const chosen = new Set();
  const bar = document.getElementById("chosen"), words = bar.querySelector("[data-words]");
  const sheet = document.getElementById("stops-why");
  const boxes = () => [...document.querySelectorAll("[data-choose]")];

  /* -- a stop that is explained, or has become another version, is chosen no more */
  function look() {
    const there = new Set(boxes().map((box) => box.value));
    for (const name of [...chosen]) if (!there.has(name)) chosen.delete(name);
    for (const box of boxes()) box.checked = chosen.has(box.value);
    bar.hidden = !chosen.size;
    words.textContent = words.dataset.words.replace("%s", chosen.size);
  }

  function ask(names) {
    sheet.querySelector("[data-stops]").replaceChildren(...names.map((name) => {
      const field = document.createElement("input");
      field.type = "hidden"; field.name = "stop"; field.value = name;
      return field;
    }));
    sheet.querySelector("[data-of]").textContent = names.length > 1 ? words.dataset.words.replace("%s", names.length) : "";
  }

  document.addEventListener("change", (event) => {
    const box = event.target.closest("[data-choose]");
    if (!box) return;
    if (box.checked) chosen.add(box.value); else chosen.delete(box.value);
    look();
  });
  document.addEventListener("click", (event) => {
    const one = event.target.closest("[data-stop]");
    if (one) ask([one.dataset.stop]);
    if (event.target.closest("[data-chosen]")) ask([...chosen]);
    if (event.target.closest("[data-none]")) { chosen.clear(); look(); }
  });
  document.addEventListener("mfgos:changed", look);
  look();
})();
