/** The names by which people and programs know stages, rules and reasons: stable, made from the enums' own. */
import { Reason } from "./assembly/reason.ts";
import { Rule } from "./assembly/rule.ts";
import { Stage } from "./assembly/stage.ts";
import type { StageName } from "./facts.ts";

export const STAGES: Readonly<Record<StageName, Stage>> = {
  connection: Stage.Connection,
  login: Stage.Login,
  mail: Stage.Mail,
  recipient: Stage.Recipient,
  message: Stage.Message,
  author: Stage.Author,
  quota: Stage.Quota,
};

export const STAGE_NAMES = Object.keys(STAGES) as StageName[];

/** "quota-exceeded" for Reason.QuotaExceeded. */
export function reasonName(reason: Reason): string {
  return kebab(Reason[reason] ?? `reason ${reason}`);
}

/** "sender-domain" for Rule.SenderDomain; a number for a rule of somebody else's module. */
export function ruleName(rule: number): string {
  return kebab(Rule[rule] ?? `rule ${rule}`);
}

export function stageName(stage: Stage): StageName {
  return STAGE_NAMES[stage]!;
}

function kebab(name: string): string {
  return name.replace(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase();
}
