// Keeps an open page up to date: when the collector says that something changed, fetch this page again and take over
// the regions that differ. Without this script every page works, it just stands still.
"use strict";

const live = document.getElementById("live");
const announce = document.getElementById("announce");
const known = new Set(Array.from(document.querySelectorAll("[data-row]"), (row) => row.id));

function show(state, words) {
  if (!live) return;
  live.dataset.state = state;
  live.lastElementChild.textContent = words;
}

function localise(root) {
  for (const time of root.querySelectorAll("time[data-local]")) {
    const when = new Date(time.dateTime);
    if (Number.isNaN(when.valueOf())) continue;
    time.title = time.dateTime;
    const today = when.toDateString() === new Date().toDateString();
    time.textContent = today ? when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })
      : when.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  }
}

// A region in which somebody is choosing or typing is left alone until they are done.
function isBusy(region) {
  const active = document.activeElement;
  return Boolean(active && region.contains(active) && active.matches("select, textarea, input:not([type=checkbox])"));
}

function takeOver(fresh) {
  const focused = document.activeElement && document.activeElement.closest("a[href]");
  const wanted = focused && focused.getAttribute("href");
  for (const region of document.querySelectorAll("[data-region]")) {
    const other = fresh.getElementById(region.id);
    if (!other) continue;
    localise(other);
    if (other.innerHTML === region.innerHTML || isBusy(region)) continue;
    const chosen = new Set(Array.from(region.querySelectorAll("input:checked"), (box) => box.value));
    region.replaceChildren(...document.importNode(other, true).childNodes);
    for (const box of region.querySelectorAll("input[type=checkbox]")) box.checked = chosen.has(box.value);
  }
  if (wanted && document.activeElement === document.body) {
    const again = Array.from(document.querySelectorAll("a[href]")).find((link) => link.getAttribute("href") === wanted);
    if (again) again.focus({ preventScroll: true });
  }
  const added = Array.from(document.querySelectorAll("[data-row]")).filter((row) => !known.has(row.id));
  for (const row of added) { known.add(row.id); row.classList.add("fresh"); }
  if (added.length) announce.textContent = added.length === 1 ? `New alert: ${added[0].dataset.said}` : `${added.length} new alerts`;
}

let fetching = false;
let again = false;
async function refresh() {
  if (fetching) { again = true; return; }
  fetching = true;
  try {
    const answer = await fetch(location.href, { credentials: "same-origin", headers: { Accept: "text/html" } });
    if (answer.status === 401) { location.reload(); return; }
    if (answer.ok) takeOver(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch { show("lost", "Reconnecting"); }
  fetching = false;
  if (again) { again = false; refresh(); }
}

function watch() {
  const stream = new EventSource("/stream");
  stream.addEventListener("hello", () => { show("on", "Live"); refresh(); });
  stream.addEventListener("change", () => { if (!document.hidden) refresh(); });
  stream.onerror = () => {
    show("lost", "Reconnecting");
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => { stream.close(); watch(); }, 5000);
  };
  return stream;
}

localise(document);
if ("watch" in document.body.dataset) {
  watch();
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
  setInterval(() => { if (!document.hidden) refresh(); }, 60000);
}
const onward = document.querySelector("[data-continue]");
if (onward) location.replace(onward.href);

for (const button of document.querySelectorAll("[data-fill]")) {
  button.hidden = false;
  button.addEventListener("click", () => { button.form.elements[button.dataset.fill].value = button.dataset.value; });
}
const everything = document.querySelector("[data-choose-all]");
if (everything) everything.addEventListener("change", () => {
  for (const box of document.querySelectorAll(".choose input")) box.checked = everything.checked;
});
document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof Element && event.target.closest("input, select, textarea");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const wanted = event.key.length === 1 ? document.querySelector(`[data-focus-key="${CSS.escape(event.key)}"]`) : null;
  if (wanted) { event.preventDefault(); wanted.focus(); }
});
