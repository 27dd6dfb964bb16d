export { ApprovalDesk, approvalDeskPlugin } from './ApprovalDesk.js';
export { approvalRequest, describeApprovalBook, type OpenedApprovalBook } from './approvalBookContract.js';
export { describeInChromium, openChromium } from './chromium.js';
export {
  type Answering,
  type CallOptions,
  type ClientKind,
  type ConnectedClient,
  clientKinds,
  connectClient,
  type ElicitedQuestion,
  type ListedTool,
  type LogMessage,
  type Progress,
  type ToolResult,
} from './connectClient.js';
export { connectReplicas, TestReplica } from './connectReplicas.js';
export { type Deferred, deferred } from './deferred.js';
export { freePort } from './freePort.js';
export { type AddedReplica, type OpenedReplicas, openReplicas } from './openReplicas.js';
export { type PostAnswer, type PostOptions, post } from './post.js';
export { type LogEntry, recordingLogger } from './recordingLogger.js';
export { startTcpProxy, type TcpProxy } from './startTcpProxy.js';
export { startTestApp, type TestApp, type TestFeature } from './startTestApp.js';
export { startTlsServer, type TlsServer } from './startTlsServer.js';
export { describeOnPostgres, openPostgres, openSqlite, type TestDatabase } from './testDatabases.js';
export {
  describeOnRedis,
  describeWithRedisServer,
  type OwnRedis,
  openRedis,
  startRedis,
  type TestRedis,
} from './testRedis.js';
export { hiddenField, type VisitedPage, Visitor } from './Visitor.js';
