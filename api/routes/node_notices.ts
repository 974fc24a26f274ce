/** Where a node takes notices that are to go out as mail, and says that it has them. */
import { Hono } from "hono";
import { type NoticeMailSources, takeNoticeMail } from "../notice_mail.ts";
import { jsonBody } from "./json_body.ts";
import { noticeMailBody } from "./node_schema.ts";

export type NodeNoticeRoutes = NoticeMailSources;

export const nodeNoticeRoutes = (sources: NodeNoticeRoutes) =>
  new Hono().post("/notices", jsonBody(noticeMailBody), async (c) => {
    const { stored, wanted } = c.req.valid("json");
    return c.json({ items: await takeNoticeMail(sources, stored, wanted) }, 200);
  });
