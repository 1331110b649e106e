// generated from daytona_rpc/protocol; edit that

export const PROTOCOL_VERSION = 1;

/** The kinds of application errors (`data.kind`). */
export type ErrorKind = "notFound" | "conflict" | "alreadyFinished" | "commandExecutionError" | "waitTimeout" | "unsupported" | "apiError" | "authentication" | "rateLimited" | "sandboxUnavailable" | "hostUnavailable" | (string & {});

/**
 * How much the server reports in `$/logTrace`; an unknown word counts as `messages`.
 *
 * - `off`: Nothing.
 * - `messages`: A line for each message, without its content.
 * - `compact`: The same as `messages`.
 * - `verbose`: A line for each message with its ids, times and sizes; never commands, environments or inputs.
 */
export type TraceValue = "off" | "messages" | "compact" | "verbose" | (string & {});

/**
 * What a sandbox is.
 *
 * - `local`: This machine; there is one, with the id `local`.
 * - `daytona`: A sandbox in Daytona's cloud.
 */
export type SandboxKind = "local" | "daytona";

/**
 * What a sandbox does; an unknown word counts as `unknown`.
 *
 * - `started`: Commands can run.
 * - `stopped`: It can be started; its files are kept.
 * - `starting`: It becomes `started`.
 * - `stopping`: It becomes `stopped`.
 * - `creating`: It is being made.
 * - `archived`: It can be started, slowly: its files were moved to an archive.
 * - `error`: It failed; `reason` says why.
 * - `destroyed`: It is gone.
 * - `unknown`: The server cannot tell.
 */
export type SandboxState = "started" | "stopped" | "starting" | "stopping" | "creating" | "archived" | "error" | "destroyed" | "unknown" | (string & {});

/**
 * What happened to a sandbox or a session.
 *
 * - `created`: It is new.
 * - `changed`: One of its fields has a new value.
 * - `deleted`: It is gone; the notification holds its last state.
 */
export type ChangeKind = "created" | "changed" | "deleted";

/**
 * Where a command is in its life.
 *
 * - `queued`: It waits for the synchronous commands of its session that came before it.
 * - `running`: Its process was started and is not over.
 * - `completed`: It ended by itself, with any exit code or by a signal that was not ours. Final.
 * - `stopped`: We ended it: `reason` is `stop`, `signal` or `timeout`. Final.
 * - `failed`: It never started; `reason` says why. Final.
 * - `lost`: Nobody can know how it ended; `reason` says why. Final.
 */
export type Status = "queued" | "running" | "completed" | "stopped" | "failed" | "lost";

/**
 * Whether a command can be given input.
 *
 * - `open`: `command/input` is taken.
 * - `closed`: The command reads end of file.
 */
export type StdinState = "open" | "closed";

/**
 * How far a command with a `ready` check is.
 *
 * - `waiting`: No condition holds yet.
 * - `ready`: A condition held; `command/ready` was sent.
 * - `timedOut`: None held within `timeoutMs`; the command runs on.
 */
export type ReadyState = "waiting" | "ready" | "timedOut";

/**
 * Where a byte of a log came from.
 *
 * - `stdout`: The command's standard output.
 * - `stderr`: The command's standard error.
 * - `pty`: The command's terminal, which does not tell output and error apart.
 */
export type Channel = "stdout" | "stderr" | "pty";

/**
 * How a string stands for bytes.
 *
 * - `utf8`: The string's UTF-8 form.
 * - `base64`: Base64 with padding (RFC 4648, section 4).
 */
export type Encoding = "utf8" | "base64";

/**
 * How serious a message is.
 *
 * - `1`: Something failed.
 * - `2`: Something may fail, or is not as it was asked for.
 * - `3`: Something worth knowing.
 * - `4`: An entry of the server's log.
 * - `5`: A detail for the server's developers.
 */
export type MessageType = 1 | 2 | 3 | 4 | 5;

/** No fields: `{}`, or no `params` at all. */
export type NoParams = Record<string, never>;

/** The editor or program that speaks to the server. */
export interface ClientInfo {
  /** Its name, for the server's log. */
  name: string;
  /** Its version, for the server's log. */
  version?: string;
}

