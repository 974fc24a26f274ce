/** Between control plane and spool: what is said of a notice once it is stored, and what of one that cannot be. */
import { assertEquals } from "@std/assert";
import type { NoticeMail, NoticeMailReport } from "../../../api/client.ts";
import { ControlPlaneNotAsked, ControlPlaneUnavailable } from "../../../relay/control_plane.ts";
import { followNotices, type NoticeFollowerOptions } from "../../../relay/notices/follower.ts";
import { SpoolFailure } from "../../../relay/spool/errors.ts";
import { newDirectory, openTestSpool, START } from "../../support/spool_on_disk.ts";

type Report = Omit<NoticeMailReport, "node">;

const mail = (id: string, to = "anna@example.net"): NoticeMail => (
  { id, account: "anna", to, subject: `About ${id}`, paragraphs: ["Words."] }
);

/** Answers the first question with these, and the next one with none. @returns what was said. */
async function follow(
  given: readonly NoticeMail[],
  options: Partial<NoticeFollowerOptions> & Pick<NoticeFollowerOptions, "spool">,
): Promise<{ reports: Report[]; troubles: string[]; unsendable: string[] }> {
  const reports: Report[] = [], troubles: string[] = [], unsendable: string[] = [];
  const over = Promise.withResolvers<void>();
  const follower = followNotices({
    controlPlane: {
      noticeMail: (report) => {
        reports.push(report);
        if (reports.length === 2) over.resolve();
        return Promise.resolve(reports.length === 1 ? [...given] : []);
      },
    },
    serviceName: "smtp.example.org",
    isDraining: () => false,
    now: () => START,
    onTrouble: (error) => troubles.push(String(error)),
    onUnsendable: ({ id }) => unsendable.push(id),
    ...options,
  });
  await over.promise;
  await follower[Symbol.asyncDispose]();
  return { reports, troubles, unsendable };
}

Deno.test("notices: each is in the spool before it is said to be, at once, with the next question", async () => {
  await using test = await openTestSpool(newDirectory());
  const { reports } = await follow([mail("n1"), mail("n2")], { spool: test.spool });
  assertEquals(reports.map(({ stored }) => stored), [[], ["n1", "n2"]]);
  const seen = await Promise.all(["n1", "n2"].map((id) => test.spool.peek(id)));
  assertEquals(seen.map((message) => message?.envelope.recipients), [["anna@example.net"], ["anna@example.net"]]);
});

Deno.test("notices: one that is in the spool already is not stored once more, and is said to be there", async () => {
  await using test = await openTestSpool(newDirectory());
  await follow([mail("n1")], { spool: test.spool });
  const { reports } = await follow([mail("n1")], { spool: test.spool });
  assertEquals([reports[1]!.stored, test.spool.count()], [["n1"], 1]);
});

Deno.test("notices: of one that the spool does not take nothing is said; the others go", async () => {
  await using test = await openTestSpool(newDirectory());
  const { spool } = test;
  const { reports, troubles } = await follow([mail("n1"), mail("n2")], {
    spool: {
      draft: (id, octets) => spool.draft(id, octets),
      peek: (id) => spool.peek(id),
      accept: (envelope, draft) =>
        envelope.id === "n1"
          ? Promise.reject(new SpoolFailure("the spool's disk is full"))
          : spool.accept(envelope, draft),
    },
  });
  assertEquals(troubles, ["SpoolFailure: the spool's disk is full"]);
  assertEquals([reports.flatMap(({ stored }) => stored), spool.count()], [["n2"], 1]);
});

Deno.test("notices: one whose address is none is told of, and not asked for again", async () => {
  await using test = await openTestSpool(newDirectory());
  const { reports, unsendable } = await follow([mail("n1", "anna@example.net\r\nBcc: eve@example.net")], {
    spool: test.spool,
  });
  assertEquals([unsendable, reports[1]!.stored, test.spool.count()], [["n1"], ["n1"], 0]);
});

Deno.test("notices: a node that ends while it stores one says so before it has ended, and takes no other", async () => {
  await using test = await openTestSpool(newDirectory());
  const { spool } = test;
  const reports: Report[] = [];
  const storing = Promise.withResolvers<void>(), goOn = Promise.withResolvers<void>();
  const follower = followNotices({
    controlPlane: {
      noticeMail: (report) => {
        reports.push(report);
        return Promise.resolve(report.wanted > 0 ? [mail("n1")] : []);
      },
    },
    spool: {
      draft: (id, octets) => spool.draft(id, octets),
      peek: (id) => spool.peek(id),
      async accept(envelope, draft) {
        storing.resolve();
        await goOn.promise;
        await spool.accept(envelope, draft);
      },
    },
    serviceName: "smtp.example.org",
    isDraining: () => false,
    now: () => START,
    onTrouble: (error) => goOn.reject(error),
    onUnsendable: () => {},
  });
  await storing.promise;
  const ended = follower[Symbol.asyncDispose]();
  goOn.resolve();
  await ended;
  assertEquals(reports.map(({ stored, wanted }) => [stored, wanted > 0]), [[[], true], [["n1"], false]]);
});

Deno.test("notices: that the control plane is still away is not told again, other trouble is", async () => {
  await using test = await openTestSpool(newDirectory());
  const troubles: string[] = [];
  for (const error of [new ControlPlaneNotAsked("it is away"), new ControlPlaneUnavailable("it answered 500")]) {
    await using _ = followNotices({
      controlPlane: { noticeMail: () => Promise.reject(error) },
      spool: test.spool,
      serviceName: "smtp.example.org",
      isDraining: () => false,
      now: () => START,
      onTrouble: (error) => troubles.push(String(error)),
      onUnsendable: () => {},
    });
  }
  assertEquals(troubles, ["ControlPlaneUnavailable: it answered 500"]);
});
