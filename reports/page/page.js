"use strict";
// Sorting and filtering of tables, titles of charts at once, and everything open in print. The page
// is whole without it.
(() => {
  const valueOf = (cell) => {
    if (!cell) return "";
    if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
    const text = cell.textContent.trim();
    const number = Number(text.replace(/,/g, ""));
    return text !== "" && !Number.isNaN(number) ? number : text;
  };
  // Numbers before texts; what is empty stays last, whichever way.
  const compare = (a, b, way) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    if (typeof a === "number" && typeof b === "number") return way * (a - b);
    if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
    return way * a.localeCompare(b);
  };
  const sortBy = (table, head, column) => {
    const way = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", way > 0 ? "ascending" : "descending");
    const body = table.tBodies[0];
    const rows = Array.from(body.rows, (row) => [valueOf(row.cells[column]), row]);
    rows.sort((a, b) => compare(a[0], b[0], way));
    body.append(...rows.map((row) => row[1]));
  };
  // What somebody has sorted or filtered by, by caption: a table that is replaced comes back so.
  const sorted = new Map();
  const filtered = new Map();
  const nameOf = (table) => (table.caption ? table.caption.textContent : "");
  const filterBy = (table, text) => {
    const words = text.toLowerCase().split(/\s+/);
    for (const row of table.tBodies[0].rows) {
      const line = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => line.includes(word));
    }
  };
  const equipTable = (table) => {
    const rows = table.tBodies[0].rows;
    if (rows.length < 3) return;
    const heads = Array.from(table.tHead.rows[0].cells);
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.title = "Sort by this column";
      button.addEventListener("click", () => {
        sortBy(table, head, column);
        sorted.set(nameOf(table), [column, head.getAttribute("aria-sort")]);
      });
      head.append(button);
    });
    const [column, way] = sorted.get(nameOf(table)) || [];
    if (heads[column]) {
      // It turns the way that is there.
      if (way === "descending") heads[column].setAttribute("aria-sort", "ascending");
      sortBy(table, heads[column], column);
    }
    if (rows.length < 12) return;
    const label = document.createElement("label");
    label.className = "filter";
    label.textContent = "Only rows with";
    const input = document.createElement("input");
    input.type = "search";
    input.addEventListener("input", () => {
      filtered.set(nameOf(table), input.value);
      filterBy(table, input.value);
    });
    label.append(input);
    table.parentElement.before(label);
    input.value = filtered.get(nameOf(table)) || "";
    if (input.value) filterBy(table, input.value);
  };
  const equip = (part) => {
    for (const table of part.querySelectorAll("table")) equipTable(table);
    for (const title of part.querySelectorAll("svg title")) {
      if (title.parentElement.tagName === "svg") continue;
      title.parentElement.dataset.tip = title.textContent;
      title.remove();
    }
  };

  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  tip.setAttribute("aria-hidden", "true"); // a screen reader has the titles themselves
  document.body.append(tip);
  equip(document);
  // `beamgrid serve` replaces parts of a page (live.js).
  document.addEventListener("beamgrid-section", (event) => equip(event.target));
  document.addEventListener("pointermove", (event) => {
    const at = event.target.closest ? event.target.closest("[data-tip]") : null;
    tip.hidden = !at;
    if (!at) return;
    tip.textContent = at.dataset.tip;
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = Math.max(4, Math.min(event.clientX + 12, room)) + "px";
    tip.style.top = event.clientY + 16 + "px";
  });

  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = Array.from(document.querySelectorAll("details:not([open])"));
    for (const details of opened) details.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
  });
})();
