// The live parts of the pages. Everything works without it, after a reload.
"use strict";
(() => {
  const MAX_LINES = 20000; // in the page; the raw log has the rest
  const MAX_LINE_CHARS = 65536;
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

  // --- One line of output --------------------------------------------------

  // CSI, OSC and two-character sequences; only `CSI … m` means something here.
  const ESCAPES = /\x1b(?:\[([0-?]*)([ -\/]*)([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -\/]*[0-~])/g;
  const CONTROLS = /[\x00-\x08\x0a-\x0c\x0e-\x1f\x7f-\x9f]/g;
  const BIDI = /[\u202a-\u202e\u2066-\u2069]/g;

  const sgr = (style, params) => {
    const list = params.split(/[;:]/).map((p) => Number(p) || 0);
    for (let i = 0; i < list.length; i++) {
      const p = list[i];
      if (p === 0) Object.assign(style, { f: null, b: null, o: 0, d: 0, i: 0, u: 0, v: 0 });
      else if (p === 1) style.o = 1;
      else if (p === 2) style.d = 1;
      else if (p === 3) style.i = 1;
      else if (p === 4) style.u = 1;
      else if (p === 7) style.v = 1;
      else if (p === 22) style.o = style.d = 0;
      else if (p === 23) style.i = 0;
      else if (p === 24) style.u = 0;
      else if (p === 27) style.v = 0;
      else if (p >= 30 && p <= 37) style.f = p - 30;
      else if (p === 39) style.f = null;
      else if (p >= 40 && p <= 47) style.b = p - 40;
      else if (p === 49) style.b = null;
      else if (p >= 90 && p <= 97) style.f = p - 82;
      else if (p >= 100 && p <= 107) style.b = p - 92;
      else if (p === 38 || p === 48) {
        const colour = list[i + 1] === 5 && list[i + 2] < 16 ? list[i + 2] : null;
        style[p === 38 ? "f" : "b"] = colour;
        i += list[i + 1] === 5 ? 2 : list[i + 1] === 2 ? 4 : 0;
      }
    }
  };
  const classes = (style) => {
    const [f, b] = style.v ? [style.b, style.f ?? 7] : [style.f, style.b];
    return [f === null ? "" : `f${f}`, b === null ? "" : `b${b}`, style.o ? "so" : "", style.d ? "sd" : "",
      style.i ? "si" : "", style.u ? "su" : ""].filter(Boolean).join(" ");
  };
  // Text nodes and spans only: nothing of a log is ever parsed as HTML.
  const paint = (text) => {
    let out = [];
    let back = false;
    const style = { f: null, b: null, o: 0, d: 0, i: 0, u: 0, v: 0 };
    const put = (raw) => {
      raw.split("\r").forEach((piece, at) => {
        if (at > 0) back = true;
        const shown = piece.replace(CONTROLS, "").replace(BIDI, "\ufffd");
        if (!shown) return;
        if (back) { out = []; back = false; }
        const name = classes(style);
        if (!name) { out.push(document.createTextNode(shown)); return; }
        const el = document.createElement("span");
        el.className = name;
        el.textContent = shown;
        out.push(el);
      });
    };
    let last = 0;
    for (const hit of text.matchAll(ESCAPES)) {
      put(text.slice(last, hit.index));
      if (hit[3] === "m" && !hit[2]) sgr(style, hit[1]);
      last = hit.index + hit[0].length;
    }
    put(text.slice(last));
    return out;
  };

  // --- The log of a job ------------------------------------------------------

  const job = $("#job-log");
  const reveal = () => {
    const line = /^#L\d+$/.test(location.hash) && document.getElementById(location.hash.slice(1));
    if (!line) {
      const far = job && /^#L(\d+)$/.exec(location.hash); // not in this part of the log
      if (far && !location.search.includes(`line=${far[1]}`)) location.replace(`?line=${far[1]}${location.hash}`);
      return;
    }
    $$(".l.hit").forEach((el) => el.classList.remove("hit"));
    line.classList.add("hit");
    const step = line.closest("details");
    if (step) step.open = true;
    line.scrollIntoView({ block: "center" });
  };
  addEventListener("hashchange", reveal);
  if (!job) return;
  reveal();

  let lines = Number(job.dataset.lines);
  let [attempt, seq] = job.dataset.after.split(":");
  seq = Number(seq || 0);
  const open = new Map(); // "step/stream" → the line that still grows
  for (const el of $$("[data-open]", job)) open.set(el.dataset.open, { body: $("span", el), kept: [...$("span", el).childNodes], text: "" });
  const began = new Map($$(".step", job).map((el) => [Number(el.dataset.step), el.dataset.began]));

  const follow = $("#follow");
  const setFollow = (on) => follow && follow.setAttribute("aria-pressed", String(on));
  const following = () => follow && follow.getAttribute("aria-pressed") === "true";
  const atEnd = () => innerHeight + scrollY >= document.documentElement.scrollHeight - 80;
  if (follow && job.dataset.events) {
    follow.hidden = false;
    follow.addEventListener("click", () => { setFollow(!following()); if (following()) toEnd(); });
    for (const kind of ["wheel", "touchmove", "keydown"])
      addEventListener(kind, () => requestAnimationFrame(() => { if (following() && !atEnd()) setFollow(false); }), { passive: true });
  }
  const toEnd = () => scrollTo({ top: document.documentElement.scrollHeight });

  const section = (step) => $(`.step[data-step="${Number(step)}"]`, job);
  const decode = (chunk, line, more) => {
    if (typeof chunk === "string" && !line.decoder) return chunk;
    line.decoder ??= new TextDecoder();
    const bytes = typeof chunk === "string" ? new TextEncoder().encode(chunk) : Uint8Array.from(atob(chunk.base64), (c) => c.charCodeAt(0));
    return line.decoder.decode(bytes, { stream: more });
  };
  const newLine = (into, kind) => {
    const el = document.createElement("div");
    el.className = kind ? `l ${kind}` : "l";
    el.id = `L${++lines}`;
    const link = document.createElement("a");
    link.href = `#${el.id}`;
    link.dataset.n = lines;
    link.tabIndex = -1;
    const body = document.createElement("span");
    el.append(link, body);
    into.append(el);
    return { body, kept: [], text: "" };
  };
  const badge = (el, kind, text) => { el.className = `badge ${kind}`; el.textContent = text; };

  const on = {
    output(r) {
      const into = section(r.step);
      if (!into) return;
      const key = `${r.step}/${r.stream}`;
      const line = open.get(key) || newLine($(".log", into), r.stream === "stderr" ? "err" : "");
      line.text = (line.text + decode(r.chunk, line, !r.newline)).slice(0, MAX_LINE_CHARS);
      line.body.replaceChildren(...line.kept, ...paint(line.text));
      if (r.newline) open.delete(key); else open.set(key, line);
    },
    note(r) {
      newLine($("#notes", job), "note").body.replaceChildren(...paint(r.text));
    },
    step_started(r) {
      const step = section(r.step);
      if (!step) return;
      began.set(r.step, r.at);
      step.open = true;
      badge($(".badge", step), "live", "running");
      $(".took", step).dataset.since = new Date(Date.now() - skew).toISOString();
    },
    step_finished(r) {
      const step = section(r.step);
      if (!step) return;
      const ok = r.exit.how === "code" && r.exit.code === 0;
      const said = { code: `exit status ${r.exit.code}`, signal: `signal ${r.exit.signal}`, not_started: "not started" };
      badge($(".badge", step), ok ? "ok" : "bad", ok ? "succeeded" : said[r.exit.how]);
      const took = $(".took", step);
      delete took.dataset.since;
      for (const stream of ["stdout", "stderr"]) open.delete(`${r.step}/${stream}`);
      if (began.get(r.step)) took.textContent = span((Date.parse(r.at) - Date.parse(began.get(r.step))) / 1000);
      if (ok && !following()) return;
      step.open = !ok;
    },
    step_retried(r) {
      for (const stream of ["stdout", "stderr"]) open.delete(`${r.step}/${stream}`);
    },
    step_skipped(r) {
      const step = section(r.step);
      if (step) badge($(".badge", step), "", "not run");
    },
    finished() {},
  };

  let waiting = [];
  const flush = () => {
    const batch = waiting;
    waiting = [];
    for (const record of batch) (on[record.kind] || on.finished)(record);
    const all = job.getElementsByClassName("l");
    while (all.length > MAX_LINES) all[0].remove();
    if (following()) toEnd();
  };
  const take = (record) => {
    if (waiting.push(record) === 1) (document.hidden ? setTimeout : requestAnimationFrame)(flush);
  };

  if (job.dataset.events) {
    const source = new EventSource(job.dataset.events);
    source.addEventListener("record", (event) => {
      const [of, number] = event.lastEventId.split(":");
      if (of === attempt && Number(number) <= seq) return;
      seq = Number(number);
      take(JSON.parse(event.data));
    });
    source.addEventListener("attempt", (event) => {
      const next = JSON.parse(event.data).attempt;
      // A new machine writes a new log: take the server's page as it is now.
      if (attempt && next !== attempt) { location.reload(); return; }
      attempt = next;
    });
    source.addEventListener("state", refresh);
    source.addEventListener("end", () => { source.close(); flush(); setFollow(false); if (follow) follow.hidden = true; refresh(); });
    if (follow) { setFollow(!location.hash); if (following()) toEnd(); }
  }
})();