/** A folder that is open in the editor. */
export interface WorkspaceFolder {
  /** Its `file://` URI. */
  uri: string;
  /** Its name in the editor; not used. */
  name?: string;
}

/** The client's settings for this connection. */
export interface InitializationOptions {
  /** The sandbox of requests that name neither a sandbox nor a session; `local` by default. */
  sandboxId?: string;
}

/** The fields of LSP's `InitializeParams` that this server reads; all others are ignored. */
export interface InitializeParams {
  /** The client's process; the server ends when it is gone. */
  processId?: number;
  /** Who the client is. */
  clientInfo?: ClientInfo;
  /** The workspace's `file://` URI, for clients without `workspaceFolders`. */
  rootUri?: string;
  /** The workspace's path, for clients without `rootUri`. */
  rootPath?: string;
  /** The open folders; the first is the default directory of new sessions on `local`. */
  workspaceFolders?: WorkspaceFolder[];
  /** The client's settings for this connection. */
  initializationOptions?: InitializationOptions;
  /** How much to report in `$/logTrace`; `off` by default. */
  trace?: TraceValue;
  /** The client's capabilities; `window.workDoneProgress` and `window.showDocument.support` are read. */
  capabilities?: { [key: string]: unknown };
}

/** What this server can do beyond LSP's lifecycle. */
export interface DaytonaRpcCapabilities {
  /** The version of this protocol, 1; raised only by a change that breaks clients. */
  protocolVersion: number;
  /** The methods that the server takes. */
  methods: string[];
  /** The notifications that the server sends. */
  notifications: string[];
  /** The shells found on this machine, as paths. */
  shells: string[];
  /** The path of the shell of new sessions on `local`, one of `shells`. */
  localShell: string;
}

/** The place that LSP leaves for capabilities of other protocols. */
export interface ExperimentalCapabilities {
  /** This protocol's. */
  daytonaRpc: DaytonaRpcCapabilities;
}

/** LSP's `ServerCapabilities`, without any language feature. */
export interface ServerCapabilities {
  /** The capabilities of other protocols. */
  experimental: ExperimentalCapabilities;
}

/** The server. */
export interface ServerInfo {
  /** `daytona-rpc`. */
  name: string;
  /** The version of the program, not of the protocol. */
  version: string;
}

/** What the server is and can do. */
export interface InitializeResult {
  /** What it can do. */
  capabilities: ServerCapabilities;
  /** What it is. */
  serverInfo: ServerInfo;
}

/** The new amount of tracing. */
export interface SetTraceParams {
  /** How much to report in `$/logTrace` from now on. */
  value: TraceValue;
}

/** The request to end. */
export interface CancelParams {
  /** The id of a request that has not been answered yet; any other is ignored. */
  id: number | string;
}

/** A place where commands run: this machine or a Daytona sandbox. */
export interface Sandbox {
  /** Its id; `local` is this machine. */
  sandboxId: string;
  /** Its name for people. */
  name: string;
  /** What it is. */
  kind: SandboxKind;
  /** What it does; `local` is always `started`. */
  state: SandboxState;
  /** Why it is in this state, where there is something to say. */
  reason: string | null;
  /** Its labels, set at its creation. */
  labels: { [key: string]: string };
  /** The region it runs in; null for `local`. */
  target: string | null;
  /** When it was made; null for `local`. */
  createdAt: string | null;
  /** Minutes without activity after which Daytona stops it, 0 for never; null for `local`. */
  autoStopInterval: number | null;
  /** The promises that cannot be kept in this sandbox, as sentences for people; empty for `local`. */
  limits: string[];
}

/** The sandbox meant. */
export interface SandboxParams {
  /** Its id. */
  sandboxId: string;
}

/** All sandboxes of this machine and of the account. */
export interface SandboxList {
  /** `local` first, then Daytona's, the newest first. */
  sandboxes: Sandbox[];
}

/** The sandbox to make; what is left out is Daytona's default. */
export interface SandboxCreateParams {
  /** Its name for people. */
  name?: string;
  /** The snapshot to make it from. */
  snapshot?: string;
  /** Its labels. */
  labels?: { [key: string]: string };
  /** Environment variables of everything in it. */
  env?: { [key: string]: string };
  /** The region to make it in. */
  target?: string;
  /** Minutes without activity after which Daytona stops it; 0 for never. */
  autoStopInterval?: number;
}

