(() => {
  "use strict";
  const all = (query, root = document) => Array.from(root.querySelectorAll(query));
  const root = document.documentElement;

  // colours of the page
  const themes = all("[data-theme-set]");
  const paint = (name) => {
    if (name === "auto") root.removeAttribute("data-theme");
    else root.setAttribute("data-theme", name);
    themes.forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.themeSet === name)));
  };
  let saved = "auto";
  try { saved = localStorage.getItem("prefgauge-theme") || "auto"; } catch { /* a private window */ }
  paint(saved);
  themes.forEach((b) => b.addEventListener("click", () => {
    paint(b.dataset.themeSet);
    try { localStorage.setItem("prefgauge-theme", b.dataset.themeSet); } catch { /* the same */ }
  }));

  // sorting: rows without a value stay last in both directions
  const board = document.getElementById("board");
  const status = document.getElementById("status");
  all("thead th", board).forEach((head, column) => {
    const button = head.querySelector("button");
    button.addEventListener("click", () => {
      const text = button.dataset.sort === "text";
      const before = head.getAttribute("aria-sort");
      const first = text || button.dataset.lower ? "ascending" : "descending";
      const other = first === "ascending" ? "descending" : "ascending";
      const next = before === first ? other : first;
      all("thead th", board).forEach((h) => h.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", next);
      const sign = next === "ascending" ? 1 : -1;
      const key = (row) => text ? row.dataset.name : parseFloat(row.cells[column].dataset.value);
      const body = board.tBodies[0];
      const rows = Array.from(body.rows).sort((a, b) => {
        const x = key(a), y = key(b);
        if (text) return sign * x.localeCompare(y);
        if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
        return sign * (x - y);
      });
      body.append(...rows);
      status.textContent = "Sorted by " + button.firstChild.textContent.trim() + ", " + next;
    });
  });

  // what is shown
  const find = document.getElementById("find");
  const chips = all("[data-modality]");
  const rows = all("tbody tr", board);
  const filter = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const off = chips.some((chip) => chip.getAttribute("aria-pressed") !== "true");
    let shown = 0;
    rows.forEach((row) => {
      // with some modalities left out, so are the scorers that only judge those
      const empty = off && !row.querySelector("[data-col][data-value]:not([hidden])");
      row.hidden = empty || !words.every((word) => row.dataset.name.includes(word));
      shown += row.hidden ? 0 : 1;
    });
    status.textContent = words.length || off ? shown + " scorers shown" : "";
  };
  find.addEventListener("input", filter);
  chips.forEach((chip) => chip.addEventListener("click", () => {
    const on = chip.getAttribute("aria-pressed") !== "true";
    chip.setAttribute("aria-pressed", String(on));
    all("[data-col]").forEach((item) => {
      if (item.dataset.col === chip.dataset.modality) item.hidden = !on;
    });
    filter();
  }));

  // closed parts print too
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("details:not([open])");
    opened.forEach((part) => { part.open = true; });
  });
  addEventListener("afterprint", () => { opened.forEach((part) => { part.open = false; }); });
})();
