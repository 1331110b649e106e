-- generated from daytona_rpc/protocol; edit that

--- How much the server reports in `$/logTrace`; an unknown word counts as `messages`.
---@alias daytona.TraceValue "off"|"messages"|"compact"|"verbose"|string

--- What a sandbox is.
---@alias daytona.SandboxKind "local"|"daytona"

--- What a sandbox does; an unknown word counts as `unknown`.
---@alias daytona.SandboxState "started"|"stopped"|"starting"|"stopping"|"creating"|"archived"|"error"|"destroyed"|"unknown"|string

--- What happened to a sandbox or a session.
---@alias daytona.ChangeKind "created"|"changed"|"deleted"

--- Where a command is in its life.
---@alias daytona.Status "queued"|"running"|"completed"|"stopped"|"failed"|"lost"

--- Whether a command can be given input.
---@alias daytona.StdinState "open"|"closed"

--- How far a command with a `ready` check is.
---@alias daytona.ReadyState "waiting"|"ready"|"timedOut"

--- Where a byte of a log came from.
---@alias daytona.Channel "stdout"|"stderr"|"pty"

--- How a string stands for bytes.
---@alias daytona.Encoding "utf8"|"base64"

--- How serious a message is.
---@alias daytona.MessageType 1|2|3|4|5

--- No fields: `{}`, or no `params` at all.
---@class daytona.NoParams

--- The editor or program that speaks to the server.
---@class daytona.ClientInfo
---@field name string Its name, for the server's log.
---@field version? string Its version, for the server's log.

--- A folder that is open in the editor.
---@class daytona.WorkspaceFolder
---@field uri string Its `file://` URI.
---@field name? string Its name in the editor; not used.

--- The client's settings for this connection.
---@class daytona.InitializationOptions
---@field sandboxId? string The sandbox of requests that name neither a sandbox nor a session; `local` by default.

--- The fields of LSP's `InitializeParams` that this server reads; all others are ignored.
---@class daytona.InitializeParams
---@field processId? integer The client's process; the server ends when it is gone.
---@field clientInfo? daytona.ClientInfo Who the client is.
---@field rootUri? string The workspace's `file://` URI, for clients without `workspaceFolders`.
---@field rootPath? string The workspace's path, for clients without `rootUri`.
---@field workspaceFolders? daytona.WorkspaceFolder[] The open folders; the first is the default directory of new sessions on `local`.
---@field initializationOptions? daytona.InitializationOptions The client's settings for this connection.
---@field trace? daytona.TraceValue How much to report in `$/logTrace`; `off` by default.
---@field capabilities? table<string, any> The client's capabilities; `window.workDoneProgress` and `window.showDocument.support` are read.

--- What this server can do beyond LSP's lifecycle.
---@class daytona.DaytonaRpcCapabilities
---@field protocolVersion integer The version of this protocol, 1; raised only by a change that breaks clients.
---@field methods string[] The methods that the server takes.
---@field notifications string[] The notifications that the server sends.
---@field shells string[] The shells found on this machine, as paths.
---@field localShell string The path of the shell of new sessions on `local`, one of `shells`.

--- The place that LSP leaves for capabilities of other protocols.
---@class daytona.ExperimentalCapabilities
---@field daytonaRpc daytona.DaytonaRpcCapabilities This protocol's.

--- LSP's `ServerCapabilities`, without any language feature.
---@class daytona.ServerCapabilities
---@field experimental daytona.ExperimentalCapabilities The capabilities of other protocols.

--- The server.
---@class daytona.ServerInfo
---@field name string `daytona-rpc`.
---@field version string The version of the program, not of the protocol.

--- What the server is and can do.
---@class daytona.InitializeResult
---@field capabilities daytona.ServerCapabilities What it can do.
---@field serverInfo daytona.ServerInfo What it is.

--- The new amount of tracing.
---@class daytona.SetTraceParams
---@field value daytona.TraceValue How much to report in `$/logTrace` from now on.

--- The request to end.
---@class daytona.CancelParams
---@field id integer|string The id of a request that has not been answered yet; any other is ignored.

