// Sets the chosen theme and language before the first paint; a classic script, so that it runs at once.
(() => {
  const root = document.documentElement;
  try {
    const theme = localStorage.getItem("barbotage-theme");
    if (theme === "dark" || theme === "light") root.dataset.theme = theme;
    const language = localStorage.getItem("barbotage-language");
    if (language === "fr" || language === "en") root.lang = language;
  } catch {
    // Storage switched off: the system's theme and the browser's language are used.
  }
})();