/** The port to look at. */
export interface PreviewLinkParams {
  /** The sandbox; the connection's default if left out. */
  sandboxId?: string;
  /** A port in it, from 1 to 65535; nothing needs to listen there yet. */
  port: number;
  /** How long the link is to work, from 1 to 86400 seconds; not used for `local`. */
  expiresInSeconds?: number;
}

/** A link that opens a port of a sandbox in a browser. */
export interface PreviewLink {
  /** The link; a secret when it carries a token. */
  url: string;
  /** The secret in or beside the link, where there is one. */
  token?: string;
  /** When the link stops working, if it does. */
  expiresAt?: string;
}

/** A sandbox that is not as it was. */
export interface SandboxChange {
  /** What happened to it. */
  kind: ChangeKind;
  /** What it is now. */
  sandbox: Sandbox;
}

/** A named place in a sandbox: a directory, an environment, a shell's state, and commands. */
export interface Session {
  /** Its id, unique across sandboxes. */
  sessionId: string;
  /** The sandbox it is in. */
  sandboxId: string;
  /** The directory that the next command starts in, absolute. */
  cwd: string;
  /** The path of the shell that runs its commands. */
  shell: string;
  /** When it was made. */
  createdAt: string;
  /** How many of its commands are queued or running. */
  running: number;
  /** Whether `command/execute` made it because no session was named. */
  auto: boolean;
  /** Its commands, the oldest first; only in the answer to `sessions/get`. */
  commands?: CommandStatus[];
  /** The promises that cannot be kept in this session, as sentences for people; empty on `local`. */
  limits: string[];
}

/** The session meant. */
export interface SessionParams {
  /** Its id. */
  sessionId: string;
}

/** The session to make. */
export interface SessionsCreateParams {
  /** Its id; `session-` and 8 hexadecimal digits if left out. */
  sessionId?: string;
  /** The sandbox to make it in; the connection's default if left out. */
  sandboxId?: string;
  /** The directory it starts in; `~` and `~/x` are the home directory and a path in it. */
  cwd?: string;
  /** Variables added to its environment; null removes one. */
  env?: { [key: string]: string | null };
}

/** Which sessions to list. */
export interface SessionsListParams {
  /** Only those in this sandbox; all if left out. */
  sandboxId?: string;
}

/** Sessions. */
export interface SessionList {
  /** The sessions, the oldest first. */
  sessions: Session[];
}

/** What the deletion of a session ended. */
export interface SessionDeletion {
  /** How many commands were queued or running and have been stopped. */
  stopped: number;
}

/** A session that is not as it was. */
export interface SessionChange {
  /** What happened to it. */
  kind: ChangeKind;
  /** What it is now. */
  session: Session;
}

/** When a command counts as ready: as soon as the first of the given conditions holds. */
export interface ReadyCheck {
  /** A TCP port of the sandbox, from 1 to 65535, that accepts a connection. */
  port?: number;
  /** An http or https URL, seen from the sandbox, that answers with a status below 500. */
  url?: string;
  /** A regular expression (Python's `re.search`) that a line of the log matches. */
  pattern?: string;
  /** Milliseconds, from 1 to 2147483647, after which the check gives up; the command runs on. */
  timeoutMs?: number;
}

/** The command to run, as shell text (`command`) or as arguments without a shell (`argv`). */
export interface ExecuteParams {
  /** The session to run it in; if left out, a session is made for it. */
  sessionId?: string;
  /** The sandbox of the session that is made; the connection's default if left out. */
  sandboxId?: string;
  /** Shell text; exactly one of `command` and `argv` is given. */
  command?: string;
  /** The program and its arguments, run without a shell; at least the program. */
  argv?: string[];
  /** Its directory, for this command alone; relative to the session's. */
  cwd?: string;
  /** Variables for this command alone; null removes one. */
  env?: { [key: string]: string | null };
  /** Whether it runs beside the session's other commands and is answered when it has started. */
  runAsync?: boolean;
  /** Its id, chosen by the client to start it once; `cmd-` and 12 hexadecimal digits if left out. */
  commandId?: string;
  /** Milliseconds of running, from 1 to 2147483647, after which it is stopped; never if left out. */
  timeoutMs?: number;
  /** The size of the terminal to run it in; pipes if left out. */
  tty?: Terminal;
  /** Whether to attach to it, so that its log comes as `command/output`. */
  stream?: boolean;
  /** When it counts as ready; no check if left out. */
  ready?: ReadyCheck;
  /** Whether it can be given input; if left out `open` with `runAsync` or `tty`, else `closed`. */
  stdin?: StdinState;
}

