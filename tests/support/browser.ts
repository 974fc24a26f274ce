/** A real Chromium without a window, Debian's, for the pages that people look at. */
import { type Browser, chromium } from "playwright-core";
import { find } from "./installed.ts";

/** As root in a container, where Chromium's own sandbox cannot be had. */
const ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: find("chromium") ?? "chromium", args: ARGUMENTS });
}
