/* What nobody has answered is heard: a short tone from this screen, again and again, until somebody answers.

   [data-ring="17:2"]  in a live part: an exception without an answer, and how far it has climbed
   [data-mute]         quiet for two minutes; what comes meanwhile is heard all the same
   [data-sound-off]    shown until this browser lets the screen sound: it wants a touch first
   <body data-me data-you>  whose screen it is: that person is called "you"                                          */
"use strict";
(() => {
  const body = document.body;
  const repeatMilliseconds = 5000, muteMilliseconds = 120000;
  const tones = [[660, 0, 0.18], [880, 0.22, 0.3]]; // hertz, begins, ends after so many seconds
  const audio = new AudioContext();
  let last = 0, mute = { until: 0, rings: new Set() };

  function rings() { return [...document.querySelectorAll("[data-ring]")].map((part) => part.dataset.ring); }
  function isMuted(open) { return Date.now() < mute.until && open.every((ring) => mute.rings.has(ring)); }

  function sound() {
    for (const [hertz, begins, lasts] of tones) {
      const tone = audio.createOscillator(), volume = audio.createGain();
      const start = audio.currentTime + begins;
      tone.frequency.value = hertz;
      volume.gain.setValueAtTime(0.0001, start);
      volume.gain.exponentialRampToValueAtTime(0.4, start + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.0001, start + lasts);
      tone.connect(volume).connect(audio.destination);
      tone.start(start);
      tone.stop(start + lasts + 0.05);
    }
  }

  /* -- what was said to who called is no news once somebody has answered, or after a while */
  const saidMilliseconds = 20000;
  function forget(open) {
    const said = document.querySelector("[data-said]:not([hidden])");
    if (!said) return;
    said.dataset.at = said.dataset.at || Date.now();
    if (open.includes(said.dataset.said)) said.dataset.heard = "";
    const isAnswered = said.dataset.heard !== undefined && !open.includes(said.dataset.said);
    said.hidden = isAnswered || Date.now() - Number(said.dataset.at) > saidMilliseconds;
  }

  function allow() {
    if (audio.state !== "running") audio.resume().then(look);
  }

  function look() {
    const open = rings(), may = audio.state === "running";
    const state = !open.length ? "quiet" : isMuted(open) ? "muted" : may ? "ringing" : "off";
    body.dataset.sound = state;
    document.querySelectorAll("[data-sound-off]").forEach((part) => { part.hidden = may; });
    document.querySelectorAll("[data-mute]").forEach((button) => {
      const left = Math.max(0, Math.ceil((mute.until - Date.now()) / 1000));
      const time = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
      button.disabled = state === "muted";
      button.querySelector("span").textContent = state === "muted" ? button.dataset.muted.replace("%s", time) : button.dataset.mute;
    });
    if (state === "ringing" && Date.now() - last >= repeatMilliseconds) { last = Date.now(); sound(); }
    forget(open);
    for (const name of body.dataset.me ? document.querySelectorAll(`[data-person="${body.dataset.me}"]`) : []) {
      name.textContent = body.dataset.you;
    }
  }

  document.addEventListener("pointerdown", allow, true);
  document.addEventListener("keydown", allow, true);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-mute]")) return;
    mute = { until: Date.now() + muteMilliseconds, rings: new Set(rings()) };
    look();
  });
  document.addEventListener("mfgos:changed", look);
  document.addEventListener("htmx:afterSettle", look);
  /* -- a wall display may be allowed to sound from the start */
  audio.addEventListener("statechange", look);
  look();
  setInterval(look, 1000);
})();