/** The size of a command's terminal. */
export interface Terminal {
  /** Columns, from 1 to 1000. */
  cols: number;
  /** Rows, from 1 to 1000. */
  rows: number;
}

/** All that is known of a command. */
export interface CommandStatus {
  /** Its id, unique across sessions. */
  commandId: string;
  /** The session it belongs to. */
  sessionId: string;
  /** The sandbox it runs in. */
  sandboxId: string;
  /** Its shell text; for `argv` the arguments, quoted and joined. */
  command: string;
  /** Its arguments when it was given as `argv`, else null. */
  argv: string[] | null;
  /** Where it is in its life. */
  status: Status;
  /** Its exit code; null while it is not over, when a signal ended it, and when nobody knows. */
  exitCode: number | null;
  /** The signal that ended it, such as `SIGKILL`, else null. */
  signal: string | null;
  /** Why it is in this status: `stop`, `signal` or `timeout` when stopped, else a sentence or null. */
  reason: string | null;
  /** When it was taken. */
  createdAt: string;
  /** When its process was started. */
  startedAt: string | null;
  /** When it was over. */
  endedAt: string | null;
  /** Milliseconds from `startedAt` to `endedAt`. */
  durationMs: number | null;
  /** The directory it was started in, absolute. */
  cwd: string;
  /** Whether it runs beside the session's other commands. */
  runAsync: boolean;
  /** Bytes written so far; also the offset of the next byte. */
  logSize: number;
  /** The offset of the oldest byte that is kept; 0 unless bytes were dropped. */
  truncatedBefore: number;
  /** The size of its terminal; null for pipes. */
  tty: Terminal | null;
  /** Whether it can be given input. */
  stdin: StdinState;
  /** How far its `ready` check is; null without one, or when the command was over first. */
  ready: ReadyState | null;
  /** The last 1 MiB of its log, all channels as text; only in the answer to a synchronous execution. */
  output?: string;
  /** Whether `output` is less than the whole log; beside `output` only. */
  outputTruncated?: boolean;
}

/** The command meant. */
export interface CommandParams {
  /** Its id. */
  commandId: string;
}

/** Which commands to list. */
export interface CommandListParams {
  /** Only those of this session; all if left out. */
  sessionId?: string;
}

/** Commands. */
export interface CommandList {
  /** The commands, the oldest first. */
  commands: CommandStatus[];
}

/** The condition of a `ready` check that held first. */
export interface CommandReady {
  /** The session of the command. */
  sessionId: string;
  /** The command. */
  commandId: string;
  /** The port that accepts connections. */
  port?: number;
  /** The URL that answers. */
  url?: string;
  /** The line that matched, at most 4096 characters of it. */
  line?: string;
}

/** The command to wait for. */
export interface WaitParams {
  /** The command. */
  commandId: string;
  /** Milliseconds, from 0 to 2147483647, after which the wait ends; never if left out. */
  timeoutMs?: number;
}

/** What to write to a command's standard input or terminal. */
export interface InputParams {
  /** The command. */
  commandId: string;
  /** What to write; at least one of `data` and `eof` is given. */
  data?: string;
  /** How `data` stands for bytes. */
  encoding?: Encoding;
  /** Whether the input ends after `data`; on a terminal this is its end-of-file character. */
  eof?: boolean;
}

/** The command to stop, and how long to be gentle. */
export interface StopParams {
  /** The command. */
  commandId: string;
  /** Milliseconds, from 0 to 2147483647, between SIGTERM and SIGKILL. */
  graceMs?: number;
}

