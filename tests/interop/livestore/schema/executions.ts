// What events about sessions, executions and approvals do: the twin of
// runt_protocol/state/_executions.py.
import { State } from "@livestore/livestore";
import { executionEvents } from "./events.ts";
import { presence } from "./presence.ts";
import { tables } from "./tables.ts";

const { cells, executionQueue, runtimeSessions, toolApprovals } = tables;

const enqueue = (
  id: string,
  cellId: string,
  executionCount: number,
  requestedBy: string,
) => [
  executionQueue
    .insert({ id, cellId, executionCount, requestedBy })
    .onConflict("id", "ignore"),
  cells.update({ executionState: "queued", executionCount }).where({ id: cellId }),
];

export const executionMaterialisers = State.SQLite.materializers(executionEvents, {
  "v1.RuntimeSessionStarted": ({ sessionId, runtimeId, runtimeType, capabilities }) =>
    runtimeSessions
      .insert({
        sessionId,
        runtimeId,
        runtimeType,
        status: "starting",
        isActive: true,
        canExecuteCode: capabilities.canExecuteCode,
        canExecuteSql: capabilities.canExecuteSql,
        canExecuteAi: capabilities.canExecuteAi,
        availableAiModels: capabilities.availableAiModels || null,
      })
      .onConflict("sessionId", "replace"),
  "v1.RuntimeSessionRenewal": ({ sessionId, renewedAt, validForMs }) =>
    runtimeSessions
      .update({
        lastRenewedAt: renewedAt,
        expiresAt: new Date(renewedAt.getTime() + validForMs),
      })
      .where({ sessionId }),
  "v1.RuntimeSessionStatusChanged": ({ sessionId, status }) =>
    runtimeSessions.update({ status }).where({ sessionId }),
  "v1.RuntimeSessionTerminated": ({ sessionId }) =>
    runtimeSessions
      .update({ status: "terminated", isActive: false })
      .where({ sessionId }),
  "v1.ExecutionRequested": (
    { queueId, cellId, executionCount, requestedBy, actorId },
  ) => [
    ...enqueue(queueId, cellId, executionCount, requestedBy),
    presence(actorId || requestedBy, cellId),
  ],
  "v1.MultipleExecutionRequested": ({ requestedBy, cellsInfo }) =>
    cellsInfo.flatMap(({ id, executionCount, queueId }) =>
      enqueue(queueId, id, executionCount, requestedBy)
    ),
  "v1.ExecutionAssigned": ({ queueId, runtimeSessionId }) =>
    executionQueue
      .update({ status: "assigned", assignedRuntimeSession: runtimeSessionId })
      .where({ id: queueId }),
  "v1.ExecutionStarted": ({ queueId, cellId, runtimeSessionId, startedAt }) => [
    executionQueue.update({ status: "executing", startedAt }).where({ id: queueId }),
    cells
      .update({
        executionState: "running",
        assignedRuntimeSession: runtimeSessionId,
      })
      .where({ id: cellId }),
  ],
  "v1.ExecutionCompleted": (
    { queueId, cellId, status, completedAt, executionDurationMs },
  ) => [
    executionQueue
      .update({
        status: status === "success" ? "completed" : "failed",
        completedAt,
        executionDurationMs,
      })
      .where({ id: queueId }),
    cells
      .update({
        executionState: status === "success" ? "completed" : "error",
        lastExecutionDurationMs: executionDurationMs,
      })
      .where({ id: cellId }),
  ],
  "v1.ExecutionCancelled": ({ queueId, cellId, cancelledBy, actorId }) => [
    executionQueue.update({ status: "cancelled" }).where({ id: queueId }),
    cells.update({ executionState: "idle" }).where({ id: cellId }),
    presence(actorId || cancelledBy, cellId),
  ],
  "v1.AllExecutionsCancelled": () => [
    executionQueue
      .update({ status: "cancelled" })
      .where({ status: { op: "IN", value: ["pending", "assigned", "executing"] } }),
    cells
      .update({ executionState: "idle" })
      .where({ executionState: { op: "IN", value: ["queued", "running"] } }),
  ],
  "v1.ToolApprovalRequested": ({ toolCallId, cellId, toolName, requestedAt }) =>
    toolApprovals
      .insert({ toolCallId, cellId, toolName, status: "pending", requestedAt })
      .onConflict("toolCallId", "replace"),
  "v1.ToolApprovalResponded": ({ toolCallId, status, approvedBy, respondedAt }) =>
    toolApprovals.update({ status, approvedBy, respondedAt }).where({ toolCallId }),
});
