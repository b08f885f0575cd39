/* Before the first paint: ?theme=dark in the address is remembered by this browser; else what the device prefers. */
"use strict";
(() => {
  const asked = new URLSearchParams(location.search).get("theme");
  if (asked) localStorage.setItem("theme", asked);
  const theme = asked || localStorage.getItem("theme")
    || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  document.documentElement.dataset.theme = theme === "dark" ? "dark" : "light";
})();