--- A place where commands run: this machine or a Daytona sandbox.
---@class daytona.Sandbox
---@field sandboxId string Its id; `local` is this machine.
---@field name string Its name for people.
---@field kind daytona.SandboxKind What it is.
---@field state daytona.SandboxState What it does; `local` is always `started`.
---@field reason? string Why it is in this state, where there is something to say.
---@field labels table<string, string> Its labels, set at its creation.
---@field target? string The region it runs in; null for `local`.
---@field createdAt? string When it was made; null for `local`.
---@field autoStopInterval? integer Minutes without activity after which Daytona stops it, 0 for never; null for `local`.
---@field limits string[] The promises that cannot be kept in this sandbox, as sentences for people; empty for `local`.

--- The sandbox meant.
---@class daytona.SandboxParams
---@field sandboxId string Its id.

--- All sandboxes of this machine and of the account.
---@class daytona.SandboxList
---@field sandboxes daytona.Sandbox[] `local` first, then Daytona's, the newest first.

--- The sandbox to make; what is left out is Daytona's default.
---@class daytona.SandboxCreateParams
---@field name? string Its name for people.
---@field snapshot? string The snapshot to make it from.
---@field labels? table<string, string> Its labels.
---@field env? table<string, string> Environment variables of everything in it.
---@field target? string The region to make it in.
---@field autoStopInterval? integer Minutes without activity after which Daytona stops it; 0 for never.

--- The port to look at.
---@class daytona.PreviewLinkParams
---@field sandboxId? string The sandbox; the connection's default if left out.
---@field port integer A port in it, from 1 to 65535; nothing needs to listen there yet.
---@field expiresInSeconds? integer How long the link is to work, from 1 to 86400 seconds; not used for `local`.

--- A link that opens a port of a sandbox in a browser.
---@class daytona.PreviewLink
---@field url string The link; a secret when it carries a token.
---@field token? string The secret in or beside the link, where there is one.
---@field expiresAt? string When the link stops working, if it does.

--- A sandbox that is not as it was.
---@class daytona.SandboxChange
---@field kind daytona.ChangeKind What happened to it.
---@field sandbox daytona.Sandbox What it is now.

--- A named place in a sandbox: a directory, an environment, a shell's state, and commands.
---@class daytona.Session
---@field sessionId string Its id, unique across sandboxes.
---@field sandboxId string The sandbox it is in.
---@field cwd string The directory that the next command starts in, absolute.
---@field shell string The path of the shell that runs its commands.
---@field createdAt string When it was made.
---@field running integer How many of its commands are queued or running.
---@field auto boolean Whether `command/execute` made it because no session was named.
---@field commands? daytona.CommandStatus[] Its commands, the oldest first; only in the answer to `sessions/get`.
---@field limits string[] The promises that cannot be kept in this session, as sentences for people; empty on `local`.

--- The session meant.
---@class daytona.SessionParams
---@field sessionId string Its id.

--- The session to make.
---@class daytona.SessionsCreateParams
---@field sessionId? string Its id; `session-` and 8 hexadecimal digits if left out.
---@field sandboxId? string The sandbox to make it in; the connection's default if left out.
---@field cwd? string The directory it starts in; `~` and `~/x` are the home directory and a path in it.
---@field env? table<string, string|vim.NIL> Variables added to its environment; null removes one.

--- Which sessions to list.
---@class daytona.SessionsListParams
---@field sandboxId? string Only those in this sandbox; all if left out.

--- Sessions.
---@class daytona.SessionList
---@field sessions daytona.Session[] The sessions, the oldest first.

--- What the deletion of a session ended.
---@class daytona.SessionDeletion
---@field stopped integer How many commands were queued or running and have been stopped.

--- A session that is not as it was.
---@class daytona.SessionChange
---@field kind daytona.ChangeKind What happened to it.
---@field session daytona.Session What it is now.

