// The published sync server, with what a service has in front of it: a check of the
// token, and an answer to who the token's user is. It runs in workerd; see bundle.ts.
import { handleWebSocket, makeDurableObject } from "@livestore/sync-cf/cf-worker";

export class WebSocketServer extends makeDurableObject() {}

type Arguments = Parameters<typeof handleWebSocket>;
type Environment = Arguments[1] & { AUTH_TOKEN: string };

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
  fetch(request: Request, env: Environment, context: Arguments[2]) {
    const { pathname } = new URL(request.url);
    if (pathname === "/api/me") return whoAmI(request, env);
    return handleWebSocket(request, env, context, {
      validatePayload: (payload) => checkToken(payload, env),
    });
  },
};