/** The signal to send. */
export interface SignalParams {
  /** The command. */
  commandId: string;
  /** The signal's name with or without `SIG`, such as `INT` or `SIGUSR1`. */
  signal: string;
}

/** The new size of a command's terminal. */
export interface ResizeParams {
  /** The command, which has a `tty`. */
  commandId: string;
  /** Columns, from 1 to 1000. */
  cols: number;
  /** Rows, from 1 to 1000. */
  rows: number;
}

/** A run of bytes of one channel of a command's log. */
export interface LogChunk {
  /** The session of the command. */
  sessionId: string;
  /** The command. */
  commandId: string;
  /** The offset of its first byte in the command's log, from 0. */
  offset: number;
  /** Where its bytes came from. */
  channel: Channel;
  /** Its bytes, as `encoding` says. */
  data: string;
  /** `utf8` for whole characters, `base64` for bytes that are not UTF-8. */
  encoding: Encoding;
  /** When its first byte was read. */
  at: string;
  /** Only where bytes were dropped that this reader had not got: the oldest offset kept then. */
  truncatedBefore?: number;
}

/** Which part of a log to read. */
export interface LogsParams {
  /** The command. */
  commandId: string;
  /** The first byte, from 0 to the log's size. */
  offset?: number;
  /** At most so many bytes, from 1 to 4194304; 1 MiB by default. */
  limit?: number;
  /** Only chunks of this channel; all if left out. Offsets stay those of the whole log. */
  channel?: Channel;
}

/** A part of a log. */
export interface LogPage {
  /** The chunks, in the order of their offsets. */
  chunks: LogChunk[];
  /** Where to go on reading. */
  nextOffset: number;
  /** Bytes in the log so far; also the offset of the next byte. */
  size: number;
  /** The offset of the oldest byte that is kept; 0 unless bytes were dropped. */
  truncatedBefore: number;
  /** Whether the command is over, so that the log cannot grow. */
  finished: boolean;
}

/** The command to follow, and from where. */
export interface AttachParams {
  /** The command. */
  commandId: string;
  /** The first byte wanted, from 0 to the log's size. */
  offset?: number;
}

/** A message for people. */
export interface MessageParams {
  /** How serious it is. */
  type: MessageType;
  /** Its text. */
  message: string;
}

/** A line of the trace. */
export interface LogTraceParams {
  /** The line; never holds commands, environments or inputs. */
  message: string;
  /** More about it, when the trace is `verbose`. */
  verbose?: string;
}

/** The token of progress that the server is about to report. */
export interface ProgressCreateParams {
  /** The token, made by the server. */
  token: number | string;
}

/** A report of progress. */
export interface ProgressParams {
  /** The token it belongs to. */
  token: number | string;
  /** LSP's `WorkDoneProgressBegin`, `WorkDoneProgressReport` or `WorkDoneProgressEnd`. */
  value: { [key: string]: unknown };
}

/** What to open. */
export interface ShowDocumentParams {
  /** The URL of a preview. */
  uri: string;
  /** Whether to open it outside the editor, in a browser. */
  external?: boolean;
  /** Whether it should take the focus. */
  takeFocus?: boolean;
}

/** Whether it was opened. */
export interface ShowDocumentResult {
  /** Whether it was opened. */
  success: boolean;
}

/** The `data` of an application error, with a code from 1001 on. */
export interface ErrorData {
  /** The kind of error, a word of the table of errors; may be a word not known yet. */
  kind: string;
  /** Whether the same request can succeed later without the client changing it. */
  retryable: boolean;
  /** The session it is about. */
  sessionId?: string;
  /** The command it is about. */
  commandId?: string;
  /** The status that Daytona answered with. */
  httpStatus?: number;
  /** Milliseconds to wait before trying again; with `rateLimited`. */
  retryAfterMs?: number;
}

/** The `data` of error -32602. */
export interface InvalidParamsData {
  /** The wire path of the bad field, such as `tty.cols`; empty when `params` itself is not an object. */
  path: string;
}

