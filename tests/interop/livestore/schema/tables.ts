// The tables of a Runt notebook: the JavaScript twin of runt_protocol/state/_rows.py.
import { Schema, State } from "@livestore/livestore";

const { boolean, clientDocument, datetime, integer, json, real, table, text } =
  State.SQLite;

const key = () => text({ primaryKey: true });
const optionalText = () => text({ nullable: true });
const optionalInteger = () => integer({ nullable: true });
const optionalDate = () => datetime({ nullable: true });
const optionalJson = () => json({ nullable: true, schema: Schema.Any });

export const tables = {
  debug: table({
    name: "debug",
    columns: { id: key(), version: text({ default: "1" }) },
  }),
  files: table({
    name: "files",
    columns: {
      fileName: key(),
      mimeType: text(),
      artifactId: text(),
      fileUrl: optionalText(),
      createdAt: optionalDate(),
      createdBy: text(),
      deletedAt: optionalDate(),
    },
  }),
  notebookMetadata: table({
    name: "notebookMetadata",
    columns: { key: key(), value: text() },
  }),
  cells: table({
    name: "cells",
    columns: {
      id: key(),
      cellType: text(),
      source: text({ default: "" }),
      fractionalIndex: optionalText(),
      executionCount: optionalInteger(),
      executionState: text({ default: "idle" }),
      assignedRuntimeSession: optionalText(),
      lastExecutionDurationMs: optionalInteger(),
      sqlConnectionId: optionalText(),
      sqlResultVariable: optionalText(),
      aiProvider: optionalText(),
      aiModel: optionalText(),
      aiSettings: optionalJson(),
      sourceVisible: boolean({ default: true }),
      outputVisible: boolean({ default: true }),
      aiContextVisible: boolean({ default: true }),
      createdBy: text(),
    },
  }),
  outputs: table({
    name: "outputs",
    columns: {
      id: key(),
      cellId: text(),
      outputType: text(),
      position: real(),
      streamName: optionalText(),
      executionCount: optionalInteger(),
      displayId: optionalText(),
      data: optionalText(),
      artifactId: optionalText(),
      mimeType: optionalText(),
      metadata: optionalJson(),
      representations: optionalJson(),
    },
  }),
  outputDeltas: table({
    name: "output_deltas",
    columns: {
      id: key(),
      outputId: text(),
      delta: text({ default: "" }),
      sequenceNumber: integer(),
    },
  }),
  pendingClears: table({
    name: "pendingClears",
    columns: { cellId: key(), clearedBy: text() },
  }),
  executionQueue: table({
    name: "executionQueue",
    columns: {
      id: key(),
      cellId: text(),
      executionCount: integer(),
      requestedBy: text(),
      status: text({ default: "pending" }),
      assignedRuntimeSession: optionalText(),
      startedAt: optionalDate(),
      completedAt: optionalDate(),
      executionDurationMs: optionalInteger(),
    },
  }),
  runtimeSessions: table({
    name: "runtimeSessions",
    columns: {
      sessionId: key(),
      runtimeId: text(),
      runtimeType: text(),
      status: text(),
      isActive: boolean({ default: true }),
      canExecuteCode: boolean(),
      canExecuteSql: boolean(),
      canExecuteAi: boolean(),
      availableAiModels: optionalJson(),
      lastRenewedAt: optionalDate(),
      expiresAt: optionalDate(),
    },
  }),
  presence: table({
    name: "presence",
    columns: { userId: key(), cellId: optionalText() },
  }),
  actors: table({
    name: "actors",
    columns: {
      id: key(),
      type: text(),
      displayName: text(),
      avatar: optionalText(),
    },
  }),
  toolApprovals: table({
    name: "toolApprovals",
    columns: {
      toolCallId: key(),
      cellId: text(),
      toolName: text(),
      status: text(),
      approvedBy: optionalText(),
      requestedAt: datetime(),
      respondedAt: optionalDate(),
    },
  }),
  // Local to a client; here so that a dump has the tables of the web application's.
  uiState: clientDocument({
    name: "uiState",
    schema: Schema.Struct({ openCellId: Schema.NullOr(Schema.String) }),
    default: { id: "ui", value: { openCellId: null } },
  }),
};
