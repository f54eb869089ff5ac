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

  const wanted = () => {
    const number = (id, other) => (field(id).value === "" ? other : Number(field(id).value));
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
    // the groups may be on their way still
    if (document.readyState === "loading") return;
    const like = wanted();
    const keep = (all) => {
      let kept = 0;
      for (const item of all) {
        const hidden = !like(item);
        if (item.element.hidden !== hidden) item.element.hidden = hidden;
        kept += !hidden;
      }
      return kept;
    };
    const number = (count) => count.toLocaleString("en");
    const kept = keep(groups);
    let text = `${number(kept)} of ${number(groups.length)} group${groups.length === 1 ? "" : "s"}`;
    if (further.length)
      text += `, ${number(keep(further))} of ${number(further.length)} without pictures`;
    field("none").hidden = kept > 0 || groups.length === 0;
    say(text);
  };

  let waiting = 0;
  // a screen reader hears the last of several quick changes
  const say = (text) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      field("count").textContent = text;
    }, 100);
  };

  form.addEventListener("input", filter);
  form.addEventListener("change", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  // fields are empty only after the event
  form.addEventListener("reset", () => setTimeout(filter));
  form.hidden = false;
  document.addEventListener("DOMContentLoaded", () => {
    groups = items("shown");
    further = items("below");
    // a page that is loaded again keeps what was written into its fields
    filter();
    showLate();
  });

  // pictures far below come one by one, between what the user does
  const showLate = () => {
    const next = document.querySelector("img[loading=lazy]");
    if (!next) return;
    next.loading = "eager";
    if (next.complete) setTimeout(showLate);
    else for (const end of ["load", "error"]) next.addEventListener(end, showLate, { once: true });
  };
})();
