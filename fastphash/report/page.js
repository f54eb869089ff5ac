"use strict";
(() => {
  const field = (id) => document.getElementById(id);
  const form = field("filters");
  const items = (id) =>
    [...document.querySelectorAll(`#${id} [data-copies]`)].map((element) => ({
      element,
      copies: element.dataset.copies.trim().split(" ").map((copy) => copy.split(":")),
      splits: element.dataset.splits.split(" "),
      names: [...element.querySelectorAll(".file")].map((file) => file.textContent.toLowerCase()),
    }));
  let groups = [];
  let further = [];

  // a function that tells whether a group passes the filters
  const filters = () => {
    const number = (id, usual) => (field(id).value === "" ? usual : Number(field(id).value));
    const kind = field("kind").value;
    const split = field("split") ? field("split").value : "";
    const from = number("from", 0);
    const to = number("to", 64);
    const name = field("name").value.toLowerCase();
    const ofSplit = (splits) => (split === "across" ? splits.length > 1 : splits.includes(split));
    return (item) =>
      item.copies.some(([k, d]) => (!kind || k === kind) && d >= from && d <= to) &&
      (!split || ofSplit(item.splits)) &&
      item.names.some((text) => text.includes(name));
  };

  const filter = () => {
    // not all groups have arrived yet
    if (document.readyState === "loading") return;
    const passes = filters();
    const show = (all) => {
      let shown = 0;
      for (const item of all) {
        const hidden = !passes(item);
        if (item.element.hidden !== hidden) item.element.hidden = hidden;
        shown += !hidden;
      }
      return shown;
    };
    const number = (count) => count.toLocaleString("en");
    const shown = show(groups);
    let text = `${number(shown)} of ${number(groups.length)} group${groups.length === 1 ? "" : "s"}`;
    if (further.length)
      text += `, ${number(show(further))} of ${number(further.length)} without pictures`;
    field("none").hidden = shown > 0 || groups.length === 0;
    announce(text);
  };

  let timer = 0;
  // of quick changes, a screen reader hears only the last
  const announce = (text) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      field("count").textContent = text;
    }, 100);
  };

  form.addEventListener("input", filter);
  form.addEventListener("change", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  // the fields are emptied after the event
  form.addEventListener("reset", () => setTimeout(filter));
  form.hidden = false;
  document.addEventListener("DOMContentLoaded", () => {
    groups = items("shown");
    further = items("below");
    // a page that is reloaded keeps the text in its fields
    filter();
    showLate();
  });

  // pictures far below load one by one, so that the page stays responsive
  const showLate = () => {
    const next = document.querySelector("img[loading=lazy]");
    if (!next) return;
    next.loading = "eager";
    if (next.complete) setTimeout(showLate);
    else for (const end of ["load", "error"]) next.addEventListener(end, showLate, { once: true });
  };
})();
