// The events of a Runt notebook, as LiveStore definitions: the JavaScript twin of
// runt_protocol/events. Field order is the order in which LiveStore writes args.
import { Events, Schema } from "@livestore/livestore";

const { Any, Boolean, Date, Literal, Number, Record, String, Struct, optional } =
  Schema;

const cellType = Literal("code", "markdown", "sql", "ai", "raw");
const metadata = optional(Record({ key: String, value: Any }));
const representation = Schema.Union(
  Struct({ type: Literal("inline"), data: Any, metadata }),
  Struct({ type: Literal("artifact"), artifactId: String, metadata }),
);
const representations = Record({ key: String, value: representation });

export type Representation = typeof representation.Type;
export type Representations = typeof representations.Type;

/** A struct whose fields need no services, which LiveStore asks for. */
type StructOf<Fields extends Schema.Struct.Fields> = Schema.Schema<
  Schema.Struct.Type<Fields>,
  Schema.Struct.Encoded<Fields>
>;

const actorId = optional(String);
const outputPlace = { id: String, cellId: String, position: Number };
const delta = { id: String, outputId: String, delta: String, sequenceNumber: Number };

const event = <const Name extends string, const Fields extends Schema.Struct.Fields>(
  name: Name,
  fields: Fields,
) => Events.synced({ name, schema: Struct(fields) as unknown as StructOf<Fields> });

export const notebookEvents = {
  debug: event("v1.Debug", { id: String }),
  notebookInitialized: event("v1.NotebookInitialized", {
    id: String,
    title: String,
    ownerId: String,
  }),
  notebookTitleChanged: event("v1.NotebookTitleChanged", { title: String }),
  notebookMetadataSet: event("v1.NotebookMetadataSet", { key: String, value: String }),
  fileUploaded: event("v1.FileUploaded", {
    artifactId: String,
    mimeType: String,
    fileName: String,
    createdAt: Date,
    createdBy: String,
    fileUrl: optional(String),
  }),
  fileDeleted1: event("v1.FileDeleted", { fileName: String }),
  fileDeleted2: event("v2.FileDeleted", { fileName: String, deletedAt: Date }),
  presenceSet: event("v1.PresenceSet", { userId: String, cellId: optional(String) }),
  actorProfileSet: event("v1.ActorProfileSet", {
    id: String,
    type: Literal("human", "runtime_agent"),
    displayName: String,
    avatar: optional(String),
  }),
};

export const cellEvents = {
  cellCreated1: event("v1.CellCreated", {
    id: String,
    cellType,
    position: Number,
    createdBy: String,
    actorId,
  }),
  cellCreated2: event("v2.CellCreated", {
    id: String,
    fractionalIndex: String,
    cellType,
    createdBy: String,
  }),
  cellSourceChanged: event("v1.CellSourceChanged", {
    id: String,
    source: String,
    modifiedBy: String,
  }),
  cellTypeChanged: event("v1.CellTypeChanged", { id: String, cellType, actorId }),
  cellDeleted: event("v1.CellDeleted", { id: String, actorId }),
  cellMoved1: event("v1.CellMoved", { id: String, newPosition: Number, actorId }),
  cellMoved2: event("v2.CellMoved", { id: String, fractionalIndex: String, actorId }),
  sourceVisibilityToggled: event("v1.CellSourceVisibilityToggled", {
    id: String,
    sourceVisible: Boolean,
    actorId,
  }),
  outputVisibilityToggled: event("v1.CellOutputVisibilityToggled", {
    id: String,
    outputVisible: Boolean,
    actorId,
  }),
  aiContextVisibilityToggled: event("v1.CellAiContextVisibilityToggled", {
    id: String,
    aiContextVisible: Boolean,
    actorId,
  }),
  aiSettingsChanged: event("v1.AiSettingsChanged", {
    cellId: String,
    provider: String,
    model: String,
    settings: Struct({
      temperature: optional(Number),
      maxTokens: optional(Number),
      systemPrompt: optional(String),
    }),
  }),
  sqlConnectionChanged: event("v1.SqlConnectionChanged", {
    cellId: String,
    connectionId: optional(String),
    changedBy: String,
  }),
  sqlResultVariableChanged: event("v1.SqlResultVariableChanged", {
    cellId: String,
    resultVariable: optional(String),
    changedBy: String,
  }),
};

