"use strict";
// Three requests that only a gateway on this device's way can answer, then what it saw of them. Nothing else is asked.
(() => {
  const LIMIT = 10000; // milliseconds for one request
  const list = document.getElementById("checks");
  const again = document.getElementById("again");
  const plain = location.protocol === "https:" ? "https:" : "http:";

  const show = (name, state) => {
    const row = list.querySelector(`[data-check="${name}"]`);
    row.dataset.state = state;
    row.querySelector(".state").textContent = { wait: "…", green: "✓ yes", red: "✗ no" }[state];
    row.querySelector(".says").textContent = state === "red" ? row.dataset.red : row.dataset.green;
  };

  const ask = async (scheme, word, kind) => {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), LIMIT);
    try {
      const answer = await fetch(`${scheme}//${word}.${kind}.${list.dataset.zone}/`, {
        cache: "no-store", credentials: "omit", referrerPolicy: "no-referrer", signal: stop.signal,
      });
      return await answer.json();
    } catch {
      return { seen: [], blocking: false };
    } finally {
      clearTimeout(timer);
    }
  };

  const run = async () => {
    again.disabled = true;
    const word = Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");
    for (const row of list.children) show(row.dataset.check, "wait");
    const named = await ask(plain, word, "dns");
    show("dns", named.seen.includes("dns") ? "green" : "red");
    await ask("https:", word, "sni"); // fails without the CA, after its ClientHello was seen
    const opened = await ask("https:", word, "url");
    show("url", opened.seen.includes("url") ? "green" : "red");
    const all = await ask(plain, word, "dns");
    show("sni", all.seen.includes("sni") ? "green" : "red");
    show("blocking", all.blocking ? "green" : "red");
    list.dataset.done = "yes";
    again.disabled = false;
  };

  again.addEventListener("click", run);
  run();
})();