--- When a command counts as ready: as soon as the first of the given conditions holds.
---@class daytona.ReadyCheck
---@field port? integer A TCP port of the sandbox, from 1 to 65535, that accepts a connection.
---@field url? string An http or https URL, seen from the sandbox, that answers with a status below 500.
---@field pattern? string A regular expression (Python's `re.search`) that a line of the log matches.
---@field timeoutMs? integer Milliseconds, from 1 to 2147483647, after which the check gives up; the command runs on.

--- The command to run, as shell text (`command`) or as arguments without a shell (`argv`).
---@class daytona.ExecuteParams
---@field sessionId? string The session to run it in; if left out, a session is made for it.
---@field sandboxId? string The sandbox of the session that is made; the connection's default if left out.
---@field command? string Shell text; exactly one of `command` and `argv` is given.
---@field argv? string[] The program and its arguments, run without a shell; at least the program.
---@field cwd? string Its directory, for this command alone; relative to the session's.
---@field env? table<string, string|vim.NIL> Variables for this command alone; null removes one.
---@field runAsync? boolean Whether it runs beside the session's other commands and is answered when it has started.
---@field commandId? string Its id, chosen by the client to start it once; `cmd-` and 12 hexadecimal digits if left out.
---@field timeoutMs? integer Milliseconds of running, from 1 to 2147483647, after which it is stopped; never if left out.
---@field tty? daytona.Terminal The size of the terminal to run it in; pipes if left out.
---@field stream? boolean Whether to attach to it, so that its log comes as `command/output`.
---@field ready? daytona.ReadyCheck When it counts as ready; no check if left out.
---@field stdin? daytona.StdinState Whether it can be given input; if left out `open` with `runAsync` or `tty`, else `closed`.

--- The size of a command's terminal.
---@class daytona.Terminal
---@field cols integer Columns, from 1 to 1000.
---@field rows integer Rows, from 1 to 1000.

--- All that is known of a command.
---@class daytona.CommandStatus
---@field commandId string Its id, unique across sessions.
---@field sessionId string The session it belongs to.
---@field sandboxId string The sandbox it runs in.
---@field command string Its shell text; for `argv` the arguments, quoted and joined.
---@field argv? string[] Its arguments when it was given as `argv`, else null.
---@field status daytona.Status Where it is in its life.
---@field exitCode? integer Its exit code; null while it is not over, when a signal ended it, and when nobody knows.
---@field signal? string The signal that ended it, such as `SIGKILL`, else null.
---@field reason? string Why it is in this status: `stop`, `signal` or `timeout` when stopped, else a sentence or null.
---@field createdAt string When it was taken.
---@field startedAt? string When its process was started.
---@field endedAt? string When it was over.
---@field durationMs? integer Milliseconds from `startedAt` to `endedAt`.
---@field cwd string The directory it was started in, absolute.
---@field runAsync boolean Whether it runs beside the session's other commands.
---@field logSize integer Bytes written so far; also the offset of the next byte.
---@field truncatedBefore integer The offset of the oldest byte that is kept; 0 unless bytes were dropped.
---@field tty? daytona.Terminal The size of its terminal; null for pipes.
---@field stdin daytona.StdinState Whether it can be given input.
---@field ready? daytona.ReadyState How far its `ready` check is; null without one, or when the command was over first.
---@field output? string The last 1 MiB of its log, all channels as text; only in the answer to a synchronous execution.
---@field outputTruncated? boolean Whether `output` is less than the whole log; beside `output` only.

--- The command meant.
---@class daytona.CommandParams
---@field commandId string Its id.

--- Which commands to list.
---@class daytona.CommandListParams
---@field sessionId? string Only those of this session; all if left out.

--- Commands.
---@class daytona.CommandList
---@field commands daytona.CommandStatus[] The commands, the oldest first.

--- The condition of a `ready` check that held first.
---@class daytona.CommandReady
---@field sessionId string The session of the command.
---@field commandId string The command.
---@field port? integer The port that accepts connections.
---@field url? string The URL that answers.
---@field line? string The line that matched, at most 4096 characters of it.

--- The command to wait for.
---@class daytona.WaitParams
---@field commandId string The command.
---@field timeoutMs? integer Milliseconds, from 0 to 2147483647, after which the wait ends; never if left out.

--- What to write to a command's standard input or terminal.
---@class daytona.InputParams
---@field commandId string The command.
---@field data? string What to write; at least one of `data` and `eof` is given.
---@field encoding? daytona.Encoding How `data` stands for bytes.
---@field eof? boolean Whether the input ends after `data`; on a terminal this is its end-of-file character.

--- The command to stop, and how long to be gentle.
---@class daytona.StopParams
---@field commandId string The command.
---@field graceMs? integer Milliseconds, from 0 to 2147483647, between SIGTERM and SIGKILL.

--- The signal to send.
---@class daytona.SignalParams
---@field commandId string The command.
---@field signal string The signal's name with or without `SIG`, such as `INT` or `SIGUSR1`.

--- The new size of a command's terminal.
---@class daytona.ResizeParams
---@field commandId string The command, which has a `tty`.
---@field cols integer Columns, from 1 to 1000.
---@field rows integer Rows, from 1 to 1000.

--- A run of bytes of one channel of a command's log.
---@class daytona.LogChunk
---@field sessionId string The session of the command.
---@field commandId string The command.
---@field offset integer The offset of its first byte in the command's log, from 0.
---@field channel daytona.Channel Where its bytes came from.
---@field data string Its bytes, as `encoding` says.
---@field encoding daytona.Encoding `utf8` for whole characters, `base64` for bytes that are not UTF-8.
---@field at string When its first byte was read.
---@field truncatedBefore? integer Only where bytes were dropped that this reader had not got: the oldest offset kept then.

--- Which part of a log to read.
---@class daytona.LogsParams
---@field commandId string The command.
---@field offset? integer The first byte, from 0 to the log's size.
---@field limit? integer At most so many bytes, from 1 to 4194304; 1 MiB by default.
---@field channel? daytona.Channel Only chunks of this channel; all if left out. Offsets stay those of the whole log.

--- A part of a log.
---@class daytona.LogPage
---@field chunks daytona.LogChunk[] The chunks, in the order of their offsets.
---@field nextOffset integer Where to go on reading.
---@field size integer Bytes in the log so far; also the offset of the next byte.
---@field truncatedBefore integer The offset of the oldest byte that is kept; 0 unless bytes were dropped.
---@field finished boolean Whether the command is over, so that the log cannot grow.

--- The command to follow, and from where.
---@class daytona.AttachParams
---@field commandId string The command.
---@field offset? integer The first byte wanted, from 0 to the log's size.

--- A message for people.
---@class daytona.MessageParams
---@field type daytona.MessageType How serious it is.
---@field message string Its text.

--- A line of the trace.
---@class daytona.LogTraceParams
---@field message string The line; never holds commands, environments or inputs.
---@field verbose? string More about it, when the trace is `verbose`.

--- The token of progress that the server is about to report.
---@class daytona.ProgressCreateParams
---@field token integer|string The token, made by the server.

--- A report of progress.
---@class daytona.ProgressParams
---@field token integer|string The token it belongs to.
---@field value table<string, any> LSP's `WorkDoneProgressBegin`, `WorkDoneProgressReport` or `WorkDoneProgressEnd`.

--- What to open.
---@class daytona.ShowDocumentParams
---@field uri string The URL of a preview.
---@field external? boolean Whether to open it outside the editor, in a browser.
---@field takeFocus? boolean Whether it should take the focus.

--- Whether it was opened.
---@class daytona.ShowDocumentResult
---@field success boolean Whether it was opened.

--- The `data` of an application error, with a code from 1001 on.
---@class daytona.ErrorData
---@field kind string The kind of error, a word of the table of errors; may be a word not known yet.
---@field retryable boolean Whether the same request can succeed later without the client changing it.
---@field sessionId? string The session it is about.
---@field commandId? string The command it is about.
---@field httpStatus? integer The status that Daytona answered with.
---@field retryAfterMs? integer Milliseconds to wait before trying again; with `rateLimited`.

--- The `data` of error -32602.
---@class daytona.InvalidParamsData
---@field path string The wire path of the bad field, such as `tty.cols`; empty when `params` itself is not an object.

local M = {}

M.PROTOCOL_VERSION = 1

--- The kinds of application errors (`data.kind`).
M.error_kinds = {
  "notFound",
  "conflict",
  "alreadyFinished",
  "commandExecutionError",
  "waitTimeout",
  "unsupported",
  "apiError",
  "authentication",
  "rateLimited",
  "sandboxUnavailable",
  "hostUnavailable",
}

--- What the server takes.
M.methods = {
  "initialize",
  "initialized",
  "shutdown",
  "exit",
  "$/setTrace",
  "$/cancelRequest",
  "sandbox/list",
  "sandbox/get",
  "sandbox/create",
  "sandbox/start",
  "sandbox/stop",
  "sandbox/delete",
  "sandbox/previewLink",
  "sessions/create",
  "sessions/list",
  "sessions/get",
  "sessions/delete",
  "command/execute",
  "command/status",
  "command/list",
  "command/wait",
  "command/logs",
  "command/attach",
  "command/detach",
  "command/input",
  "command/stop",
  "command/signal",
  "command/resize",
}

--- The notifications that the server sends.
M.notifications = {
  "command/output",
  "command/statusChanged",
  "command/ready",
  "sessions/changed",
  "sandbox/changed",
  "window/logMessage",
  "window/showMessage",
  "$/logTrace",
  "$/progress",
}

--- The requests that the server sends.
M.server_requests = {
  "window/workDoneProgress/create",
  "window/showDocument",
}

return M
