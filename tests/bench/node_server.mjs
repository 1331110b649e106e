// The server of stock_server.py once more, on the library that VS Code's own language servers use.
// Nothing is tuned and nothing is held back: the documented API, and one notification for each piece of output.

import { spawn } from "node:child_process";
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from "vscode-jsonrpc/node";

const connection = createMessageConnection(
  new StreamMessageReader(process.stdin),
  new StreamMessageWriter(process.stdout),
);
const commands = new Map();

class Command {
  constructor(text) {
    this.id = `cmd-${commands.size + 1}`;
    this.text = text;
    this.status = "running";
    this.exitCode = null;
    this.logSize = 0;
    this.process = spawn(text, { shell: true, stdio: ["ignore", "pipe", "pipe"] });
    this.pump("stdout", this.process.stdout);
    this.pump("stderr", this.process.stderr);
    this.process.on("close", (code) => {
      this.exitCode = code;
      this.status = "completed";
      connection.sendNotification("command/statusChanged", this.describe());
    });
  }

  describe() {
    return {
      commandId: this.id,
      command: this.text,
      status: this.status,
      exitCode: this.exitCode,
      logSize: this.logSize,
    };
  }

  pump(channel, stream) {
    const decoder = new TextDecoder();
    stream.on("data", (data) => {
      this.logSize += data.length;
      const text = decoder.decode(data, { stream: true });
      connection.sendNotification("command/output", { commandId: this.id, channel, data: text });
    });
  }
}

connection.onRequest("initialize", () => ({
  capabilities: {},
  serverInfo: { name: "node", version: "1.0" },
}));
connection.onNotification("initialized", () => {});
connection.onRequest("command/execute", (params) => {
  const command = new Command(params.command);
  commands.set(command.id, command);
  return command.describe();
});
connection.onRequest("command/status", (params) => commands.get(params.commandId).describe());
connection.onRequest("shutdown", () => null);
connection.onNotification("exit", () => process.exit(0));
connection.onClose(() => process.exit(0));
connection.listen();
