/** A service as customers know it, for control planes whose help pages say what to set up. */
const HOUR_MS = 3_600_000;

export const HELP_FACTS = {
  name: "smtp.mailhop.test",
  starttlsPorts: [25, 587, 2525],
  tlsPorts: [465],
  delayWarningMs: 4 * HOUR_MS,
  expiryMs: 5 * 24 * HOUR_MS,
  url: null,
};
