// Starts the app: one Chatkeep client for the page, on the origin that served it.
import { createChatkeep } from "chatkeep";
import { watchDevices } from "chatkeep/events";
import { App } from "./app/App";
import { render } from "./app/render";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/sessions.css";
import "./styles/chat.css";
import "./styles/markdown.css";
import "./styles/overlays.css";

const client = createChatkeep();
watchDevices(client);
render(<App client={client} />);
