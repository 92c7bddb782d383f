// The log of a job, all of it in one scrolling box: only the lines in sight are
// in the page, others are asked for as they come into sight. The page works
// without this, in windows of 500 lines.
"use strict";
(() => {
  const view = document.getElementById("log-view");
  if (!view) return;
  const $ = (id) => document.getElementById(id);
  const CHUNK = 200; // lines that are asked for at once
  const STEP = 100; // rows that are added to the page at once
  const ROWS = 500; // rows in the page, at most
  const KEPT = 6000; // lines that are kept ready, at most
  const MAX_PX = 8e6; // browsers do not scroll further than some ten million
  const MAX_HITS = 5000;
  const MAX_COPY = 20000;
  const { api, attempt } = view.dataset;
  const log = $("log");
  const tick = new Intl.NumberFormat("en");
  const number = (n) => tick.format(n);

  const settings = {
    get: (name, usual) => { try { return localStorage.getItem(`solstice.log.${name}`) ?? usual; } catch { return usual; } },
    set: (name, value) => { try { localStorage.setItem(`solstice.log.${name}`, value); } catch { /* it is not remembered */ } },
  };
  const ask = async (path, query, signal) => {
    const of = attempt === "0" ? {} : { attempt };
    const answer = await fetch(`${api}/${path}?${new URLSearchParams({ ...of, ...query })}`, { signal });
    if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).message || `status ${answer.status}`);
    return answer.json();
  };
  const say = (text) => { $("log-status").textContent = text; };
  const el = (name, className, text) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  // --- Times -----------------------------------------------------------------

  const span = (seconds) => {
    const s = Math.max(0, seconds);
    if (s < 10) return `${s.toFixed(1)} s`;
    if (s < 60) return `${Math.floor(s)} s`;
    if (s < 3600) return `${Math.floor(s / 60)} min ${String(Math.floor(s % 60)).padStart(2, "0")} s`;
    return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, "0")} min`;
  };
  const clock = (at) => [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
  const skew = Date.now() - Date.parse(document.body.dataset.now); // the server's clock counts
  const showTime = (row) => {
    const time = row.querySelector("time");
    const at = new Date(time.dateTime);
    const began = Number(row.dataset.began);
    time.textContent = { off: "", step: began ? `+${((at - began) / 1000).toFixed(1)}` : "", local: clock(at), utc: time.dateTime.slice(11, 19) }[times];
  };
  let times = "off";

  // --- Steps -------------------------------------------------------------------

  const steps = [...$("steps").querySelectorAll("a")].map((link) => {
    const { step, name, began, first, last, running } = link.dataset;
    return { index: Number(step), name, link, began: Date.parse(began) || 0, first: Number(first) || 0,
      last: Number(last) || 0, running: running !== undefined, open: true };
  });
  const badge = (step, kind, text) => {
    for (const into of [step.link, step.head]) {
      const shown = into?.querySelector(".badge");
      if (shown) { shown.className = `badge ${kind}`; shown.textContent = text; }
    }
  };
  const head = (step) => {
    if (step.head) return step.head;
    const row = el("div", "step-row");
    const button = el("button", "fold");
    button.type = "button";
    button.setAttribute("aria-expanded", String(step.open));
    button.append(el("bdi", "name", step.name));
    row.append(button, step.link.querySelector(".badge").cloneNode(true), step.link.querySelector(".took").cloneNode(true));
    row.dataset.step = step.index;
    step.head = row;
    button.addEventListener("click", () => fold(step, !step.open));
    return row;
  };
  const fold = (step, open) => {
    step.open = open;
    relayout(() => ({ row: rowOfStep(step), from: "top" }));
  };

  // --- Rows: the heads of steps and the lines of those that are unfolded ---------

  let total = Number(view.dataset.total);
  let parts = []; // stretches of rows: { at, rows, step? } or { at, rows, first }
  let rows = 0;
  const layOut = () => {
    parts = [];
    rows = 0;
    const add = (part) => { if (part.rows > 0) { parts.push({ at: rows, ...part }); rows += part.rows; } };
    let line = 1;
    for (const step of steps) {
      if (!step.began && !step.first) continue;
      const first = step.first || (step.running ? total + 1 : line);
      if (first > line) add({ rows: first - line, first: line });
      add({ rows: 1, step });
      const last = Math.max(step.last || (step.running ? total : 0), first - 1);
      if (step.open) add({ rows: last - first + 1, first, of: step });
      line = Math.max(line, last + 1);
    }
    add({ rows: total - line + 1, first: line });
    for (const step of steps) step.head?.firstChild.setAttribute("aria-expanded", String(step.open));
  };
  const partAt = (row) => {
    let [low, high] = [0, parts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (parts[middle].at <= row) low = middle; else high = middle - 1;
    }
    return parts[low];
  };
  const lineAt = (row) => { const part = partAt(row); return part?.first ? part.first + row - part.at : 0; };
  const stepOf = (line) => steps.findLast((step) => step.first && step.first <= line && (!step.last || line <= step.last));
  const rowOfStep = (step) => parts.find((part) => part.step === step)?.at ?? 0;
  const rowOf = (line) => {
    const part = parts.find((one) => one.first && one.first <= line && line < one.first + one.rows);
    return part ? part.at + line - part.first : -1;
  };

  // --- Lines -----------------------------------------------------------------------

  const lines = new Map(); // number → its row
  const asking = new Map(); // number of a chunk → what is asked for
  const lineRow = (line) => {
    const row = el("div", line.stream === "stderr" ? "l err" : line.stream ? "l" : "l note");
    row.id = `L${line.number}`;
    row.dataset.line = line.number;
    const link = el("a", "n");
    link.href = `#L${line.number}`;
    link.dataset.n = line.number;
    link.setAttribute("aria-label", `Line ${line.number}`);
    link.tabIndex = -1;
    const time = el("time");
    time.dateTime = line.at;
    const text = el("span", "x");
    for (const one of line.spans) text.append(one.class ? el("span", one.class, one.text) : one.text);
    if (line.cut) text.append(el("span", "sd", " … cut here"));
    row.append(link, time, text);
    return ready(row, line.step);
  };
  const ready = (row, step) => {
    const of = step === undefined ? stepOf(Number(row.dataset.line)) : steps[step];
    row.dataset.began = of?.began || "";
    showTime(row);
    mark(row);
    return row;
  };
  const keep = (line) => {
    const row = lineRow(line);
    const old = lines.get(line.number);
    const shown = old?.isConnected ? old : waiting.get(line.number);
    lines.set(line.number, row);
    waiting.delete(line.number);
    if (shown?.isConnected) shown.replaceWith(row);
  };
  const waiting = new Map(); // number → a row that is shown until the line is there
  const placeholder = (line) => {
    const row = el("div", "l wait");
    row.dataset.line = line;
    const link = el("a", "n");
    link.dataset.n = line;
    row.append(link, el("time"), el("span", "x"));
    waiting.set(line, row);
    return mark(row);
  };
  const load = async (chunk) => {
    if (asking.has(chunk)) return;
    const stop = new AbortController();
    asking.set(chunk, stop);
    try {
      let from = chunk * CHUNK + 1;
      const end = from + CHUNK;
      while (from < end) { // long lines come in several answers
        const page = await ask("lines", { from, limit: end - from, styled: true }, stop.signal);
        steady(() => page.lines.forEach(keep));
        if (!page.lines.length || !page.next) break;
        from = page.next;
      }
      highlight();
      say("");
    } catch (wrong) {
      if (wrong.name !== "AbortError") say(`The lines cannot be read: ${wrong.message}`);
    }
    asking.delete(chunk);
  };
  const chunkOf = (line) => Math.floor((line - 1) / CHUNK);
  const row = (at) => {
    const part = partAt(at);
    if (part.step) return head(part.step);
    const line = part.first + at - part.at;
    const known = lines.get(line);
    return known ? mark(known) : placeholder(line);
  };
  // What is out of sight is neither waited for nor kept for ever.
  const tidy = () => {
    const wanted = new Set();
    for (const [line, shown] of waiting) {
      if (shown.isConnected) wanted.add(chunkOf(line)); else waiting.delete(line);
    }
    for (const [chunk, stop] of asking) if (!wanted.has(chunk)) { stop.abort(); asking.delete(chunk); }
    wanted.forEach(load);
    if (lines.size > KEPT) for (const [line, one] of lines) { if (lines.size <= KEPT / 2) break; if (!one.isConnected) lines.delete(line); }
  };

  // --- The window of rows in the page ----------------------------------------------

  const above = el("div", "pad");
  const body = el("div", "rows");
  const below = el("div", "pad");
  let [from, to] = [0, 0]; // the rows in the page
  let high = 20; // a row, about
  let [padAbove, padBelow] = [0, 0];
  const scale = () => Math.min(1, MAX_PX / Math.max(1, rows * high));
  const setAbove = (px) => { padAbove = Math.max(0, px); above.style.height = `${padAbove}px`; };
  const setBelow = (px) => { padBelow = Math.max(0, px); below.style.height = `${padBelow}px`; };
  const topRow = () => { // the first one in sight
    const top = log.scrollTop;
    let [low, last] = [0, body.children.length - 1];
    while (low < last) {
      const middle = (low + last) >> 1;
      const one = body.children[middle];
      if (one.offsetTop + one.offsetHeight > top) last = middle; else low = middle + 1;
    }
    return body.children[low];
  };
  // Changes what is above without moving what is in sight.
  const steady = (change) => {
    const anchor = topRow();
    const before = anchor?.getBoundingClientRect().top;
    const line = anchor?.dataset.line;
    change();
    const now = anchor?.isConnected ? anchor : line && lines.get(Number(line));
    if (!now?.isConnected) return;
    const moved = now.getBoundingClientRect().top - before;
    if (Math.abs(moved) < 0.5) return;
    const left = padAbove - moved;
    setAbove(left);
    if (left < 0) log.scrollTop -= left;
  };
  let ours = 0; // until then what scrolls is us
  const place = (px) => { ours = performance.now() + 150; log.scrollTop = px; };
  const settle = () => { // the scroll bar tells where in the log this is
    if (body.children.length) high = Math.max(8, body.offsetHeight / body.children.length);
    const ideal = from * high * scale();
    const moved = ideal - padAbove;
    const top = log.scrollTop; // less space may move it before we do
    setBelow((rows - to) * high * scale());
    if (Math.abs(moved) > 1) { setAbove(ideal); place(top + moved); }
  };
  const fill = (first, last) => {
    from = Math.max(0, first);
    to = Math.min(rows, last);
    waiting.clear();
    const made = [];
    for (let at = from; at < to; at++) made.push(row(at));
    const focused = body.contains(document.activeElement) && document.activeElement;
    body.replaceChildren(...made);
    if (focused?.isConnected) focused.focus({ preventScroll: true });
    setAbove(from * high * scale());
    setBelow((rows - to) * high * scale());
  };
  // Brings a row into sight: at the top, in the middle, or by how many pixels below the top.
  const show = (at, where = "middle") => {
    const wanted = Math.min(Math.max(0, at), Math.max(0, rows - 1));
    if (wanted < from || wanted >= to || to - from > ROWS) fill(wanted - STEP, wanted + STEP * 2);
    const one = body.children[wanted - from];
    if (!one) return;
    const lead = where === "top" ? 0 : where === "middle" ? log.clientHeight / 3 : where;
    place(one.offsetTop - lead);
    extend();
    if (body.children[wanted - from]) place(body.children[wanted - from].offsetTop - lead);
    after();
  };
  const toEnd = () => { if (rows) { if (to < rows) fill(rows - STEP * 2, rows); place(log.scrollHeight); after(); } };
  const extend = () => {
    for (let round = 0; round < 6; round++) {
      const [top, bottom] = [log.scrollTop, log.scrollTop + log.clientHeight];
      const [first, last] = [body.offsetTop, body.offsetTop + body.offsetHeight];
      if (from > 0 && top - first < STEP * high / 2) {
        const begin = Math.max(0, from - STEP);
        steady(() => {
          const made = [];
          for (let at = begin; at < from; at++) made.push(row(at));
          body.prepend(...made);
          from = begin;
          while (to - from > ROWS) { const gone = body.lastChild; setBelow(padBelow + gone.offsetHeight); gone.remove(); to--; }
        });
      } else if (to < rows && last - bottom < STEP * high / 2) {
        const end = Math.min(rows, to + STEP);
        steady(() => {
          const made = [];
          for (let at = to; at < end; at++) made.push(row(at));
          body.append(...made);
          setBelow(padBelow - (end - to) * high);
          to = end;
          while (to - from > ROWS) { body.firstChild.remove(); from++; }
        });
      } else return;
    }
  };
  let frame = 0;
  let idle = 0;
  const after = () => {
    tidy();
    highlight();
    clearTimeout(idle);
    idle = setTimeout(() => { settle(); extend(); tidy(); }, 200);
  };
  const scrolled = () => {
    frame = 0;
    const [top, bottom] = [log.scrollTop, log.scrollTop + log.clientHeight];
    const [first, last] = [body.offsetTop, body.offsetTop + body.offsetHeight];
    if (bottom < first || top > last) {
      // The bar was dragged: where to is a part of the whole.
      const at = Math.round(top / Math.max(1, log.scrollHeight - log.clientHeight) * Math.max(0, rows - 1));
      fill(at - STEP, at + STEP * 2);
      const one = body.children[Math.min(at, rows - 1) - from];
      if (one) place(one.offsetTop - (top / log.scrollHeight) * log.clientHeight);
    }
    extend();
    after();
  };
  log.addEventListener("scroll", () => {
    if (performance.now() > ours && following() && !atEnd()) setFollow(false);
    else if (atEnd()) seen();
    frame ||= requestAnimationFrame(scrolled);
  }, { passive: true });
  // Whoever scrolls up wants to read; whoever is back at the end wants to follow.
  const pause = () => { if (following()) setFollow(false); };
  log.addEventListener("wheel", (event) => { if (event.deltaY < 0) pause(); }, { passive: true });
  log.addEventListener("touchmove", pause, { passive: true });
  log.addEventListener("pointerdown", (event) => { if (event.offsetX > log.clientWidth) pause(); });
  log.addEventListener("keydown", (event) => { if (["ArrowUp", "PageUp", "Home"].includes(event.key)) pause(); });
  // After the rows have changed: the same place, or another.
  const relayout = (target) => {
    const anchor = topRow();
    const line = Number(anchor?.dataset.line) || 0;
    const index = rowIndexOfTop();
    const offset = anchor ? anchor.offsetTop - log.scrollTop : 0;
    layOut();
    const { row: at, from: where } = target ? target() : { row: line ? rowOf(line) : index, from: offset };
    fill(at - STEP, at + STEP * 2);
    show(at, where);
  };

  // --- Chosen lines, and links to them -------------------------------------------------

  let chosen = null; // [first, last]
  let pivot = 0;
  const mark = (one) => {
    const line = Number(one.dataset.line);
    one.classList.toggle("hit", Boolean(chosen) && chosen[0] <= line && line <= chosen[1]);
    one.firstChild.tabIndex = chosen && line === pivot ? 0 : -1;
    return one;
  };
  const fragment = () => (chosen[0] === chosen[1] ? `#L${chosen[0]}` : `#L${chosen[0]}-L${chosen[1]}`);
  const here = () => {
    const search = new URLSearchParams();
    if (new URLSearchParams(location.search).has("attempt")) search.set("attempt", attempt);
    if (chosen) search.set("line", chosen[0]); // found without script too
    const query = String(search);
    return `${location.pathname}${query && `?${query}`}${chosen ? fragment() : ""}`;
  };
  const choose = (first, last = first, told = true) => {
    pivot = last;
    chosen = first ? [Math.min(first, last), Math.max(first, last)] : null;
    for (const one of body.children) if (one.dataset.line) mark(one);
    $("log-selection").hidden = !chosen;
    if (chosen) $("selected").textContent = chosen[0] === chosen[1] ? `Line ${number(chosen[0])}` : `Lines ${number(chosen[0])}–${number(chosen[1])}`;
    if (told) history.replaceState(null, "", here());
  };
  const toBox = () => $("log-frame").scrollIntoView({ block: "nearest" });
  const goTo = (line, last = line) => {
    if (!total) return;
    toBox();
    const wanted = Math.min(Math.max(1, line), total);
    if (wanted !== line) say(`There is no line ${number(line)}: the log has ${number(total)}.`);
    const step = stepOf(wanted);
    if (step && !step.open) { step.open = true; layOut(); fill(0, 0); }
    setFollow(false);
    choose(wanted, Math.min(Math.max(wanted, last), total));
    pivot = wanted;
    show(rowOf(wanted));
  };
  const linked = () => /^#L(\d{1,15})(?:-L(\d{1,15}))?$/.exec(location.hash);
  const reveal = () => { const link = linked(); if (link) goTo(Number(link[1]), Number(link[2] || link[1])); };
  const inSight = (line) => {
    const one = body.children[rowOf(line) - from];
    return one && one.offsetTop + one.offsetHeight > log.scrollTop && one.offsetTop < log.scrollTop + log.clientHeight;
  };
  const current = () => (chosen && inSight(pivot) ? pivot : Number(topRow()?.dataset.line) || lineAt(from) || 1);
  const move = (by, range) => {
    const next = Math.min(Math.max(1, chosen && inSight(pivot) ? pivot + by : current()), total);
    const anchor = chosen && range ? (pivot === chosen[0] ? chosen[1] : chosen[0]) : next;
    choose(anchor, next);
    const at = rowOf(next);
    const one = body.children[at - from];
    const outside = !one || one.offsetTop < log.scrollTop || one.offsetTop + one.offsetHeight > log.scrollTop + log.clientHeight;
    if (outside) show(at);
  };
  log.addEventListener("click", (event) => {
    const link = event.target.closest("a.n");
    if (!link) return;
    event.preventDefault();
    const line = Number(link.dataset.n);
    if (event.shiftKey && chosen) { const begin = pivot === chosen[0] ? chosen[0] : chosen[1]; choose(begin, line); pivot = begin; } else choose(line);
    setFollow(false);
  });
  const copy = async (text, what) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch { // only pages that came encrypted may use it
      const field = el("textarea");
      field.value = text;
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
    $("selected").textContent = what;
    say(what);
  };
  const copyLink = () => chosen && copy(new URL(here(), location.href).href, "Link copied");
  const copyLines = async () => {
    if (!chosen) return;
    const [first, last] = [chosen[0], Math.min(chosen[1], chosen[0] + MAX_COPY - 1)];
    const texts = [];
    for (let next = first; next && next <= last;) {
      const page = await ask("lines", { from: next, limit: Math.min(2000, last - next + 1), styled: true });
      texts.push(...page.lines.map((line) => line.spans.map((one) => one.text).join("")));
      next = page.next;
    }
    await copy(`${texts.join("\n")}\n`, `${number(texts.length)} lines copied`);
  };

  // --- Searching: all of the log, by the server ---------------------------------------

  class Hits {
    constructor(query) { this.query = query; this.list = []; this.next = 1; }
    async more() { // false when nothing more was there to be searched
      if (!this.next) return false;
      const page = await ask("search", { ...this.query, from: this.next, limit: 500 });
      this.list.push(...page.hits);
      this.next = page.next || 0;
      return true;
    }
    async after(line) {
      for (;;) {
        const hit = this.list.find((one) => one.number > line);
        if (hit || !(await this.more())) return hit || this.list[0];
      }
    }
    async before(line) {
      while ((this.list.at(-1)?.number ?? 0) < line && (await this.more()));
      const hit = this.list.findLast((one) => one.number < line);
      if (hit) return hit;
      while (this.list.length < MAX_HITS && (await this.more()));
      return this.list.at(-1);
    }
  }
  const field = $("log-search");
  let found = null;
  let errors = new Hits({ errors: true });
  const counted = (hit) => {
    const at = found.list.indexOf(hit) + 1;
    for (const link of $("log-hits").querySelectorAll("a")) {
      const here = hit && link.hash === `#L${hit.number}`;
      if (here) { link.setAttribute("aria-current", "true"); $("log-hits").scrollTop = link.offsetTop - $("log-hits").offsetTop - 60; } else link.removeAttribute("aria-current");
    }
    const all = `${number(found.list.length)}${found.next ? "+" : ""}`;
    $("log-count").textContent = found.list.length ? (at ? `${number(at)} of ${all}` : all) : found.next ? "searching…" : "not found";
  };
  const list = () => {
    const items = found.list.slice(0, 200).map((hit) => {
      const link = el("a");
      link.href = `#L${hit.number}`;
      const text = el("bdi");
      let end = 0;
      const chars = [...hit.text];
      for (const match of hit.matches) {
        text.append(chars.slice(end, match.start).join(""), el("mark", "", chars.slice(match.start, match.end).join("")));
        end = match.end;
      }
      text.append(chars.slice(end).join(""));
      link.append(el("span", "num soft", number(hit.number)), " ", text);
      const item = el("li");
      item.append(link);
      return item;
    });
    $("log-hits").replaceChildren(...items);
    $("log-hits").hidden = !items.length;
  };
  const search = async () => {
    $("find-more")?.remove();
    const q = field.value;
    const mine = found = q ? new Hits({ q, case: $("find-case").checked }) : null;
    $("log-count").textContent = "";
    $("find-tools").hidden = !mine;
    if (!mine) { $("log-hits").hidden = true; highlight(); return; }
    highlight();
    try {
      while (mine === found && mine.list.length < MAX_HITS && (await mine.more())) { if (mine === found) { counted(); list(); } }
      if (mine === found) { counted(); list(); highlight(); }
    } catch (wrong) { $("log-count").textContent = wrong.message; }
  };
  const step = async (hits, forward, none) => {
    try {
      const hit = await (forward ? hits.after(current()) : hits.before(current()));
      if (!hit) { say(none); $("log-count").textContent = none; return; }
      goTo(hit.number);
      if (hits === found) counted(hit);
      say(`Line ${number(hit.number)}: ${hit.text}`);
    } catch (wrong) { say(wrong.message); }
  };
  const nextHit = async (forward) => {
    if (!found || found.query.q !== field.value || found.query.case !== $("find-case").checked) { await search(); if (found) { await step(found, true, "not found"); } return; }
    await step(found, forward, "not found");
  };
  const nextError = (forward) => step(errors, forward, "Nothing looks like an error");
  // Marks what is in sight. Where the browser cannot, the list of hits does.
  const highlight = () => {
    if (!globalThis.CSS?.highlights) return;
    const ranges = [];
    const lower = (text) => (found.query.case ? text : text.replace(/[A-Z]/g, (c) => c.toLowerCase()));
    if (found) {
      const wanted = lower(found.query.q);
      for (const one of body.children) {
        const text = one.querySelector(".x");
        if (!text || one.classList.contains("wait")) continue;
        const all = lower(text.textContent);
        for (let at = all.indexOf(wanted); at >= 0; at = all.indexOf(wanted, at + wanted.length)) ranges.push(range(text, at, at + wanted.length));
      }
    }
    CSS.highlights.set("found", new Highlight(...ranges));
  };
  const range = (text, begin, end) => {
    const made = new Range();
    const nodes = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
    for (let [at, node] = [0, nodes.nextNode()]; node; node = nodes.nextNode()) {
      const next = at + node.length;
      if (begin >= at && begin < next) made.setStart(node, begin - at);
      if (end > at && end <= next) { made.setEnd(node, end - at); break; }
      at = next;
    }
    return made;
  };
  $("log-find").addEventListener("submit", (event) => { event.preventDefault(); nextHit(true); });
  field.addEventListener("keydown", (event) => { if (event.key === "Enter" && event.shiftKey) { event.preventDefault(); nextHit(false); } });
  field.addEventListener("search", () => { if (!field.value) search(); });
  $("find-case").addEventListener("change", () => search());
  $("find-next").addEventListener("click", () => nextHit(true));
  $("find-previous").addEventListener("click", () => nextHit(false));
  $("log-hits").addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link) return;
    event.preventDefault();
    const line = Number(/\d+$/.exec(link.href)?.[0]);
    goTo(line);
    const hit = found?.list.find((one) => one.number === line);
    if (hit) counted(hit);
  });

  // --- Following the end --------------------------------------------------------------

  let unseen = 0;
  const following = () => $("follow").getAttribute("aria-pressed") === "true";
  const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 40 && to === rows;
  const seen = () => { unseen = 0; $("new-lines").hidden = true; };
  const setFollow = (on) => { $("follow").setAttribute("aria-pressed", String(on)); if (on) { seen(); toEnd(); } };
  const toggleFollow = () => { if (!$("follow").hidden) setFollow(!following()); };
  $("new-lines").addEventListener("click", () => setFollow(true));

  let batch = [];
  const grow = () => {
    const told = batch;
    batch = [];
    const before = total;
    const end = following();
    for (const news of told) {
      for (const record of news.records) happened(record);
      if (news.total > total) total = news.total;
      for (const line of news.lines) {
        const of = steps[line.step];
        if (of && !of.first) of.first = line.number;
        if (end || lines.has(line.number) || waiting.has(line.number)) keep(line);
      }
    }
    $("log-total").textContent = `${number(total)} lines`;
    const was = rows;
    layOut();
    if (rows !== was && to === was && !end) to = Math.min(to, rows);
    if (end) { if (body.children.length > ROWS * 2 || to < was) fill(rows - STEP * 2, rows); else { while (to < rows) body.append(row(to++)); } toEnd(); } else {
      setBelow((rows - to) * high * scale());
      unseen += total - before;
      $("new-lines").hidden = !unseen;
      $("new-lines").textContent = `${number(unseen)} new lines ↓`;
      extend();
      tidy();
    }
  };
  const ended = (of, last, at, exit) => {
    Object.assign(of, { running: false, last });
    if (exit) { const ok = exit.how === "code" && exit.code === 0; badge(of, ok ? "ok" : "bad", ok ? "succeeded" : "failed"); } else badge(of, "bad", "stopped");
    for (const into of [of.link, of.head]) {
      const took = into?.querySelector(".took");
      if (took) { delete took.dataset.since; if (at) took.textContent = span((at - of.began) / 1000); }
    }
  };
  // After so many lines at once that they were not sent.
  const catchUp = async () => {
    const now = await ask("steps", {});
    for (const one of now.steps) {
      const of = steps[one.index];
      Object.assign(of, { began: Date.parse(one.started_at) || 0, first: one.first_line || of.first, running: Boolean(one.started_at && !one.finished_at) });
      if (one.finished_at) ended(of, one.last_line || 0, Date.parse(one.finished_at), one.exit);
      else if (one.started_at) badge(of, "live", "running");
    }
    relayout();
    if (following()) toEnd();
  };
  const happened = (record) => {
    const of = steps[record.step];
    if (!of) return;
    const at = Date.parse(record.at);
    if (record.kind === "step_started") {
      Object.assign(of, { began: at, first: of.first || total + 1, running: true });
      badge(of, "live", "running");
      const since = new Date(Date.now() - skew).toISOString();
      for (const into of [of.link, of.head]) if (into) into.querySelector(".took").dataset.since = since;
      say(`${of.name}: running`);
    } else if (record.kind === "step_finished") {
      ended(of, total, at, record.exit);
      say(`${of.name}: ${of.link.querySelector(".badge").textContent}`);
    } else if (record.kind === "step_skipped") badge(of, "", "not run");
  };
  const refresh = async () => {
    try {
      const query = new URLSearchParams(location.search);
      query.set("part", "head");
      const answer = await fetch(`${location.pathname}?${query}`, { headers: { accept: "text/html" } });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const id of ["head", "after"]) {
        const [old, now] = [$(id), fresh.getElementById(id)];
        if (now && now.outerHTML !== old.outerHTML && !old.contains(document.activeElement)) old.replaceWith(now);
      }
      document.title = fresh.title;
    } catch { /* the server is away; the next change tries again */ }
  };
  let soon = 0;
  const refreshSoon = () => { clearTimeout(soon); soon = setTimeout(refresh, 100 + Math.random() * 400); }; // not all at once
  const live = () => {
    const source = new EventSource(view.dataset.events);
    let of = view.dataset.after.split(":")[0];
    source.addEventListener("lines", (event) => {
      const news = JSON.parse(event.data);
      if (news.skipped) catchUp().catch(() => {});
      if (batch.push(news) === 1) (document.hidden ? setTimeout : requestAnimationFrame)(grow);
    });
    source.addEventListener("attempt", (event) => {
      const next = JSON.parse(event.data).attempt;
      // A new machine writes a new log: take the server's page as it is now.
      if (of && next !== of) { location.reload(); return; }
      of = next;
    });
    let told = false; // the first state is the page's own
    source.addEventListener("state", () => { if (told) refreshSoon(); told = true; });
    source.addEventListener("end", () => { source.close(); grow(); for (const of of steps) if (of.running) ended(of, total); $("follow").hidden = true; setFollow(false); seen(); errors = new Hits({ errors: true }); refreshSoon(); });
    $("follow").hidden = false;
    $("follow").addEventListener("click", toggleFollow);
  };

  // --- Buttons and keys -----------------------------------------------------------------

  const nextStep = (forward) => {
    const top = lineAt(rowIndexOfTop());
    const shown = steps.filter((one) => one.began || one.first);
    const at = rowIndexOfTop();
    const next = forward ? shown.find((one) => rowOfStep(one) > at) : shown.findLast((one) => rowOfStep(one) < at);
    if (!next) { say(top ? "No further step" : ""); return; }
    setFollow(false);
    toBox();
    show(rowOfStep(next), "top");
    next.head?.firstChild.focus({ preventScroll: true });
  };
  const rowIndexOfTop = () => from + Math.max(0, [...body.children].indexOf(topRow()));
  const setWrap = (on) => {
    settings.set("wrap", on ? "1" : "0");
    $("wrap").setAttribute("aria-pressed", String(on));
    log.classList.toggle("nowrap", !on);
    if (body.isConnected) { steady(() => {}); settle(); }
  };
  const setTimes = (mode) => {
    times = mode;
    settings.set("times", mode);
    $("times").value = mode;
    log.dataset.times = mode;
    for (const one of lines.values()) showTime(one);
    if (body.isConnected) extend();
  };
  const cycleTimes = () => { const all = ["off", "step", "local", "utc"]; setTimes(all[(all.indexOf(times) + 1) % 4]); };
  const press = {
    "error-next": () => nextError(true), "error-previous": () => nextError(false),
    "step-next": () => nextStep(true), "step-previous": () => nextStep(false),
    "log-top": () => { setFollow(false); show(0, "top"); }, "log-end": toEnd,
    wrap: () => setWrap($("wrap").getAttribute("aria-pressed") !== "true"),
    "log-keys-open": () => $("log-help").showModal(),
    "copy-link": copyLink, "copy-lines": copyLines, unselect: () => choose(0),
  };
  for (const [id, act] of Object.entries(press)) $(id).addEventListener("click", act);
  $("times").addEventListener("change", () => setTimes($("times").value));
  $("go-to").addEventListener("keydown", (event) => {
    const line = Number($("go-to").value.replace(/\D/g, ""));
    if (event.key === "Enter" && line) { event.preventDefault(); goTo(line); log.focus({ preventScroll: true }); }
  });
  $("log-keys").checked = settings.get("keys", "1") === "1";
  $("log-keys").addEventListener("change", () => settings.set("keys", $("log-keys").checked ? "1" : "0"));
  document.addEventListener("click", (event) => {
    const link = event.target.closest("#first-error, #steps a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (link.id === "first-error") { goTo(Number(link.dataset.line)); log.focus({ preventScroll: true }); return; }
    const of = steps[Number(link.dataset.step)];
    if (of.began || of.first) { setFollow(false); if (!of.open) fold(of, true); toBox(); show(rowOfStep(of), "top"); log.focus({ preventScroll: true }); }
  });
  const keys = {
    e: () => nextError(true), E: () => nextError(false), "/": () => { field.focus(); field.select(); },
    n: () => nextHit(true), N: () => nextHit(false), "]": () => nextStep(true), "[": () => nextStep(false),
    g: press["log-top"], G: toEnd, j: () => move(1), k: () => move(-1), J: () => move(1, true), K: () => move(-1, true),
    y: copyLink, Y: copyLines, f: toggleFollow, w: press.wrap, t: cycleTimes, ":": () => $("go-to").focus(),
    x: () => { const of = stepOf(current()); if (of) fold(of, !of.open); }, "?": press["log-keys-open"],
  };
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "F3" && found) { event.preventDefault(); nextHit(!event.shiftKey); return; }
    const at = event.target;
    if (at.closest?.("input, select, textarea, [contenteditable]")) {
      if (event.key === "Escape" && at.closest("#log-view")) { event.preventDefault(); log.focus({ preventScroll: true }); }
      return;
    }
    if (event.key === "Escape" && chosen && !$("log-help").open) { choose(0); return; }
    const act = !$("log-help").open && $("log-keys").checked && Object.hasOwn(keys, event.key) && keys[event.key];
    if (act) { event.preventDefault(); act(); }
  });

  // --- The page becomes the viewer -------------------------------------------------------

  for (const one of log.querySelectorAll(".l")) lines.set(Number(one.dataset.line), ready(one));
  for (const gone of view.querySelectorAll(".static")) gone.remove();
  log.replaceChildren(above, body, below);
  log.classList.add("viewer");
  $("log-tools").hidden = false;
  layOut();
  setWrap(settings.get("wrap", "1") === "1");
  setTimes(settings.get("times", "off"));
  if (view.dataset.events) live();
  addEventListener("hashchange", reveal);
  addEventListener("resize", () => { frame ||= requestAnimationFrame(scrolled); });
  const open = Number(view.dataset.goTo);
  if (linked()) reveal();
  else if (open) { choose(Math.min(open, total), Math.min(open, total), false); show(Math.max(0, rowOf(pivot))); }
  else if (view.dataset.events) setFollow(true);
  else toEnd();
  if (field.value) search();
  if ("finding" in view.dataset) {
    ask("steps", {}).then(({ first_error_line: line }) => {
      refreshSoon();
      if (line && !chosen && to === rows) { choose(line, line, false); show(rowOf(line)); }
    }, () => {});
  }
  globalThis.solsticeLog = { total: () => total, rows: () => [from, to] }; // for those who test it
})();
