// The live parts of the pages. Everything works without it, after a reload.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

  // --- Times -------------------------------------------------------------

  const span = (seconds) => {
    const s = Math.max(0, seconds);
    if (s < 10) return `${s.toFixed(1)} s`;
    if (s < 60) return `${Math.floor(s)} s`;
    if (s < 3600) return `${Math.floor(s / 60)} min ${String(Math.floor(s % 60)).padStart(2, "0")} s`;
    return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, "0")} min`;
  };
  const ago = (seconds) => {
    const s = Math.max(0, Math.floor(seconds));
    if (s < 60) return "just now";
    if (s < 3600) return `${Math.floor(s / 60)} min ago`;
    if (s < 86400) return `${Math.floor(s / 3600)} h ago`;
    return `${Math.floor(s / 86400)} d ago`;
  };
  // The server's clock counts, not the reader's.
  const skew = Date.now() - Date.parse(document.body.dataset.now);
  const since = (text) => (Date.now() - skew - Date.parse(text)) / 1000;
  const tick = () => {
    for (const el of $$("[data-since]")) el.textContent = span(since(el.dataset.since));
    for (const el of $$("time[data-ago]")) el.textContent = ago(since(el.dateTime));
  };
  setInterval(tick, 1000);

  // --- Parts that the server renders anew -----------------------------------

  let refreshing = false;
  let again = false;
  const refresh = async () => {
    if (refreshing) { again = true; return; }
    refreshing = true;
    try {
      const answer = await fetch(location.pathname + location.search, { headers: { accept: "text/html" } });
      if (answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const old of $$("[data-live]")) {
          const now = fresh.getElementById(old.id);
          if (now && now.outerHTML !== old.outerHTML && !old.contains(document.activeElement)) old.replaceWith(now);
        }
        document.title = fresh.title;
        tick();
      }
    } catch { /* the server is away; the next round tries again */ }
    refreshing = false;
    if (again) { again = false; refresh(); }
  };
  const poll = Number(document.body.dataset.poll || 0);
  if (poll) setInterval(() => { if (!document.hidden && $("[data-unfinished]")) refresh(); }, poll);
})();
