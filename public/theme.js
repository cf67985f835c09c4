// Before the first paint: the theme the person chose last time (src/app/theme.ts). A file of its own, because the policy forbids inline scripts.
try {
  const theme = localStorage.getItem('resta-theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is forbidden here: the system's theme it is.
}
