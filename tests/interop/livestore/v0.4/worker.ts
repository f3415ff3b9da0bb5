// The published sync server of LiveStore 0.4, with what a service has in front of it: a
// check of the token, and an answer to who the token's user is. It runs in workerd.
import {
  handleSyncRequest,
  makeDurableObject,
  matchSyncRequest,
} from "@livestore/sync-cf/cf-worker";

export class WebSocketServer extends makeDurableObject() {}

interface Environment {
  AUTH_TOKEN: string;
  WEBSOCKET_SERVER: DurableObjectNamespace;
}

function whoAmI(request: Request, env: Environment) {
  const isKnown = request.headers.get("authorization") === `Bearer ${env.AUTH_TOKEN}`;
  if (!isKnown) return new Response("Invalid auth token", { status: 401 });
  return Response.json({ id: "person", email: "person@localhost" });
}

function checkToken(payload: unknown, env: Environment) {
  const { authToken } = payload as { authToken?: string };
  if (authToken !== env.AUTH_TOKEN) throw new Error("Invalid auth token");
}

export default {
  fetch(request: Request, env: Environment, ctx: ExecutionContext) {
    const { pathname } = new URL(request.url);
    if (pathname === "/api/me") return whoAmI(request, env);
    const searchParams = matchSyncRequest(request);
    // Where a 0.3 client ends up: its query does not say how it travels.
    if (searchParams === undefined) {
      return new Response("Invalid path", { status: 400 });
    }
    return handleSyncRequest({
      request,
      searchParams,
      env,
      ctx,
      syncBackendBinding: "WEBSOCKET_SERVER",
      validatePayload: (payload: unknown) => checkToken(payload, env),
    });
  },
};
