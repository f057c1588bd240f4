// Light, dark, or as the system has it: kept in this browser.
import { useEffect, useState } from "react";

export type Theme = "system" | "light" | "dark";

const KEY = "chatkeep-theme";

function kept(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : "system";
  } catch {
    return "system"; // storage is forbidden
  }
}

/** Shows the theme that was chosen before; called once, before the first paint. */
export function showKeptTheme(): void {
  show(kept());
}

function show(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState(kept);

  useEffect(() => {
    show(theme);
    try {
      if (theme === "system") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, theme);
    } catch {
      // It lasts until the next reload.
    }
  }, [theme]);

  return [theme, setTheme];
}
