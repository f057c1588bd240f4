// The words for times.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, count, left, moment, stamp } from "./time.ts";

const NOW = new Date(2026, 10, 21, 9, 30).getTime();
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const at = (offset) => new Date(NOW + offset).toISOString();

test("what is left is told in the unit that fits", () => {
  const told = [
    [7 * DAY, "7 days left"],
    [7 * DAY - 5_000, "7 days left"],
    [2 * DAY, "2 days left"],
    [36 * HOUR, "2 days left"],
    [35 * HOUR, "35 hours left"],
    [HOUR, "1 hour left"],
    [59 * MINUTE, "59 minutes left"],
    [MINUTE, "1 minute left"],
    [59_000, "less than a minute left"],
    [0, "expired"],
    [-DAY, "expired"],
  ];
  for (const [rest, words] of told) assert.equal(left(at(rest), NOW), words);
});

test("what has passed is told by clock, then by calendar", () => {
  const told = [
    [5_000, "just now"], // a server's clock may be ahead
    [0, "just now"],
    [-59_000, "just now"],
    [-MINUTE, "1 min ago"],
    [-59 * MINUTE, "59 min ago"],
    [-HOUR, "1 h ago"],
    [-9 * HOUR, "9 h ago"],
    [-10 * HOUR, "yesterday"],
    [-33 * HOUR, "yesterday"],
    [-34 * HOUR, "2 days ago"],
    [-6 * DAY, "6 days ago"],
    [-7 * DAY, "14 Nov"],
    [-365 * DAY, "21 Nov 2025"],
  ];
  for (const [offset, words] of told) assert.equal(ago(at(offset), NOW, "en-GB"), words);
});

test("moments name the day, and the year when it is another", () => {
  assert.equal(moment(at(7 * DAY), NOW, "en-GB"), "28 Nov, 09:30");
  assert.equal(moment(at(60 * DAY), NOW, "en-GB"), "20 Jan 2027, 09:30");
  assert.equal(stamp(at(-HOUR), NOW, "en-GB"), "08:30");
  assert.equal(stamp(at(-DAY), NOW, "en-GB"), "20 Nov, 09:30");
});

test("counts have their plural", () => {
  assert.deepEqual(
    [0, 1, 2].map((n) => count(n, "message")),
    ["0 messages", "1 message", "2 messages"],
  );
});

test("what is no time is told as nothing", () => {
  for (const words of [ago("", NOW), left("soon", NOW), moment("", NOW), stamp("", NOW)]) assert.equal(words, "");
});
