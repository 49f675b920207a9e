// Light or dark before the first paint: this page's own choice, else the dashboard's, else the system's.
{
  const chosen = () => {
    try {
      const own = localStorage.getItem("scan-theme");
      if (own) return own;
      for (let n = 0; n < localStorage.length; n += 1) {
        const key = localStorage.key(n);
        if (!key.startsWith("stActiveTheme-")) continue;
        const name = JSON.parse(localStorage.getItem(key)).name;
        if (name === "Dark" || name === "Light") return name.toLowerCase();
      }
    } catch { /* storage is switched off: the system decides */ }
    return "";
  };
  document.documentElement.dataset.theme = chosen();
}
