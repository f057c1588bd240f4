// Starts the app: one Chatkeep client for the page, on the origin that served it.
import { createChatkeep } from "chatkeep";
import { watchDevices } from "chatkeep/events";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { Crash } from "./app/Crash";
import { showKeptTheme } from "./lib/useTheme";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/sessions.css";
import "./styles/chat.css";
import "./styles/markdown.css";
import "./styles/overlays.css";

showKeptTheme();
const client = createChatkeep();
watchDevices(client);
const root = document.getElementById("root");

if (root) {
  createRoot(root).render(
    <StrictMode>
      <Crash>
        <App client={client} />
      </Crash>
    </StrictMode>,
  );
}