export const executionEvents = {
  runtimeSessionStarted: event("v1.RuntimeSessionStarted", {
    sessionId: String,
    runtimeId: String,
    runtimeType: String,
    capabilities: Struct({
      canExecuteCode: Boolean,
      canExecuteSql: Boolean,
      canExecuteAi: Boolean,
      availableAiModels: optional(Any),
    }),
  }),
  runtimeSessionRenewal: event("v1.RuntimeSessionRenewal", {
    sessionId: String,
    renewedAt: Date,
    validForMs: Number,
  }),
  runtimeSessionStatusChanged: event("v1.RuntimeSessionStatusChanged", {
    sessionId: String,
    status: Literal("ready", "busy", "restarting"),
  }),
  runtimeSessionTerminated: event("v1.RuntimeSessionTerminated", {
    sessionId: String,
    reason: Literal("shutdown", "restart", "error", "timeout", "displaced"),
  }),
  executionRequested: event("v1.ExecutionRequested", {
    queueId: String,
    cellId: String,
    executionCount: Number,
    requestedBy: String,
    actorId,
  }),
  multipleExecutionRequested: event("v1.MultipleExecutionRequested", {
    requestedBy: String,
    cellsInfo: Schema.Array(
      Struct({ id: String, executionCount: Number, queueId: String }),
    ),
  }),
  executionAssigned: event("v1.ExecutionAssigned", {
    queueId: String,
    runtimeSessionId: String,
  }),
  executionStarted: event("v1.ExecutionStarted", {
    queueId: String,
    cellId: String,
    runtimeSessionId: String,
    startedAt: Date,
  }),
  executionCompleted: event("v1.ExecutionCompleted", {
    queueId: String,
    cellId: String,
    status: Literal("success", "error", "cancelled"),
    error: optional(String),
    completedAt: Date,
    executionDurationMs: Number,
  }),
  executionCancelled: event("v1.ExecutionCancelled", {
    queueId: String,
    cellId: String,
    cancelledBy: String,
    actorId,
    reason: String,
  }),
  allExecutionsCancelled: Events.synced({
    name: "v1.AllExecutionsCancelled",
    schema: Schema.Void,
  }),
  toolApprovalRequested: event("v1.ToolApprovalRequested", {
    toolCallId: String,
    cellId: String,
    toolName: String,
    arguments: Record({ key: String, value: Any }),
    requestedAt: Date,
  }),
  toolApprovalResponded: event("v1.ToolApprovalResponded", {
    toolCallId: String,
    status: Literal("approved_once", "approved_always", "denied"),
    approvedBy: String,
    respondedAt: Date,
  }),
};

export const outputEvents = {
  displayAdded: event("v1.MultimediaDisplayOutputAdded", {
    ...outputPlace,
    representations,
    displayId: optional(String),
  }),
  displayUpdated: event("v1.MultimediaDisplayOutputUpdated", {
    displayId: String,
    representations,
  }),
  resultAdded: event("v1.MultimediaResultOutputAdded", {
    ...outputPlace,
    representations,
    executionCount: Number,
  }),
  terminalAdded: event("v1.TerminalOutputAdded", {
    ...outputPlace,
    content: representation,
    streamName: Literal("stdout", "stderr"),
  }),
  terminalAppended1: event("v1.TerminalOutputAppended", {
    outputId: String,
    content: representation,
  }),
  terminalAppended2: event("v2.TerminalOutputAppended", delta),
  markdownAdded: event("v1.MarkdownOutputAdded", {
    ...outputPlace,
    content: representation,
  }),
  markdownAppended1: event("v1.MarkdownOutputAppended", {
    outputId: String,
    content: representation,
  }),
  markdownAppended2: event("v2.MarkdownOutputAppended", delta),
  errorAdded: event("v1.ErrorOutputAdded", { ...outputPlace, content: representation }),
  cellOutputsCleared: event("v1.CellOutputsCleared", {
    cellId: String,
    wait: Boolean,
    clearedBy: String,
  }),
  allOutputsCleared: event("v1.AllOutputsCleared", { clearedBy: String }),
};

export const events = {
  ...notebookEvents,
  ...cellEvents,
  ...executionEvents,
  ...outputEvents,
};
