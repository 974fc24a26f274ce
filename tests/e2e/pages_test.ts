/** The pages in a real browser: what a reader of a phone sees, and what the browser asks for. */
import { assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { SECTIONS } from "../../api/help/pages.ts";
import { startControlPlane } from "../api/control_plane.ts";
import { launchBrowser } from "../support/browser.ts";
import { needing } from "../support/installed.ts";

/** CSS pixels: a small phone. */
const PHONE = { width: 360, height: 740 };
/** A finger needs no more, and WCAG 2.1 1.4.3 asks for no less. */
const LEAST_CONTRAST = 4.5;
const PATHS = [
  "/help?user=anna",
  "/docs",
  ...SECTIONS.flatMap(({ pages }) => pages.map(({ name }) => `/help/${name}?user=anna`)),
];

/** In the page: how far it is wider than the screen, its headings, and the least contrast of its text. */
const LOOK = `(() => {
  const luminance = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map((part) => {
      const value = part / 255;
      return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const background = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const { backgroundColor } = getComputedStyle(at);
      if (backgroundColor !== "rgba(0, 0, 0, 0)") return backgroundColor;
    }
    return "rgb(255, 255, 255)";
  };
  const texts = [...document.querySelectorAll("main *")].filter((element) =>
    !element.closest("svg") && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== ""));
  const contrasts = texts.map((element) => {
    const both = [luminance(getComputedStyle(element).color), luminance(background(element))].sort((a, b) => b - a);
    return (both[0] + 0.05) / (both[1] + 0.05);
  });
  return {
    tooWide: document.documentElement.scrollWidth - innerWidth,
    headings: document.querySelectorAll("h1").length,
    titled: document.title !== "",
    contrast: Math.min(...contrasts),
  };
})()`;

interface Look {
  readonly tooWide: number;
  readonly headings: number;
  readonly titled: boolean;
  readonly contrast: number;
}

Deno.test({
  ...needing("pages: on a phone, by day and by night, all is within the screen and on this server", "chromium"),
  async fn() {
    await using api = await startControlPlane();
    await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, api.app.fetch);
    const origin = `http://127.0.0.1:${server.addr.port}`;
    await using browser = await launchBrowser();
    for (const colorScheme of ["light", "dark"] as const) {
      await using context = await browser.newContext({ viewport: PHONE, colorScheme, javaScriptEnabled: true });
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on("console", (message) => complaints.push(message.text()));
      page.on("request", (request) => {
        if (!request.url().startsWith(`${origin}/`)) complaints.push(`a request to ${request.url()}`);
      });
      for (const path of PATHS) {
        await page.goto(origin + path);
        const { contrast, ...look } = await page.evaluate<Look>(LOOK);
        assertEquals(look, { tooWide: 0, headings: 1, titled: true }, path);
        assertEquals(contrast >= LEAST_CONTRAST, true, `${path} (${colorScheme}): contrast ${contrast}`);
      }
      assertEquals(complaints, []);
      await fillInUsername(page, origin);
    }
  },
});

/** As a reader does, without a script. */
async function fillInUsername(page: Page, origin: string): Promise<void> {
  await page.goto(`${origin}/help`);
  await page.getByLabel("Show my username").fill("ben");
  await page.getByRole("button", { name: "Show" }).click();
  await page.getByRole("link", { name: "msmtp" }).click();
  assertEquals(page.url(), `${origin}/help/msmtp?user=ben`);
  assertEquals((await page.locator("pre").first().innerText()).includes("\nuser ben\n"), true);
}
