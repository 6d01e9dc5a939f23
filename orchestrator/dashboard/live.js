"use strict";
// Keeps the page as the record is: the server sends the sections that have changed. The page is
// whole without it.
(() => {
  const state = document.getElementById("live-state");
  const boxes = document.getElementById("live-sections");
  if (!state || !boxes) return;
  // A page that came before its view was made has neither sections nor what stands above them.
  const isEmpty = boxes.children.length === 0;

  // What somebody has opened, scrolled to or is about to press is kept where it was.
  const placeOf = (box) => ({
    open: Array.from(box.querySelectorAll("details"), (one) => one.open),
    left: Array.from(box.querySelectorAll(".scroll"), (one) => one.scrollLeft),
    href: box.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null,
  });
  const restore = (box, place) => {
    box.querySelectorAll("details").forEach((one, i) => { one.open = place.open[i] === true; });
    box.querySelectorAll(".scroll").forEach((one, i) => { one.scrollLeft = place.left[i] || 0; });
    if (place.href === null) return;
    // A heading's link leads back the other way once it is sorted: the same column counts.
    const column = (href) => href.replace("sort=-", "sort=");
    for (const link of box.querySelectorAll("a[href]")) {
      if (column(link.getAttribute("href")) === column(place.href)) link.focus();
    }
  };
  const show = (section) => {
    let box = document.getElementById(section.id);
    if (!box) {
      box = document.createElement("div");
      box.id = section.id;
      boxes.append(box);
    }
    if (box.dataset.digest === section.digest) return;
    const place = placeOf(box);
    box.innerHTML = section.html; // the server's own, in which all text of others is escaped
    box.dataset.digest = section.digest;
    restore(box, place);
    box.dispatchEvent(new CustomEvent("beamgrid-section", { bubbles: true }));
  };

  let source;
  const follow = () => {
    source = new EventSource(location.pathname + location.search);
    source.addEventListener("sections", (event) => {
      if (isEmpty) {
        source.close();
        location.reload();
        return;
      }
      const news = JSON.parse(event.data);
      for (const section of news.sections) show(section);
      for (const box of Array.from(boxes.children)) {
        if (!news.ids.includes(box.id)) box.remove();
      }
      state.textContent = "Live, as read";
      document.getElementById("live-time").textContent = news.as_of;
    });
    source.addEventListener("trouble", (event) => {
      state.textContent = "Not live: " + JSON.parse(event.data) + "; as read";
    });
    source.addEventListener("error", () => {
      state.textContent = "Not connected to beamgrid serve, trying again; as read";
      // A browser goes on trying by itself, but not after an answer that is no stream.
      if (source.readyState === EventSource.CLOSED) setTimeout(follow, 5000);
    });
  };
  follow();
  // A page that is kept for the way back would hold its connection.
  window.addEventListener("pagehide", () => source.close());
  window.addEventListener("pageshow", (event) => { if (event.persisted) follow(); });
})();
