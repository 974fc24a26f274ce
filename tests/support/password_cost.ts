/** What a hash of a password costs in tests that are not about that: next to nothing, instead of 40 ms of a core. */
import type { Cost } from "../../api/passwords.ts";

export const PASSWORD_COST: Cost = { ln: 1, r: 1, p: 1 };
