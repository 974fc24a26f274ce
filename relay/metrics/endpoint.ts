/** /metrics in front of what else a process answers over HTTP, of which the requests are counted. */
import type { ProcessMetrics } from "./process_metrics.ts";

type Handler = Deno.ServeHandler<Deno.NetAddr>;

/** For Deno.serve. @param monotonic milliseconds of a monotonic clock. */
export function withMetrics(metrics: ProcessMetrics, monotonic: () => number, handler: Handler): Handler {
  return async (request, info) => {
    if (new URL(request.url).pathname === "/metrics") return await answer(request, metrics);
    const begun = monotonic();
    const response = await handler(request, info);
    metrics.requested(response.status, monotonic() - begun);
    return response;
  };
}

async function answer({ method }: Request, metrics: ProcessMetrics): Promise<Response> {
  if (method !== "GET" && method !== "HEAD") return new Response(null, { status: 405, headers: { allow: "GET" } });
  return new Response(await metrics.text(), {
    headers: { "content-type": metrics.contentType, "cache-control": "no-store" },
  });
}
