// Keys, the flicker and the sliders. Everything else works without this script.
"use strict";

document.documentElement.classList.add("js");

const dialog = document.getElementById("keys");
const keysOn = document.getElementById("keys-on");

// whether the user has switched the keys off
const setting = {
  get off() {
    try {
      return localStorage.getItem("keys") === "off";
    } catch {
      return false;
    }
  },
  set off(value) {
    try {
      localStorage.setItem("keys", value ? "off" : "on");
    } catch {
      // without storage the setting lasts as long as this page
    }
  },
};

keysOn.checked = !setting.off;
keysOn.addEventListener("change", () => {
  setting.off = !keysOn.checked;
  showKeys();
});

function showKeys() {
  for (const element of document.querySelectorAll("[data-key]")) {
    if (keysOn.checked) {
      element.setAttribute("aria-keyshortcuts", shortcut(element.dataset.key));
    } else {
      element.removeAttribute("aria-keyshortcuts");
    }
    element.title = keysOn.checked ? `key: ${element.dataset.key}` : "";
  }
}

function shortcut(key) {
  return key !== key.toLowerCase() || key === "?" ? `Shift+${key}` : key;
}

function isTyping(target) {
  const field = target.closest("input, select, textarea, [contenteditable]");
  return field && !["checkbox", "radio", "button", "submit"].includes(field.type);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.repeat) return;
  if (!keysOn.checked || dialog.open || isTyping(event.target)) return;
  if (event.key.length !== 1) return;
  const element = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!element || element.disabled) return;
  event.preventDefault();
  element.click();
});

document.querySelector("[data-keys-help]")?.addEventListener("click", () => dialog.showModal());

// a form that is sent twice would decide twice
for (const form of document.querySelectorAll('form[method="post"]')) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

const button = document.getElementById("flicker");
if (button) {
  const other = document.getElementById("other");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let timer = 0;
  const flicker = (on) => {
    clearInterval(timer);
    // one change in 0.5 s: one flash a second, three are the limit for safe pages
    timer = on ? setInterval(() => { other.checked = !other.checked; }, 500) : 0;
    button.setAttribute("aria-pressed", String(on));
    button.textContent = on ? "Stop" : "Flicker";
  };
  button.addEventListener("click", () => flicker(!timer));
  other.addEventListener("click", () => flicker(false));
  calm.addEventListener("change", () => { if (calm.matches) flicker(false); });
  if (!calm.matches) flicker(true);
}

const slider = document.getElementById("slider");
if (slider) {
  const stage = document.querySelector(".stage");
  const show = () => stage.style.setProperty("--shown", `${slider.value}%`);
  slider.addEventListener("input", show);
  show();
}

showKeys();
