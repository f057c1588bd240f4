// The app in a real browser, in the words of its user. A fresh profile and a fresh context each time.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const DESKTOP = { viewport: { width: 1280, height: 800 } };
export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

/** A browser; Playwright gives it a new user data directory and removes that afterwards. */
export function launch(flags = []) {
  const args = [...FLAGS, ...flags];
  return chromium.launch({ executablePath: process.env.CHROMIUM_BIN || "/usr/bin/chromium", args });
}

/**
 * Opens a page and hands it to `use`. Afterwards no error may have reached it: neither an uncaught one nor one of the content
 * security policy.
 */
export async function withPage(browser, url, options, use) {
  const context = await browser.newContext({ locale: "en-GB", ...options });
  context.setDefaultTimeout(15_000);
  try {
    const page = await context.newPage();
    const errors = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (line) => {
      if (line.type() === "error" && /security policy|react/i.test(line.text())) errors.push(line.text());
    });
    await page.goto(url);
    await use(page, context);
    assert.deepEqual(errors, []);
  } finally {
    await context.close();
  }
}

/** Opens the app and hands it to `use`, with its page and the browser's context. */
export function withApp(browser, url, options, use) {
  return withPage(browser, url, options, async (page, context) => {
    const app = new App(page);
    await app.box.waitFor();
    await use(app, page, context);
  });
}

export class App {
  constructor(page) {
    this.page = page;
    this.box = page.getByRole("textbox", { name: "Message" });
    this.log = page.getByRole("log", { name: "Messages" });
    this.messages = this.log.getByRole("listitem");
    this.questions = this.messages.filter({ has: page.getByText("You", { exact: true }) });
    this.replies = this.messages.filter({ has: page.getByText("Assistant", { exact: true }) });
    this.thinking = this.log.getByText("Thinking…");
    this.list = page.getByRole("list", { name: "Your chats" });
    this.heading = page.getByRole("heading", { level: 1 });
    this.newChatButton = page.getByRole("button", { name: "New Chat" }).first();
  }

  /** Sends by keyboard and waits for the whole reply. */
  async say(text) {
    const before = await this.replies.count();
    await this.send(text);
    await this.whole(before);
  }

  /** Waits until a reply is there to its end; a reply that still comes may change the order of the list. */
  async whole(place = 0) {
    await this.replies.nth(place).waitFor();
    await this.thinking.waitFor({ state: "detached" });
    await this.log.locator("[data-status=streaming]").waitFor({ state: "detached" });
  }

  async send(text) {
    await this.box.fill(text);
    // On a touch screen Enter breaks the line.
    const touch = await this.page.evaluate(() => matchMedia("(pointer: coarse)").matches);
    if (touch) await this.page.getByRole("button", { name: "Send" }).tap();
    else await this.box.press("Enter");
  }

  async newChat() {
    await this.newChatButton.click();
    await this.page.getByText("Hello! What’s on your mind?").waitFor();
  }

  /** A session's button in the list. */
  session(title) {
    return this.list.locator("[data-session]", { hasText: title });
  }

  /** Chooses from a session's menu. */
  async choose(title, item) {
    await this.session(title).hover();
    await this.list.getByRole("button", { name: `More for “${title}` }).click();
    await this.page.getByRole("menuitem", { name: item }).click();
  }

  /** A notice over the page. */
  toast(text) {
    return this.page.getByRole("status", { name: "Notices" }).filter({ hasText: text });
  }
}

/** Waits until what `look` returns satisfies `holds`; says what it saw last when it never does. */
export async function eventually(look, holds, timeout = 15_000) {
  const end = Date.now() + timeout;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (Date.now() > end) assert.fail(`still ${JSON.stringify(seen)}`);
    await new Promise((resume) => setTimeout(resume, 25));
  }
}

/** The next turn gets this problem for an answer. */
export function failOnce(page, code, status) {
  const problem = { type: `urn:chatkeep:problem:${code}`, title: "Failed", status, code, retryable: true };
  const answer = { status, contentType: "application/problem+json", body: JSON.stringify(problem) };
  return page.route("**/v1/chat", (route) => route.fulfill(answer), { times: 1 });
}

/** The app's own API, as another of its clients. */
export async function api(url, path, init) {
  const answer = await fetch(new URL(path, url), {
    ...init,
    headers: { "content-type": "application/json", ...init?.headers },
  });
  assert.ok(answer.ok, `${path}: ${answer.status}`);
  return answer.json();
}
