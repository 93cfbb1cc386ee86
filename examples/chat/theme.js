// theme.js - light or dark: as the system is, or as the reader has chosen on this device.
//
// A classic script in the head, so that no page is light for a moment and then dark.

(() => {
  const KEY = "moongate.theme";
  const CHOICES = ["system", "light", "dark"];

  const chosen = () => {
    const kept = localStorage.getItem(KEY);
    return CHOICES.includes(kept) ? kept : "system";
  };

  const apply = () => {
    document.documentElement.dataset.theme = chosen();
  };

  window.theme = {
    choices: CHOICES,
    chosen,
    choose(name) {
      localStorage.setItem(KEY, name);
      apply();
    },
  };
  apply();
  window.addEventListener("storage", apply); // another tab has chosen
})();