/** The requests that the server takes. */
export interface Requests {
  /** Opens the connection. */
  "initialize": { params: InitializeParams; result: InitializeResult };
  /** Ends the connection's work; commands go on. */
  "shutdown": { params: undefined; result: null };
  /** Lists `local` and the account's sandboxes. */
  "sandbox/list": { params: NoParams; result: SandboxList };
  /** Looks a sandbox up. */
  "sandbox/get": { params: SandboxParams; result: Sandbox };
  /** Makes a Daytona sandbox and answers when it is started. */
  "sandbox/create": { params: SandboxCreateParams; result: Sandbox };
  /** Starts a sandbox and answers when it is started. */
  "sandbox/start": { params: SandboxParams; result: Sandbox };
  /** Stops a sandbox and with it what runs there. */
  "sandbox/stop": { params: SandboxParams; result: Sandbox };
  /** Deletes a sandbox and its files. */
  "sandbox/delete": { params: SandboxParams; result: Sandbox };
  /** Makes a link to a port of a sandbox. */
  "sandbox/previewLink": { params: PreviewLinkParams; result: PreviewLink };
  /** Makes a session. */
  "sessions/create": { params: SessionsCreateParams; result: Session };
  /** Lists the sessions of this machine. */
  "sessions/list": { params: SessionsListParams; result: SessionList };
  /** Looks a session up, with all its commands. */
  "sessions/get": { params: SessionParams; result: Session };
  /** Stops a session's commands and removes it with its logs. */
  "sessions/delete": { params: SessionParams; result: SessionDeletion };
  /** Runs a command. */
  "command/execute": { params: ExecuteParams; result: CommandStatus };
  /** Looks a command up. */
  "command/status": { params: CommandParams; result: CommandStatus };
  /** Lists commands. */
  "command/list": { params: CommandListParams; result: CommandList };
  /** Waits until a command is over. */
  "command/wait": { params: WaitParams; result: CommandStatus };
  /** Reads a part of a command's log. */
  "command/logs": { params: LogsParams; result: LogPage };
  /** Sends a command's log as `command/output`, what is there and what comes. */
  "command/attach": { params: AttachParams; result: CommandStatus };
  /** Ends `command/output` for a command. */
  "command/detach": { params: CommandParams; result: null };
  /** Writes to a command's standard input. */
  "command/input": { params: InputParams; result: null };
  /** Ends a command with all its processes and answers when it is over. */
  "command/stop": { params: StopParams; result: CommandStatus };
  /** Sends a signal to a command's processes. */
  "command/signal": { params: SignalParams; result: null };
  /** Changes the size of a command's terminal. */
  "command/resize": { params: ResizeParams; result: null };
}

/** The notifications that the server takes. */
export interface Notifications {
  /** Says that the client has read the answer to `initialize`. */
  "initialized": NoParams;
  /** Ends the server's process. */
  "exit": undefined;
  /** Changes how much the server reports in `$/logTrace`. */
  "$/setTrace": SetTraceParams;
  /** Ends a request that is not answered yet, never a command. */
  "$/cancelRequest": CancelParams;
}

/** The requests that the server sends. */
export interface ServerRequests {
  /** Makes a token for progress, where the client declared `window.workDoneProgress`. */
  "window/workDoneProgress/create": { params: ProgressCreateParams; result: null };
  /** Opens a preview, where the client declared `window.showDocument`. */
  "window/showDocument": { params: ShowDocumentParams; result: ShowDocumentResult };
}

/** The notifications that the server sends. */
export interface ServerNotifications {
  /** Brings the next bytes of an attached command's log. */
  "command/output": LogChunk;
  /** Says that a command's status is not what it was. */
  "command/statusChanged": CommandStatus;
  /** Says that a command's `ready` check holds. */
  "command/ready": CommandReady;
  /** Says that a session was made, changed or deleted. */
  "sessions/changed": SessionChange;
  /** Says that a sandbox was made, changed or deleted. */
  "sandbox/changed": SandboxChange;
  /** Adds an entry to the server's log in the editor. */
  "window/logMessage": MessageParams;
  /** Shows a message that the user must act on. */
  "window/showMessage": MessageParams;
  /** Adds a line to the trace. */
  "$/logTrace": LogTraceParams;
  /** Reports progress on a token made before. */
  "$/progress": ProgressParams;
}
